// The image mirror of the service, over a mirror that does what it is told: when it looks, what it says of that, and how it ends.
import { mkdirSync, readFileSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { createLog } from '../../src/base/log.js'
import { Metrics } from '../../src/base/metrics.js'
import { loadConfig } from '../../src/config/load.js'
import { looksHere } from '../../src/disk/link-looks.js'
import { tellImages } from '../../src/mirror/images-told.js'
import type { PrunedRelease } from '../../src/mirror/mirror.js'
import type { RemoteMirrorOptions } from '../../src/mirror/remote-mirror.js'
import type { Progress, SyncResult } from '../../src/mirror/sync.js'
import { startImages } from '../../src/wiring/images.js'
import { FakeClock } from '../helpers/fake-clock.js'
import { logLines } from '../helpers/log-lines.js'
import { makeProfile, MemoryStore } from '../helpers/memory-store.js'
import { until } from '../helpers/until.js'

const source = 'flatcar-stable-amd64'
const failed: SyncResult = { source, outcome: 'failed', version: '2', error: { code: 'image_download_failed', text: 'there is none' } }

/** A mirror whose sync ends when it is told how; `checked` is when its source was last looked at. */
class PlayedMirror {
  readonly asked: string[] = []
  readonly texts: string[] = []
  options: RemoteMirrorOptions | undefined
  siblings: readonly string[] = []
  lists = 0
  checked: number | undefined
  pruned: readonly PrunedRelease[] = []
  tell: (result: SyncResult) => void = () => {}
  progress: (progress: Progress) => void = () => {}
  end: (how: readonly SyncResult[] | Error) => void = () => {}

  readonly list = async () => {
    this.lists++
    const told = this.checked === undefined ? {} : { checked: new Date(this.checked).toISOString() }
    return tellImages({ sources: [{ source, ...told }], releases: [] } as never)
  }

  readonly sync = async (
    onResult: (result: SyncResult) => void, onProgress: (progress: Progress) => void = () => {}, siblings: readonly string[] = []
  ): Promise<readonly SyncResult[]> => {
    this.asked.push('sync')
    this.siblings = siblings
    this.tell = onResult
    this.progress = onProgress
    return await new Promise((resolve, reject) => {
      this.end = how => {
        if (how instanceof Error) reject(how)
        else resolve(how)
      }
    })
  }

  readonly prune = async (texts: Iterable<string>) => {
    this.asked.push('prune')
    this.texts.splice(0, Infinity, ...texts)
    return this.pruned
  }

  readonly stop = (): void => { this.asked.push('stop') }
  readonly close = async (): Promise<void> => { this.asked.push('close') }
}

interface SiteOptions { readonly store?: MemoryStore, readonly set?: readonly string[], readonly checked?: number }

const interval = 86_400_000
const booted = (): MemoryStore => new MemoryStore({ profiles: [makeProfile({ id: 'p', boot: { kernel: '/assets/flatcar/1/vmlinuz', initrd: [], args: [] } })] })

async function site (t: Test, { store = booted(), set = ['images.sources=[{ os: flatcar }]'], checked }: SiteOptions = {}) {
  const folder = t.testdir({ assets: {}, state: {} })
  const loaded = loadConfig({ file: undefined, defaultFile: '/nowhere', env: {}, set: [`assets_path=${folder}/assets`, `state_path=${folder}/state`, ...set] })
  const [clock, lines, metrics, mirror] = [new FakeClock(), logLines(), new Metrics(), new PlayedMirror()]
  mirror.checked = checked === undefined ? undefined : clock.now() + checked
  const closers: Array<() => Promise<void>> = []
  const images = await startImages({
    loaded,
    config: loaded.config,
    env: {},
    clock,
    log: createLog({ level: 'debug', pretty: false, destination: lines.stream }),
    metrics,
    store: store as never,
    sources: [],
    fallbacks: { others: () => [{ origin: 'http://10.0.0.3:8080', told: '' }] } as never,
    assetDisk: { looks: looksHere },
    onClose: closer => { closers.push(closer) }
  }, options => {
    mirror.options = options
    return mirror
  })
  // The schedule begins once the listing was looked at.
  await new Promise(resolve => { setImmediate(resolve) })
  const entries = (): readonly object[] => lines.entries().map(({ time: _time, pid: _pid, hostname: _hostname, ...rest }) => rest)
  const text = async (): Promise<string> => (await metrics.text()).toString()
  const syncing = async (): Promise<void> => { await until('it syncs', () => mirror.asked.at(-1) === 'sync') }
  /** As the appliance ends them: all at once. */
  const close = async (): Promise<void> => { await Promise.all(closers.map(closer => closer())) }
  return { folder, clock, images, mirror, entries, text, syncing, close }
}

t.test('what was never looked at is looked at at once, pruned first; each step is told', async t => {
  const { clock, images, mirror, entries, text, syncing, close } = await site(t)
  mirror.pruned = [{ folder: 'flatcar', version: '0', bytes: 1, kept: false } as never]
  clock.advance(interval / 10)
  await syncing()
  t.same(mirror.asked, ['prune', 'sync'])
  t.ok(mirror.texts.some(text => text.includes('/assets/flatcar/1/vmlinuz')), 'what the store names is in use')
  t.same(mirror.siblings, ['http://10.0.0.3:8080'])
  t.same(images.underWay(), [])
  const file = { source, version: '1', file: 'vmlinuz', received: 5, total: 10 }
  mirror.progress({ ...file, received: 1 })
  mirror.progress(file)
  mirror.progress({ ...file, source: 'other' })
  t.same(images.underWay(), [file, { ...file, source: 'other' }], 'one a source')
  const before = mirror.lists
  mirror.tell({ source, outcome: 'published', version: '1', near: 2, unproven: ['its version'] })
  t.same(images.underWay(), [{ ...file, source: 'other' }])
  await until('it is listed anew', () => mirror.lists > before)
  mirror.tell({ source: 'b', outcome: 'present', version: '1', unproven: [] })
  mirror.tell(failed)
  mirror.end([failed])
  await until('it is over', () => images.underWay().length === 0)
  t.match(entries(), [
    { level: 'info', folder: 'flatcar', version: '0', msg: 'images.prune' },
    { level: 'info', source, version: '1', outcome: 'published', near: 2, unproven: ['its version'], msg: 'images.sync' },
    { level: 'debug', source: 'b', version: '1', outcome: 'present', msg: 'images.sync' },
    { level: 'warn', source, version: '2', code: 'image_download_failed', error: 'there is none', msg: 'images.failed' }
  ])
  t.notOk('unproven' in entries()[2]!)

  mirror.options!.onCrash(new Error('a mistake'))
  t.match(entries().at(-1), { level: 'error', error: 'a mistake', stack: /images\.test/, msg: 'images.crash' })
  t.match(await text(), /^image_mirror_crashes_total 1$/m)
  t.match(await text(), /^image_source_failed\{source="flatcar-stable-amd64"/m, 'what is listed is measured')
  await close()
  t.equal(clock.pending, 0)
})

t.test('after a failure it is looked at again in minutes, after a success in an interval; what was looked at before waits for its time', async t => {
  const { clock, mirror, syncing, close } = await site(t, { checked: -1000 })
  const asked = (): number => mirror.asked.filter(what => what === 'sync').length
  clock.advance(interval - 1001)
  t.equal(asked(), 0)
  const longestJitter = 600_000
  clock.advance(1 + longestJitter)
  await syncing()
  const ended = async (how: Parameters<PlayedMirror['end']>[0]): Promise<void> => {
    mirror.asked.push('over')
    mirror.end(how)
    await until('it waits for the next time', () => clock.pending === 1)
  }
  await ended([{ source, outcome: 'present' }, failed])
  clock.advance(300_000 + longestJitter)
  await syncing()
  t.equal(asked(), 2)
  await ended(new Error('no space left'))
  clock.advance(600_000 + longestJitter)
  await syncing()
  t.equal(asked(), 3)
  await ended([{ source, outcome: 'present' }, { source, outcome: 'mended' }])
  clock.advance(interval - 1)
  t.equal(asked(), 3)
  clock.advance(1 + longestJitter)
  await syncing()
  t.equal(asked(), 4)
  mirror.end([])
  await close()
})

t.test('a store that may name more than it tells keeps all', async t => {
  for (const [what, store, reason] of [['nothing in it', new MemoryStore(), /holds no group/], ['a file that is unread', booted(), /groups\/g\.json can't be read: no JSON/]] as const) {
    if (what === 'a file that is unread') store.broken = [{ kind: 'group', name: 'g', where: 'groups/g.json', message: 'no JSON' }]
    const { clock, mirror, entries, syncing, close } = await site(t, { store })
    clock.advance(interval / 10)
    await syncing()
    t.same(mirror.asked, ['sync'], what)
    t.match(entries(), [{ level: 'info', reason, msg: 'images.keep' }], what)
    mirror.end([])
    await close()
  }
})

t.test('what goes wrong in it is told, but not what its end does', async t => {
  const { clock, mirror, entries, syncing } = await site(t)
  clock.advance(interval / 10)
  await syncing()
  mirror.end(new Error('it broke'))
  await until('it is told', () => entries().length > 0)
  t.match(entries(), [{ level: 'warn', error: 'it broke', msg: 'images.failed' }])

  const ending = await site(t)
  ending.clock.advance(interval / 10)
  await ending.syncing()
  const closed = ending.close()
  ending.mirror.tell(failed)
  ending.mirror.end(new Error('it was ended'))
  await closed
  t.same(ending.entries(), [])
})

t.test('at the end what is under way is asked to stop, and is cut off when it does not', async t => {
  const { clock, mirror, syncing, close } = await site(t)
  clock.advance(interval / 10)
  await syncing()
  mirror.asked.length = 0
  let isClosed = false
  const closed = close().then(() => { isClosed = true })
  await new Promise(resolve => { setImmediate(resolve) })
  t.same(mirror.asked, ['close', 'stop'])
  clock.advance(1499)
  t.equal(mirror.asked.length, 2)
  t.equal(isClosed, false)
  clock.advance(1)
  t.same(mirror.asked, ['close', 'stop', 'close'])
  mirror.end(new Error('it was ended'))
  await closed
  t.equal(clock.pending, 0)

  const idle = await site(t)
  await idle.close()
  t.same([idle.mirror.asked, idle.clock.pending], [['close', 'stop'], 0], 'nothing begins after that')
})

t.test('one that ends while it is looked what there is begins nothing', async t => {
  const folder = t.testdir({ assets: {}, state: {} })
  const loaded = loadConfig({ file: undefined, defaultFile: '/nowhere', env: {}, set: [`assets_path=${folder}/assets`, `state_path=${folder}/state`, 'images.sources=[{ os: flatcar }]'] })
  const [clock, mirror] = [new FakeClock(), new PlayedMirror()]
  let listed = (): void => {}
  const list = async () => {
    await new Promise<void>(resolve => { listed = resolve })
    return tellImages({ sources: [], releases: [] })
  }
  const closers: Array<() => Promise<void>> = []
  const log = createLog({ level: 'error', pretty: false, destination: logLines().stream })
  await startImages({
    loaded,
    config: loaded.config,
    env: {},
    clock,
    log,
    metrics: new Metrics(),
    store: booted() as never,
    sources: [],
    fallbacks: {} as never,
    assetDisk: { looks: looksHere },
    onClose: closer => { closers.push(closer) }
  }, () => ({ ...mirror, list }))
  const closed = Promise.all(closers.map(closer => closer()))
  listed()
  await closed
  t.equal(clock.pending, 0)
})

t.test('without sources, or an interval, it only lists, and remembers what was fetched', async t => {
  for (const set of [[], ['images.sources=[{ os: flatcar }]', 'images.interval=0']]) {
    const { folder, clock, images, mirror, close } = await site(t, { set })
    clock.advance(10 * interval)
    t.same([mirror.asked, mirror.lists, clock.pending], [[], 0, 0])
    t.match(JSON.parse(Buffer.from(await images.list()).toString()), { sources: [{ source }] })
    t.same(await images.updates(), [])
    t.equal(mirror.lists, 1, 'what was seen is good for updates')
    mkdirSync(join(folder, 'assets/flatcar/1'), { recursive: true })
    symlinkSync('1', join(folder, 'assets/flatcar/stable'))
    images.fetched('/assets/flatcar/stable/vmlinuz')
    images.fetched('/assets/vmlinuz')
    await close()
    t.match(JSON.parse(readFileSync(join(folder, 'state/images/fetched.json'), 'utf8')), { fetched: { 'flatcar/1': clock.now() } })
    t.same(mirror.asked, ['close'])
  }
})
