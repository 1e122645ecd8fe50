// Files under /assets/ and /boot/ that are changed while they are sent: whoever reads them gets all of the file as it was, or sees that the
// answer was broken off, and never a mix; others are answered meanwhile, and whoever asks afterwards gets what is there then.
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { open } from 'node:fs/promises'
import { Agent, type IncomingMessage, get } from 'node:http'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { FileSender } from '../../src/assets/file-sender.js'
import { DiskFile, Readers } from '../../src/disk/disk-file.js'
import { FileCache } from '../../src/disk/file-cache.js'
import { failReads, type FileChange, fileChanges, openFiles, writeLongAgo } from '../helpers/changed-files.js'
import { FakeClock } from '../helpers/fake-clock.js'
import { listen, type LogLine } from '../helpers/http-app.js'
import { imageThread } from '../helpers/image-thread.js'
import { MemoryStore } from '../helpers/memory-store.js'
import { until } from '../helpers/until.js'

const MiB = 1024 * 1024
// More than sockets of both sides hold.
const [before, after] = [randomBytes(12 * MiB), randomBytes(12 * MiB)]
const small = Buffer.from('of somebody else')

interface Site {
  readonly port: number
  readonly folder: string
  readonly cache: FileCache
  /** What it warned of, that names this file. */
  readonly warned: (path: string) => readonly LogLine[]
}

async function site (t: Test, { memory, sends }: Way): Promise<Site> {
  const folder = t.testdir({})
  writeLongAgo(join(folder, 'small'), small)
  // Its time is long before that of the files, which have settled then.
  const cache = new FileCache({ memory, smallest: MiB / 4, clock: new FakeClock() })
  const readers = new Readers()
  const { port, log } = await listen(t, {
    store: new MemoryStore(),
    assetsPath: folder,
    assetCache: cache,
    assetSender: sends(t),
    loaders: {
      open: async name => {
        const path = join(folder, name)
        const handle = await open(path).catch(() => undefined)
        return handle && new DiskFile({ handle, path, identity: await handle.stat({ bigint: true }), cache: undefined, readers })
      }
    }
  })
  return { port, folder, cache, warned: path => log.filter(line => line.level >= 40 && JSON.stringify(line).includes(path)) }
}

async function begin (t: Test, port: number, path: string, range?: string): Promise<IncomingMessage> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  t.teardown(() => { agent.destroy() })
  const [answer] = await once(get({ port, path, agent, headers: range === undefined ? {} : { range: `bytes=${range}` } }), 'response') as [IncomingMessage]
  return answer
}

/** What arrives, and whether that is all that was announced. */
async function rest (answer: IncomingMessage): Promise<{ readonly body: Buffer, readonly whole: boolean }> {
  const pieces: Buffer[] = []
  answer.on('data', (piece: Buffer) => { pieces.push(piece) })
  answer.on('error', () => { /* `complete` tells it too */ })
  await once(answer, 'close').catch(() => {})
  return { body: Buffer.concat(pieces), whole: answer.complete }
}

interface Way {
  readonly where: string
  readonly memory: number
  readonly sends: (t: Test) => FileSender | undefined
  /** The file has been asked for before, and is in memory as it was. */
  readonly kept?: boolean
  /** Below which it is asked for. */
  readonly below?: '/assets/' | '/boot/'
  /** Not with all changes. */
  readonly few?: boolean
  readonly range?: readonly [asked: string, start: number, end: number]
}

const few: readonly string[] = ['moved away', 'cut short', 'written over']

const here = (): undefined => undefined
const ways: readonly Way[] = [
  { where: 'memory', memory: 64 * MiB, sends: here },
  { where: 'memory that holds all of it', memory: 64 * MiB, sends: here, kept: true },
  { where: 'the disk', memory: 0, sends: here },
  { where: 'a thread', memory: 0, sends: imageThread },
  { where: 'a thread, in part', memory: 0, sends: imageThread, few: true, range: ['1000-12000000', 1000, 12_000_001] },
  { where: 'the disk, in part', memory: 0, sends: here, few: true, range: ['1000-12000000', 1000, 12_000_001] },
  { where: 'the disk, as a loader', memory: 0, sends: here, few: true, below: '/boot/' }
]

async function tryOut (t: Test, { port, folder, cache, warned }: Site, { kept = false, below = '/assets/', range }: Way, { what, change, reading, next }: FileChange): Promise<void> {
  const name = what.replace(/\W/g, '-')
  const [image, path] = [join(folder, name), below + name]
  writeLongAgo(image, before)
  if (kept) {
    const { misses } = cache
    await rest(await begin(t, port, path))
    t.equal(cache.misses - misses, before.length / MiB)
  }
  const slow = await begin(t, port, path, range?.[0])
  await once(slow, 'readable')
  change(image, after)
  t.same((await rest(await begin(t, port, '/assets/small'))).body, small, `${what}: others are answered`)
  const now = await begin(t, port, path)
  const expected = next(before, after)
  const got = await rest(now)
  t.ok(got.whole && (expected === undefined ? now.statusCode === 404 : got.body.equals(expected)), `${what}: who asks then gets what is there`)
  const { body, whole } = await rest(slow)
  const asked = range === undefined ? before : before.subarray(range[1], range[2])
  t.equal(whole, kept || reading === 'whole', `${what}: the reader`)
  t.ok(body.equals(whole ? asked : asked.subarray(0, body.length)), `${what}: nothing of what came later`)
  if (!whole) t.ok(body.length < asked.length && slow.socket.destroyed, `${what}: the connection is no more`)
  await until('all files are closed', () => openFiles(folder) === 0)
  t.match(warned(image), whole ? [] : [{ problem: `${image} was written to while it was sent: put the new file beside it and rename it` }])
}

for (const way of ways) {
  t.test(`a file that is sent from ${way.where}`, async t => {
    const one = await site(t, way)
    for (const change of fileChanges) if (!way.few || few.includes(change.what)) await tryOut(t, one, way, change)
  })
}

t.test('a file whose disk fails, at once and in the middle', async t => {
  for (const way of ways.filter(({ where }) => where === 'memory' || where === 'the disk')) {
    const { port, folder, warned } = await site(t, way)
    const image = join(folder, 'image')
    writeLongAgo(image, before)
    const problem = `${image} cannot be read (EIO)`
    const mendAll = await failReads(t, image, 0)
    for (const path of ['/assets/image', '/boot/image']) {
      const none = await begin(t, port, path)
      t.same([none.statusCode, (await rest(none)).body.toString()], [500, '500 Internal Server Error\n'], `${path}, ${way.where}`)
    }
    await until('both are logged', () => warned(image).length === 2)
    t.match(warned(image), [{ msg: 'http.asset', status: 500, problem }, { msg: 'http.loader', status: 500, problem }])
    mendAll()
    const mend = await failReads(t, image, 5 * MiB)
    const { body, whole } = await rest(await begin(t, port, '/assets/image'))
    t.ok(!whole && body.length < before.length && body.equals(before.subarray(0, body.length)), `broken off, ${way.where}`)
    mend()
    const again = await rest(await begin(t, port, '/assets/image'))
    t.ok(again.whole && again.body.equals(before), 'a disk that is well again')
    await until('all files are closed', () => openFiles(folder) === 0)
    t.match(warned(image).slice(2), [{ msg: 'http.asset', status: 200, brokenOff: true, problem }])
  }
})
