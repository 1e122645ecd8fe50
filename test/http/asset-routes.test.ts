// Large files under /assets/ over real connections: from memory and from disk, to readers that are slow, many or gone, and
// while the file is replaced.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync, readdirSync, readlinkSync, renameSync, utimesSync, writeFileSync } from 'node:fs'
import { Agent, type IncomingMessage, get } from 'node:http'
import { type Socket, connect } from 'node:net'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import t, { type Test } from 'tap'
import type { FileSender } from '../../src/assets/file-sender.js'
import { DiskTurns } from '../../src/disk/disk-turns.js'
import { FileCache } from '../../src/disk/file-cache.js'
import type { RequestEvent } from '../../src/http/machine-log.js'
import { freePort } from '../helpers/free-port.js'
import { FakeClock } from '../helpers/fake-clock.js'
import { listen } from '../helpers/http-app.js'
import { imageThread } from '../helpers/image-thread.js'
import { exchange } from '../helpers/matchbox-fixture.js'
import { MemoryStore } from '../helpers/memory-store.js'
import { shortFolder } from '../helpers/short-folder.js'
import { typescript } from '../helpers/typescript.js'

const MiB = 1024 * 1024
/** What files are made of: chance costs more than to send it. */
const noise = randomBytes(80 * MiB)
const noiseOf = (length: number, from = 0): Buffer => noise.subarray(from, from + length)
const request = (path: string, headers = '', method = 'GET'): Buffer =>
  Buffer.from(`${method} ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${headers}\r\n`)

interface Assets { readonly port: number, readonly folder: string, readonly cache: FileCache, readonly events: readonly RequestEvent[] }

async function assets (t: Test, memory: number, files: Readonly<Record<string, Buffer>>, assetSender?: FileSender): Promise<Assets> {
  const folder = t.testdir()
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content)
  // Its time is long before that of the files, which have settled then.
  const cache = new FileCache({ memory, smallest: MiB / 4, clock: new FakeClock() })
  const events: RequestEvent[] = []
  const { port } = await listen(t, { store: new MemoryStore(), assetsPath: folder, assetCache: cache, assetSender, onRequest: event => { events.push(event) } })
  return { port, folder, cache, events }
}

const begin = async (port: number, path: string): Promise<IncomingMessage> => {
  const [answer] = await once(get({ port, path, agent: false }), 'response') as [IncomingMessage]
  return answer
}

/** What arrives, whether the connection was broken or not. */
async function rest (answer: IncomingMessage): Promise<{ body: Buffer, whole: boolean }> {
  const pieces: Buffer[] = []
  answer.on('data', (piece: Buffer) => { pieces.push(piece) })
  answer.on('error', () => { /* it says aborted; `complete` tells it too */ })
  await once(answer, 'close').catch(() => {})
  return { body: Buffer.concat(pieces), whole: answer.complete }
}

const openFiles = (folder: string): number => readdirSync('/proc/self/fd').filter(fd => {
  try { return readlinkSync(`/proc/self/fd/${fd}`).startsWith(folder) } catch { return false }
}).length

async function until (condition: () => boolean): Promise<boolean> {
  for (let turns = 0; !condition() && turns < 100_000; turns++) await new Promise(resolve => setImmediate(resolve))
  return condition()
}

t.test('parts, HEAD and conditions answer alike from memory and from disk', async t => {
  const image = noiseOf(3.5 * MiB)
  for (const [memory, sends] of [[0, undefined], [2 * MiB, undefined], [8 * MiB, undefined], [0, imageThread]] as const) {
    const { port, cache, folder } = await assets(t, memory, { image }, sends?.(t))
    for (const round of ['first', 'again']) {
      for (const [range, start, end] of [
        ['0-0', 0, 1], ['0-1048575', 0, MiB], ['1048575-1048576', MiB - 1, MiB + 1], ['1000000-3500000', 1_000_000, 3_500_001], ['3670015-', 3_670_015, image.length],
        ['-5', image.length - 5, image.length], ['3145728-', 3 * MiB, image.length]
      ] as const) {
        const { status, headers, body } = await exchange(port, request('/assets/image', `Range: bytes=${range}\r\n`))
        t.same([status, headers['Content-Range'], headers['Content-Length']], [206, `bytes ${start}-${end - 1}/${image.length}`, String(end - start)])
        t.ok(body.equals(image.subarray(start, end)), `${range} of ${memory}, ${round}${sends === undefined ? '' : ', by a thread'}`)
      }
      const several = await exchange(port, request('/assets/image', 'Range: bytes=0-1,1048570-2500000,5-5\r\n'))
      const parts = [image.subarray(0, 2), image.subarray(1_048_570, 2_500_001), image.subarray(5, 6)]
      t.ok(parts.every(part => several.body.includes(part)))
      t.equal(String(several.body.length), several.headers['Content-Length'])
      const whole = await exchange(port, request('/assets/image'))
      t.ok(whole.body.equals(image))
      t.equal(whole.headers['Transfer-Encoding'], undefined)
      const head = await exchange(port, request('/assets/image', '', 'HEAD'))
      t.same([head.status, head.headers['Content-Length'], head.headers['Accept-Ranges'], head.body.length], [200, String(image.length), 'bytes', 0])
      const unchanged = await exchange(port, request('/assets/image', `If-Modified-Since: ${whole.headers['Last-Modified']}\r\n`))
      t.same([unchanged.status, unchanged.body.length], [304, 0])
      t.equal((await exchange(port, request('/assets/image', 'Range: bytes=9999999-\r\n'))).status, 416)
    }
    t.equal(cache.bytes, memory < 4 * MiB ? 0 : image.length)
    t.ok(await until(() => openFiles(folder) === 0))
  }
})

t.test('the disk looks for nothing that only those wanted who are gone', async t => {
  const folder = t.testdir({ image: 'an image' })
  let [asked, begun] = [0, 0]
  class Watched extends DiskTurns {
    override async take<T> (operation: () => Promise<T>, isWanted?: () => boolean): Promise<T> {
      asked++
      return await super.take(async () => {
        begun++
        return await operation()
      }, isWanted)
    }
  }
  const turns = new Watched(folder, new FakeClock(), 1)
  const events: RequestEvent[] = []
  const { port } = await listen(t, { store: new MemoryStore(), assetsPath: folder, assetTurns: turns, onRequest: event => { events.push(event) } })
  let answer = (): void => {}
  const held = turns.take(async () => { await new Promise<void>(resolve => { answer = resolve }) })
  const gone = Array.from({ length: 50 }, () => connect(port, '127.0.0.1').on('error', () => {}))
  // Who waits for the same file has one turn.
  for (const [n, socket] of gone.entries()) socket.write(request(`/assets/${n}`))
  t.ok(await until(() => asked === 51), 'all wait for their turn')
  const stays = exchange(port, request('/assets/image'))
  t.ok(await until(() => asked === 52))
  for (const socket of gone) socket.destroy()
  t.ok(await until(() => events.length === 50), 'it is known that they are gone')
  answer()
  await held
  const { status, body } = await stays
  t.same([status, body.toString()], [200, 'an image'])
  t.ok(begun < 10, `${begun} operations for the one that stayed`)
  t.ok(await until(() => openFiles(folder) === 0))
  t.same(events.flatMap(({ problem }) => problem ?? []), [], 'and that is no failure of the disk')
})

t.test('an answer says its length once, and the log why there is no image', async t => {
  const { port, folder, events } = await assets(t, 0, { image: Buffer.alloc(10) })
  const lengths: Record<number, number> = {}
  for (const headers of [{}, { 'if-match': '"a"' }, { range: 'bytes=5-2' }, { range: 'bytes=1-2' }]) {
    const [answer] = await once(get({ port, path: '/assets/image', headers, agent: false }), 'response') as [IncomingMessage]
    await rest(answer)
    lengths[answer.statusCode ?? 0] = answer.rawHeaders.filter(name => name.toLowerCase() === 'content-length').length
  }
  t.same(lengths, { 200: 1, 206: 1, 412: 1, 416: 1 })
  spawnSync('mkfifo', [join(folder, 'pipe')])
  for (const name of ['pipe', 'nothing', '%00', 'a'.repeat(300)]) await rest(await begin(port, `/assets/${name}`))
  await until(() => events.length === 8)
  t.same(events.slice(4).map(({ status, problem }) => [status, problem]), [
    [500, `${join(folder, 'pipe')} is no file but a pipe, a socket or a device`], [404, undefined], [500, undefined], [500, undefined]
  ])
})

t.test('fifty readers of a file that nobody has read yet cost one reading', async t => {
  const image = noiseOf(4 * MiB)
  const { port, cache } = await assets(t, 8 * MiB, { image })
  const answers = await Promise.all(Array.from({ length: 50 }, () => exchange(port, request('/assets/image'))))
  t.ok(answers.every(({ body }) => body.equals(image)))
  t.same([cache.misses, cache.hits], [4, 49 * 4 + 50], 'and each looks at the first bytes for the type')
})

t.test('files that do not fit together take turns', async t => {
  const files = { a: noiseOf(3 * MiB), b: noiseOf(3 * MiB, 3 * MiB), c: noiseOf(6 * MiB, 6 * MiB) }
  const { port, cache } = await assets(t, 4 * MiB, files)
  for (const name of ['a', 'b', 'a', 'c', 'b'] as const) {
    t.ok((await exchange(port, request(`/assets/${name}`))).body.equals(files[name]), name)
    t.ok(cache.bytes <= 4 * MiB)
  }
  const both = await Promise.all((['a', 'b', 'a', 'b', 'c'] as const).map(async name => (await exchange(port, request(`/assets/${name}`))).body.equals(files[name])))
  t.ok(both.every(Boolean))
})

for (const [where, memory, sends] of [['memory', 256 * MiB, () => undefined], ['disk', 0, () => undefined], ['a thread', 0, imageThread]] as const) {
  t.test(`a file that is replaced while it is read from ${where} stays what it was for who reads it`, async t => {
    // More than sockets of both sides hold.
    const [before, after] = [noiseOf(40 * MiB), noiseOf(40 * MiB, 40 * MiB)]
    const { port, folder } = await assets(t, memory, { image: before }, sends(t))
    const slow = await begin(port, '/assets/image')
    await once(slow, 'readable')
    writeFileSync(join(folder, 'image.new'), after)
    renameSync(join(folder, 'image.new'), join(folder, 'image'))
    const next = await rest(await begin(port, '/assets/image'))
    t.ok(next.whole && next.body.equals(after), 'whoever comes next gets the new one')
    const old = await rest(slow)
    t.ok(old.whole && old.body.equals(before))
  })

  t.test(`one that is written over in place while it is read from ${where} ends the connection`, async t => {
    const before = noiseOf(40 * MiB)
    const { port, folder, events } = await assets(t, memory, { image: before }, sends(t))
    const slow = await begin(port, '/assets/image')
    await once(slow, 'readable')
    writeFileSync(join(folder, 'image'), noiseOf(40 * MiB, 40 * MiB), { flag: 'r+' })
    utimesSync(join(folder, 'image'), 1_600_000_000, 1_600_000_000)
    const { body, whole } = await rest(slow)
    t.notOk(whole)
    t.ok(body.length < before.length && body.equals(before.subarray(0, body.length)), 'what has arrived is of the old one')
    t.ok(await until(() => events.length === 1))
    t.match(events, [{ finished: false, problem: /image was written to while it was sent/ }])
    t.ok(await until(() => openFiles(folder) === 0))
  })

  t.test(`one that is written over in place and given its old time ends the connection, read from ${where}`, async t => {
    const { port, folder } = await assets(t, memory, { image: noiseOf(40 * MiB) }, sends(t))
    const path = join(folder, 'image')
    utimesSync(path, 1_600_000_000, 1_600_000_000)
    const slow = await begin(port, '/assets/image')
    await once(slow, 'readable')
    writeFileSync(path, noiseOf(40 * MiB, 40 * MiB), { flag: 'r+' })
    utimesSync(path, 1_600_000_000, 1_600_000_000)
    t.notOk((await rest(slow)).whole)
  })

  t.test(`readers that vanish, with answers that wait for one another, leave nothing open (${where})`, async t => {
    const image = noiseOf(30 * MiB)
    const { port, folder, cache } = await assets(t, memory === 0 ? 0 : 40 * MiB, { image, other: image }, sends(t))
    const sockets = await Promise.all(Array.from({ length: 5 }, async () => {
      const socket = connect(port, '127.0.0.1')
      for (let i = 0; i < 20; i++) socket.write('GET /assets/image HTTP/1.1\r\nHost: a\r\n\r\n')
      await once(socket, 'data')
      socket.pause()
      return socket
    }))
    t.ok(openFiles(folder) >= 5)
    for (const socket of sockets) socket.resetAndDestroy()
    t.ok(await until(() => openFiles(folder) === 0), `${openFiles(folder)} files are open`)
    if (memory === 0) return
    t.ok((await exchange(port, request('/assets/other'))).body.equals(image))
    const { misses } = cache
    t.ok((await exchange(port, request('/assets/other'))).body.equals(image))
    t.equal(cache.misses, misses, 'the memory that they had was free again')
  })
}

t.test('a thread sends what is large, on connections that go on afterwards, and as many as it may', async t => {
  const files = { image: noiseOf(3 * MiB), small: noiseOf(MiB / 4, 3 * MiB) }
  const sender = imageThread(t, { most: 1 })
  const { port, folder, events } = await assets(t, 0, files, sender)
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  t.teardown(() => { agent.destroy() })
  const ports = new Set<number | undefined>()
  for (const name of ['image', 'small', 'image'] as const) {
    const [answer] = await once(get({ port, path: `/assets/${name}`, agent }), 'response') as [IncomingMessage]
    ports.add(answer.socket.localPort)
    t.ok((await rest(answer)).body.equals(files[name]), name)
  }
  t.equal(ports.size, 1, 'one connection for all')
  t.ok(await until(() => events.length === 3))
  t.match(events, [{ bytes: 3 * MiB, finished: true }, { bytes: MiB / 4, finished: true }, { bytes: 3 * MiB, finished: true }])
  writeFileSync(join(folder, 'large'), noiseOf(40 * MiB))
  const slow = await begin(port, '/assets/large')
  t.equal(sender.count, 1)
  t.ok((await exchange(port, request('/assets/image'))).body.equals(files.image), 'beside it one is sent without the thread')
  slow.destroy()
  t.ok(await until(() => sender.count === 0 && openFiles(folder) === 0), 'who goes takes what was his along')
  t.ok(await until(() => events.length === 5))
  t.match(events.at(-1), { finished: false, problem: undefined })
})

t.test('a thread that ends breaks off what it sent; images leave without one for a minute, then with the next', async t => {
  const folder = shortFolder(t)
  writeFileSync(join(folder, 'ends.mjs'), 'import { parentPort } from "node:worker_threads"; parentPort.once("message", () => { throw new Error("a thread of this test") })')
  const crashes: string[] = []
  const image = noiseOf(2 * MiB)
  const clock = new FakeClock()
  const sender = imageThread(t, { entry: pathToFileURL(join(folder, 'ends.mjs')), clock, onCrash: error => { crashes.push(error.message) } })
  const { port, events } = await assets(t, 0, { image }, sender)
  const descriptors = (): number => readdirSync('/proc/self/fd').length
  const before = descriptors()
  for (let round = 0; round < 3; round++) {
    t.same((await rest(await begin(port, '/assets/image'))).body.length, 0, 'broken off')
    t.ok((await rest(await begin(port, '/assets/image'))).body.equals(image), 'asked for again')
    clock.advance(60_000)
  }
  t.same(crashes, Array.from({ length: 3 }, () => 'a thread of this test'))
  t.ok(await until(() => events.length === 6))
  t.match(events.filter(({ finished }) => !finished), Array.from({ length: 3 }, () => ({ problem: 'the thread of images ended' })))
  t.ok(await until(() => descriptors() <= before), 'no descriptor is left behind')
})

t.test('a stop breaks off what a thread sends', async t => {
  const sender = imageThread(t)
  const { port, events } = await assets(t, 0, { image: noiseOf(40 * MiB) }, sender)
  const slow = await begin(port, '/assets/image')
  const [{ whole }] = await Promise.all([rest(slow), sender.close()])
  t.notOk(whole)
  t.ok(await until(() => events.length === 1))
  t.match(events, [{ finished: false, problem: 'the service ends' }])
})

t.test('fifty readers, half of them stalled, of more than fits stay within the memory and 150 MiB', async t => {
  const memory = 64
  const folder = t.testdir({ data: {}, assets: {} })
  const files = Object.fromEntries(['a', 'b', 'c'].map((name, n) => [name, noiseOf(40 * MiB, n * 20 * MiB)]))
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, 'assets', name), content)
  const port = await freePort()
  const script = join(import.meta.dirname, '../../scripts/lib/bench-server.ts')
  const child: ChildProcess = spawn(process.execPath, [typescript, script, join(folder, 'data'), String(port), join(folder, 'assets'), String(memory * MiB)],
    { stdio: ['ignore', 'pipe', 'inherit'] })
  t.teardown(() => child.kill())
  await new Promise<void>((resolve, reject) => {
    let said = ''
    child.stdout?.on('data', piece => {
      said += String(piece)
      if (said.includes('bench.listening')) resolve()
    })
    child.once('exit', () => { reject(new Error(`it ended: ${said}`)) })
  })
  const names = Object.keys(files)
  const stalled: Socket[] = []
  t.teardown(() => { for (const socket of stalled) socket.destroy() })
  for (let i = 0; i < 25; i++) {
    const socket = connect(port, '127.0.0.1', () => { socket.write(request(`/assets/${names[i % 3]!}`)) })
    stalled.push(socket)
    await once(socket, 'data')
    socket.pause()
  }
  const hashes = Object.fromEntries(Object.entries(files).map(([name, content]) => [name, createHash('sha256').update(content).digest('hex')]))
  const arrived = await Promise.all(Array.from({ length: 25 }, async (_, i) => {
    const hash = createHash('sha256')
    const answer = await begin(port, `/assets/${names[i % 3]!}`)
    for await (const piece of answer) hash.update(piece as Buffer)
    return hash.digest('hex') === hashes[names[i % 3]!]
  }))
  t.ok(arrived.every(Boolean), 'all others get theirs whole')
  const highest = Number(/VmHWM:\s*(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1]) / 1024
  t.ok(highest <= memory + 150, `${highest.toFixed(0)} MiB at the most`)
})

t.test('what the mirror has not verified yet is not there', async t => {
  const assetsPath = t.testdir({ flatcar: { '.partial': { '1.0': { vmlinuz: 'half' } }, '1.0': { vmlinuz: 'whole' } } })
  const { port } = await listen(t, { store: new MemoryStore(), assetsPath })
  const status = async (path: string): Promise<number> => (await fetch(`http://127.0.0.1:${port}${path}`)).status
  t.equal(await status('/assets/flatcar/1.0/vmlinuz'), 200)
  t.equal(await status('/assets/flatcar/.partial/1.0/vmlinuz'), 404)
  t.equal(await status('/assets/flatcar/%2Epartial/'), 404)
  t.notMatch(await (await fetch(`http://127.0.0.1:${port}/assets/flatcar/`)).text(), 'partial')
})
