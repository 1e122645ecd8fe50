// Images that nobody may write to, whose pages the thread of images hands over: whole and in part, to readers that are slow or gone, and
// when somebody writes to one nevertheless.
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { chmodSync, closeSync, ftruncateSync, openSync, readdirSync, readlinkSync, renameSync, statSync, utimesSync, writeFileSync, writeSync } from 'node:fs'
import { Agent, type IncomingMessage, get } from 'node:http'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { RequestEvent } from '../../src/http/machine-log.js'
import { listen } from '../helpers/http-app.js'
import { imageThread } from '../helpers/image-thread.js'
import { MemoryStore } from '../helpers/memory-store.js'
import { until } from '../helpers/until.js'

const MiB = 1024 * 1024
// More than sockets of both sides hold, and what is copied at the end.
const image = randomBytes(48 * MiB)
/** Seconds since the epoch. */
const longAgo = 1_600_000_000

async function site (t: Test) {
  const folder = t.testdir()
  const path = join(folder, 'image')
  writeFileSync(path, image)
  // As root may write to it; others can who had it open before.
  const writer = openSync(path, 'r+')
  t.teardown(() => { closeSync(writer) })
  chmodSync(path, 0o444)
  const events: RequestEvent[] = []
  const assetSender = imageThread(t)
  const { port } = await listen(t, { store: new MemoryStore(), assetsPath: folder, assetSender, onRequest: event => { events.push(event) } })
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  t.teardown(() => { agent.destroy() })
  const ask = async (range?: string): Promise<IncomingMessage> => {
    const [answer] = await once(get({ port, path: '/assets/image', agent, headers: range === undefined ? {} : { range: `bytes=${range}` } }), 'response') as [IncomingMessage]
    return answer
  }
  /** Of a reader that takes nothing more yet. */
  const begin = async (): Promise<IncomingMessage> => {
    const answer = await ask()
    await once(answer, 'readable')
    return answer
  }
  const brokenOff = async (problem: RegExp): Promise<void> => {
    await until('the request has ended', () => events.length > 0)
    t.match(events, [{ finished: false, problem }])
    await until('only the writer has it open', () => assetSender.count === 0 && openFiles(folder) === 1)
  }
  return { path, writer, folder, events, ask, begin, brokenOff, assetSender }
}

async function rest (answer: IncomingMessage): Promise<{ readonly body: Buffer, readonly isWhole: boolean }> {
  const pieces: Buffer[] = []
  answer.on('data', (piece: Buffer) => { pieces.push(piece) })
  answer.on('error', () => { /* `complete` tells it too */ })
  await once(answer, 'close').catch(() => {})
  return { body: Buffer.concat(pieces), isWhole: answer.complete }
}

const openFiles = (folder: string): number => readdirSync('/proc/self/fd').filter(fd => {
  try { return readlinkSync(`/proc/self/fd/${fd}`).startsWith(folder) } catch { return false }
}).length

t.test('whole and in part, one after another on a connection', async t => {
  const { ask, events } = await site(t)
  const ports = new Set<number | undefined>()
  for (const [range, start, end] of [
    [undefined, 0, image.length], ['0-47000000', 0, 47_000_001], ['12345-', 12_345, image.length], [`${40 * MiB}-`, 40 * MiB, image.length],
    [`${MiB - 1}-${30 * MiB}`, MiB - 1, 30 * MiB + 1], [undefined, 0, image.length]
  ] as const) {
    const answer = await ask(range)
    ports.add(answer.socket.localPort)
    const { body, isWhole } = await rest(answer)
    t.ok(isWhole && body.equals(image.subarray(start, end)), range ?? 'whole')
  }
  t.equal(ports.size, 1)
  await until('all have ended', () => events.length === 6)
  t.ok(events.every(({ finished }) => finished))
  t.same([events[0]?.bytes, events[4]?.bytes], [image.length, 29 * MiB + 2])
})

t.test('many at once, some of which go', async t => {
  const { begin, ask, folder, assetSender, events } = await site(t)
  const slow = await begin()
  slow.destroy()
  await until('it is gone', () => events.length === 1)
  t.match(events, [{ finished: false, problem: undefined }])
  const bodies = await Promise.all(Array.from({ length: 4 }, async () => await rest(await ask())))
  t.ok(bodies.every(({ body, isWhole }) => isWhole && body.equals(image)))
  await until('only the writer has it open', () => assetSender.count === 0 && openFiles(folder) === 1)
})

t.test('one that is replaced stays what it was for who reads it', async t => {
  const { begin, path } = await site(t)
  const slow = await begin()
  writeFileSync(`${path}.new`, randomBytes(MiB))
  renameSync(`${path}.new`, path)
  const { body, isWhole } = await rest(slow)
  t.ok(isWhole && body.equals(image))
})

for (const [what, change] of [
  ['written over', writer => { writeSync(writer, randomBytes(image.length), 0, image.length, 0) }],
  ['written over in its last octet', writer => { writeSync(writer, Buffer.of(image.at(-1)! ^ 1), 0, 1, image.length - 1) }],
  ['written over and given its old time', (writer, path) => {
    writeSync(writer, randomBytes(image.length), 0, image.length, 0)
    utimesSync(path, longAgo, longAgo)
  }],
  ['cut short', writer => { ftruncateSync(writer, 30 * MiB) }],
  ['emptied', writer => { ftruncateSync(writer, 0) }]
] as ReadonlyArray<readonly [string, (writer: number, path: string) => void]>) {
  t.test(`one that is ${what} nevertheless while it is sent is broken off`, async t => {
    const { begin, brokenOff, path, writer } = await site(t)
    utimesSync(path, longAgo, longAgo)
    const slow = await begin()
    change(writer, path)
    const { body, isWhole } = await rest(slow)
    t.notOk(isWhole)
    t.ok(body.length < image.length)
    await brokenOff(/image was written to while it was sent/)
  })
}

t.test('a file that can\'t be read breaks off what is sent of it alone, and is named', async t => {
  const { ask, assetSender, folder } = await site(t)
  const path = join(folder, 'broken')
  // As a disk that fails: its descriptor gives nothing.
  const fd = openSync(path, 'w')
  t.teardown(() => { closeSync(fd) })
  const server = createServer().listen(0, '127.0.0.1')
  t.teardown(() => { server.close() })
  await once(server, 'listening')
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1').resume()
  const [socket] = await once(server, 'connection') as [Socket]
  t.teardown(() => { socket.destroy() })
  const beside = ask()
  for (const mode of [0o644, 0o444]) {
    chmodSync(path, mode)
    const sent = await assetSender.send(socket, { path, from: { fd, identity: statSync(path, { bigint: true }), place: path }, start: 0, length: 20 * MiB }, () => {})
    t.same(sent, { octets: 0, isWhole: false, problem: `${path} cannot be read (EBADF)` })
  }
  client.destroy()
  t.ok((await rest(await beside)).body.equals(image), 'others get theirs')
})
