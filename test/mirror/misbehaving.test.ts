// Publishers that speak HTTP otherwise than they should: answers written octet by octet, each with what comes of it.
import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { type Clock, systemClock } from '../../src/base/clock.js'
import { TestMirror, type TestMirrorOptions } from '../helpers/mirror.js'
import { makePki } from '../helpers/pki.js'
import { flatcarFiles, makeKey, Publisher } from '../helpers/publisher.js'

const key = await makeKey('publisher')

/** Answers a request for the file; `range` is where the rest begins that is asked for, `count` how many were answered before. */
type Answer = (socket: Socket, asked: { readonly range: number | undefined, readonly count: number, readonly body: Buffer }) => void

/** An HTTP server of its own kind: each connection is answered by `answer` when its request is whole. Gives its URL. */
async function speaker (t: Test, body: Buffer, answer: Answer): Promise<{ readonly url: string, readonly asked: string[] }> {
  const asked: string[] = []
  const open = new Set<Socket>()
  const server = createServer(socket => {
    open.add(socket)
    socket.on('error', () => {}).once('close', () => { open.delete(socket) })
    let text = ''
    socket.setEncoding('latin1').on('data', (piece: string) => {
      text += piece
      if (!text.endsWith('\r\n\r\n')) return
      const range = /range: bytes=(\d+)-/i.exec(text)?.[1]
      asked.push(range ?? '')
      answer(socket, { range: range === undefined ? undefined : Number(range), count: asked.length - 1, body })
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    for (const socket of open) socket.destroy()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as { port: number }).port}`, asked }
}

const head = (...lines: string[]): string => `HTTP/1.1 ${lines.join('\r\n')}\r\nConnection: close\r\n\r\n`
const whole: Answer = (socket, { body }) => {
  socket.write(head('200 OK', 'ETag: "a"', `Content-Length: ${body.length}`))
  socket.end(body)
}
/** The first half and the end of the connection; then what `rest` says. */
const halfThen = (rest: Answer, headers: readonly string[] = ['ETag: "a"']): Answer => (socket, asked) => {
  if (asked.count > 0) return rest(socket, asked)
  socket.write(head('200 OK', ...headers, `Content-Length: ${asked.body.length}`))
  socket.end(asked.body.subarray(0, asked.body.length >> 1))
}
const part = (range: (from: number, size: number) => string, size = Infinity): Answer => (socket, { range: from = 0, body }) => {
  const piece = body.subarray(from, from + size)
  socket.write(head('206 Partial Content', 'ETag: "a"', `Content-Range: ${range(from, body.length)}`, `Content-Length: ${piece.length}`))
  socket.end(piece)
}

const rows: ReadonlyArray<readonly [name: string, answer: Answer, match: object, settings?: Partial<TestMirrorOptions>]> = [
  ['the rest of it', halfThen(part((from, size) => `bytes ${from}-${size - 1}/${size}`)), { outcome: 'published' }],
  ['a page with 200', socket => { socket.end(head('200 OK', 'Content-Type: text/html') + '<html>Log in</html>') }, { error: { code: 'image_signature_bad' } }],
  ['a length that is too small', (socket, { body }) => { socket.end(head('200 OK', 'Content-Length: 1000') + body.toString('latin1'), 'latin1') }, { error: { code: /image/ } }],
  ['a length that is too large', (socket, { body }) => { socket.end(head('200 OK', `Content-Length: ${body.length + 9}`) + body.toString('latin1'), 'latin1') }, { error: { code: 'image_download_failed' } }],
  ['a length of 2^63', socket => { socket.end(head('200 OK', 'Content-Length: 9223372036854775808') + 'x') }, { error: { code: 'image_too_large' } }],
  ['a length that is no number', socket => { socket.end(head('200 OK', 'Content-Length: many') + 'x') }, { error: { code: 'image_download_failed' } }],
  ['a status that is none', socket => { socket.end(head('999 ?')) }, { error: { code: 'image_download_failed' } }],
  ['no HTTP', socket => { socket.end('SSH-2.0-OpenSSH_9.6\r\n') }, { error: { code: 'image_download_failed' } }],
  ['headers without end', socket => {
    socket.write('HTTP/1.1 200 OK\r\n')
    const more = (): void => { while (!socket.destroyed && socket.write(`X-More: ${'x'.repeat(4000)}\r\n`)); }
    socket.on('drain', more)
    more()
  }, { error: { code: 'image_download_failed' } }],
  ['interim answers without end', socket => {
    const more = (): void => { while (!socket.destroyed && socket.write('HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(100))); }
    socket.on('drain', more)
    more()
  }, { error: { code: 'image_download_failed' } }, { timeout: 1000 }],
  ['another protocol', socket => { socket.end('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nx') }, { error: { code: 'image_download_failed' } }],
  ['chunks without end', socket => {
    socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n')
    const more = (): void => { while (!socket.destroyed && socket.write('1\r\nx\r\n'.repeat(20_000))); }
    socket.on('drain', more)
    more()
  }, { error: { code: 'image_too_large' } }, { maxSize: 2 ** 17 }],
  ['a chunk of 2^60', socket => { socket.end('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffff\r\nx') }, { error: { code: 'image_download_failed' } }],
  ['gzip that nobody asked for', socket => { socket.end(head('200 OK', 'Content-Encoding: gzip') + 'x') }, { error: { code: /image/ } }],
  ['nothing at all', socket => { socket.end() }, { error: { code: 'image_download_failed' } }],
  ['204', socket => { socket.end(head('204 No Content')) }, { error: { code: 'image_download_failed' } }],
  ['a part that was not asked for', part((from, size) => `bytes ${from}-${size - 1}/${size}`), { outcome: 'published' }],
  ['another part', halfThen((socket, asked) => { if (asked.range === undefined) whole(socket, asked); else part((_, size) => `bytes 5-${size - 1}/${size}`)(socket, asked) }), { outcome: 'published' }],
  ['a part without a range', halfThen((socket, asked) => { if (asked.range === undefined) whole(socket, asked); else socket.end(head('206 Partial Content') + 'x') }), { outcome: 'published' }],
  ['416 for the rest', halfThen((socket, asked) => { if (asked.range === undefined) whole(socket, asked); else socket.end(head('416 Range Not Satisfiable')) }), { outcome: 'published' }],
  ['all of it for the rest', halfThen(whole), { outcome: 'published' }],
  ['a part of unknown size', halfThen(part(from => `bytes ${from}-${from}/*`)), { outcome: 'published' }],
  ['a part of another size', halfThen((socket, asked) => { if (asked.range === undefined) whole(socket, asked); else part(from => `bytes ${from}-${from + 9}/1000000000`)(socket, asked) }), { outcome: 'published' }],
  ['a part of what is too large', halfThen(part(from => `bytes ${from}-${from + 9}/99999999999999`)), { error: { code: 'image_too_large' } }],
  ['an empty part', halfThen(part((from, size) => `bytes ${from}-${size - 1}/${size}`, 0)), { error: { code: 'image_download_failed' } }],
  ['octet by octet', halfThen(part((from, size) => `bytes ${from}-${from}/${size}`, 1)), { error: { code: 'image_download_failed' } }],
  ['a weak tag and no date: from the start', halfThen(whole, ['ETag: W/"a"']), { outcome: 'published' }]
]

/** The pauses between tries take no time; silences do. */
const hurried: Clock = { ...systemClock, after: (milliseconds, fire) => systemClock.after([500, 2000, 5000].includes(milliseconds) ? 0 : milliseconds, fire) }

t.test('an answer that is none, or another than was asked for', async t => {
  const publisher = await Publisher.start()
  t.teardown(() => publisher.close())
  const body = await publisher.putSigned('/os/vmlinuz', Buffer.alloc(20_000, 'kernel'), key)
  for (const [name, answer, match, settings] of rows) {
    await t.test(name, async t => {
      const { url, asked } = await speaker(t, body, answer)
      publisher.faults.set('/os/vmlinuz', { kind: 'redirect', to: url })
      const mirror = new TestMirror([{ os: 'custom', name: 'mine', base_url: `${publisher.url}/os`, files: [{ path: 'vmlinuz', signature: '.sig' }] }], {
        folder: t.testdir(), keys: [key], clock: hurried, ...settings
      })
      const [result] = await mirror.sync()
      t.match(result, match)
      t.ok(asked.length <= 5, `asked ${asked.length} times`)
      t.same([...mirror.seen('mine').entries()].filter(([name]) => name.endsWith('/vmlinuz')).map(([, bytes]) => bytes.equals(body)), result?.outcome === 'published' ? [true] : [])
    })
  }
})

t.test('from https to http is not followed', async t => {
  const [kernel] = flatcarFiles
  const { ca, server: pair } = makePki()
  const [server, plain] = [await Publisher.start(pair), await Publisher.start()]
  t.teardown(() => Promise.all([server.close(), plain.close()]))
  const made = await server.flatcar('2.0.0', key)
  plain.put('/elsewhere', made.get(kernel)!)
  server.faults.set(`/amd64-usr/2.0.0/${kernel}`, { kind: 'redirect', to: `${plain.url}/elsewhere` })
  const folder = t.testdir({ 'ca.crt': ca.cert })
  t.match(await new TestMirror([{ os: 'flatcar', base_url: server.url }], { folder, keys: [key], caFile: join(folder, 'ca.crt') }).sync(),
    [{ error: { code: 'image_download_failed', text: /redirects to http:.* which is not followed/ } }])
  t.same(plain.requests, [])
})
