// What becomes of a file that is asked for: what the sender of images is given and what is written here, and that it is closed.
import { once } from 'node:events'
import { createServer, get, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { type FilePart, type FileSender, ImageThread, type Sent } from '../../src/assets/file-sender.js'
import { sendFile } from '../../src/assets/send-file.js'
import { type FilePiece, memoryFile, type OpenFile } from '../../src/disk/open-file.js'
import { FakeClock } from '../helpers/fake-clock.js'

const content = Buffer.from('GIF89a and what comes after it')
const smallest = 10
const identity = { dev: 1n, ino: 1n, size: BigInt(content.length), mtimeNs: 1n, ctimeNs: 1n, nlink: 1n, mode: 0o100644n, uid: 0n, gid: 0n }

const notOnDisk = { descriptor: undefined } as unknown as Partial<OpenFile>

interface Asked {
  readonly method?: 'GET' | 'HEAD'
  readonly headers?: Readonly<Record<string, string>>
  readonly file?: Partial<OpenFile>
  readonly sent?: (part: FilePart, left: (octets: number) => void, write: (bytes: Buffer) => void) => Promise<Sent> | undefined
  readonly type?: string
}

async function ask (t: Test, { method = 'GET', headers = {}, file: more = {}, sent = () => undefined, type }: Asked) {
  const [parts, failures, lefts]: [FilePart[], string[], number[]] = [[], [], []]
  let closed = 0
  let ended = false
  const file: OpenFile = { ...memoryFile('/image', content), descriptor: { fd: 0, identity, place: '/image' }, close: async () => { closed++ }, ...more }
  const sender: FileSender = {
    smallest,
    send: (socket, part, onProgress) => {
      parts.push(part)
      return sent(part, onProgress, bytes => { socket.write(bytes) })
    }
  }
  let over: Promise<void> | undefined
  const server = createServer((request, response) => {
    over = sendFile(file, {
      method,
      headers: request.headers,
      request,
      response,
      send: ({ status, headers, body }) => { response.writeHead(status, headers).end(body) },
      begin: (status, headers, length) => { response.writeHead(status, { ...headers, 'content-length': length }) },
      left: octets => { lefts.push(octets) },
      failed: problem => { failures.push(problem) }
    }, type, sender)
    over.then(() => { ended = response.writableEnded }, () => { response.destroy() })
  }).listen(0, '127.0.0.1')
  t.teardown(() => server.close())
  await once(server, 'listening')
  const [answer] = await once(get({ host: '127.0.0.1', port: (server.address() as AddressInfo).port, method, headers, agent: false }), 'response') as [IncomingMessage]
  const pieces: Buffer[] = []
  answer.on('data', (piece: Buffer) => { pieces.push(piece) }).on('error', () => { /* `complete` tells it too */ })
  await once(answer, 'close').catch(() => {})
  await over
  const body = Buffer.concat(pieces)
  return { status: answer.statusCode, type: answer.headers['content-type'], body, whole: answer.complete, parts: parts.map(({ start, length }) => [start, length]), failures, lefts, closed, ended }
}

const whole = { status: 200, body: content, whole: true, failures: [], closed: 1, ended: true }

t.test('the sender is given what is one part of a file on disk and not too small; what it does not take is written', async t => {
  t.match(await ask(t, {}), { ...whole, parts: [[0, content.length]], lefts: [] })
  t.match(await ask(t, { headers: { range: `bytes=3-${smallest + 2}` } }), { status: 206, body: content.subarray(3, smallest + 3), parts: [[3, smallest]], closed: 1 })
  t.match(await ask(t, { headers: { range: `bytes=3-${smallest + 1}` } }), { status: 206, body: content.subarray(3, smallest + 2), parts: [], closed: 1 })
  t.match(await ask(t, { file: notOnDisk }), { ...whole, parts: [] })
  const two = await ask(t, { headers: { range: 'bytes=0-11,12-23' } })
  t.match(two, { status: 206, whole: true, type: /^multipart\/byteranges; boundary=/, parts: [], closed: 1 })
  for (const [from, to] of [[0, 12], [12, 24]] as const) t.ok(two.body.includes(content.subarray(from, to)))
})

t.test('what the sender takes is not written again', async t => {
  const taken = await ask(t, {
    sent: async ({ start, length }, left, write) => {
      write(content.subarray(start, start + length))
      left(5)
      return { octets: length, isWhole: true, problem: undefined }
    }
  })
  t.match(taken, { ...whole, parts: [[0, content.length]], lefts: [5, content.length] })
})

t.test('one that breaks off ends the connection, and says why', async t => {
  for (const problem of ['the disk failed', undefined]) {
    const broken = await ask(t, {
      sent: async (_, _left, write) => {
        write(content.subarray(0, 4))
        return { octets: 4, isWhole: false, problem }
      }
    })
    t.match(broken, { whole: false, failures: problem === undefined ? [] : [problem], lefts: [4], closed: 1 })
  }
  const piece = async (position: number): Promise<FilePiece> => {
    // What was written before has left by then.
    await turn()
    if (position > 0) throw new Error('the disk failed')
    return { bytes: content.subarray(0, 4), release: () => {} }
  }
  const failed = await ask(t, { file: { ...notOnDisk, piece }, type: 'text/plain' })
  t.match(failed, { whole: false, body: content.subarray(0, 4), failures: ['the disk failed'], closed: 1 })
})

t.test('nothing of it where nothing is to be sent', async t => {
  t.match(await ask(t, { method: 'HEAD' }), { status: 200, type: 'image/gif', body: Buffer.alloc(0), parts: [], closed: 1 })
  t.match(await ask(t, { headers: { range: 'bytes=99-' } }), { status: 416, body: Buffer.from('invalid range: failed to overlap\n'), parts: [], closed: 1 })
  t.match(await ask(t, { file: { ...memoryFile('/empty', Buffer.alloc(0)), close: async () => {} } }), { status: 200, body: Buffer.alloc(0), parts: [] })
})

t.test('its first octets tell its type, unless it is given', async t => {
  t.equal((await ask(t, {})).type, 'image/gif')
  t.equal((await ask(t, { type: 'text/x-given' })).type, 'text/x-given')
})

t.test('half a MiB is the least that the thread of images is given', t => {
  t.equal(new ImageThread({ clock: new FakeClock(), most: 1, onCrash: () => {} }).smallest, 524_288)
  t.end()
})
