// The mirror in its thread: what it does there, and what its end does to the rest.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import t, { type Test } from 'tap'
import { systemClock } from '../../src/base/clock.js'
import { openSource } from '../../src/mirror/catalog.js'
import type { ImagesTold } from '../../src/mirror/images-told.js'
import type { ImagesShown } from '../../src/mirror/mirror.js'
import type { Progress } from '../../src/mirror/sync.js'
import { RemoteMirror, type RemoteMirrorOptions } from '../../src/mirror/remote-mirror.js'
import { builtProgram } from '../helpers/built.js'
import { FakeClock } from '../helpers/fake-clock.js'
import { sourceConfig } from '../helpers/mirror.js'
import { makeKey, Publisher } from '../helpers/publisher.js'

// The thread runs what is built, which is to be of today's sources.
builtProgram()

const key = await makeKey('publisher')

/** `program` is one for the thread instead of the mirror's own. */
function remote (t: Test, url: string, { program = '', ...more }: Partial<RemoteMirrorOptions> & { readonly program?: string } = {}): { readonly mirror: RemoteMirror, readonly crashes: Error[], readonly assets: string } {
  const folder = t.testdir({ 'key.asc': key.publicKey, 'program.mjs': program })
  const crashes: Error[] = []
  const mirror = new RemoteMirror({
    mirror: {
      assetsPath: join(folder, 'assets'),
      statePath: join(folder, 'state'),
      sources: [openSource(sourceConfig({ os: 'flatcar', base_url: url }))],
      keys: [{ file: join(folder, 'key.asc'), fingerprint: key.fingerprint }],
      keep: 0,
      timeout: 10_000,
      maxSize: 2 ** 30,
      caFile: '',
      caKey: 'images.ca_file',
      env: {}
    },
    clock: systemClock,
    onCrash: error => { crashes.push(error) },
    ...program !== '' && { entry: pathToFileURL(join(folder, 'program.mjs')) },
    ...more
  })
  t.teardown(() => mirror.close())
  return { mirror, crashes, assets: join(folder, 'assets') }
}

/** What there is to go through of an answer: bytes are one. */
const valuesIn = (value: unknown): number =>
  typeof value !== 'object' || value === null || value instanceof Uint8Array ? 1 : Object.values(value).reduce((sum: number, inner) => sum + valuesIn(inner), 1)

const releasesIn = ({ json }: ImagesTold): readonly unknown[] => (JSON.parse(new TextDecoder().decode(json)) as ImagesShown).releases

async function publisher (t: Test): Promise<Publisher> {
  const server = await Publisher.start()
  t.teardown(() => server.close())
  return server
}

t.test('syncs, lists and prunes, and is ended when it has nothing to do', async t => {
  const server = await publisher(t)
  const clock = new FakeClock()
  const { mirror, crashes } = remote(t, server.url, { clock })
  const told: string[] = []
  for (const version of ['1.0.0', '1.1.0', '1.2.0']) {
    await server.flatcar(version, key)
    const progress: Progress[] = []
    t.match(await mirror.sync(({ outcome, version: found }) => { told.push(`${outcome} ${found ?? ''}`) }, heard => { progress.push(heard) }), [{ outcome: 'published', version }])
    t.ok(progress.some(heard => heard.version === version && heard.received > 0 && heard.received === heard.total), 'says how far each file has come')
  }
  t.same(told, ['published 1.0.0', 'published 1.1.0', 'published 1.2.0'])
  const texts = Array.from({ length: 1000 }, (_, n) => n === 777 ? '/assets/flatcar/1.0.0/vmlinuz' : 'nothing')
  t.same((await mirror.prune(texts)).map(({ version }) => version), ['1.1.0'])
  t.same((await mirror.prune([])).map(({ version }) => version), ['1.0.0'], 'by what is in the store now')
  // In the midst of the store's texts the thread ends, and the rest is heard by another one.
  const halved = function * (): Generator<string> {
    for (let n = 0; n < 300; n++) yield '/assets/flatcar/1.0.0/'
    clock.advance(60_000)
    yield 'nothing'
  }
  await t.rejects(mirror.prune(halved()), { message: /not handed over whole/ })
  t.equal(releasesIn(await mirror.list()).length, 1, 'nothing went')
  clock.advance(60_000)
  t.equal(releasesIn(await mirror.list()).length, 1, 'and it begins anew')
  t.same(crashes, [])
})

t.test('what it tells of thousands of releases is no more to go through than what it tells of ten', async t => {
  const { mirror, assets } = remote(t, 'http://publisher.invalid')
  const told: Array<readonly [values: number, releases: number]> = []
  for (const [from, to] of [[0, 10], [10, 2000]] as const) {
    for (let n = from; n < to; n++) {
      const place = join(assets, 'flatcar', `${n}.0.0`)
      mkdirSync(place, { recursive: true })
      writeFileSync(join(place, 'release.json'), JSON.stringify({ version: `${n}.0.0`, published: '2026-01-01T00:00:00.000Z', files: [{ name: 'a', bytes: 1, sha256: '' }] }))
    }
    const answer = await mirror.list()
    told.push([valuesIn(answer), releasesIn(answer).length])
    const metrics = new TextDecoder().decode(answer.metrics)
    t.equal(metrics.match(/^image_release_bytes\{path="\/assets\/flatcar\/\d+\.0\.0"\} 1$/gm)?.length, to)
  }
  t.same(told.map(([, releases]) => releases), [10, 2000])
  t.equal(told[1]?.[0], told[0]?.[0])
})

t.test('an error in it ends it alone, is told with its place, and the next call begins anew', async t => {
  const server = await publisher(t)
  const program = `
    import { parentPort } from 'node:worker_threads'
    parentPort.on('message', ({ call, id }) => {
      if (call === 'sync') setTimeout(function deepInside () { throw new Error('assert(!this.paused)') })
      else if (call === 'prune') process.exit(7)
      else parentPort.postMessage({ id, value: { sources: [], releases: [] } })
    })`
  const { mirror, crashes } = remote(t, server.url, { program })
  t.same(await mirror.list(), { sources: [], releases: [] })
  await t.rejects(mirror.sync(() => {}), { code: 'image_download_failed', message: /assert\(!this\.paused\)/ })
  t.match(crashes, [{ message: 'assert(!this.paused)', stack: /deepInside.*program\.mjs/ }])
  t.same(await mirror.list(), { sources: [], releases: [] })
  await t.rejects(mirror.prune([]), { message: /ended with status 7/ })
  t.equal(crashes.length, 2)
})

t.test('no thread can be begun: the call is refused, and nothing waits for it', async t => {
  const { mirror } = remote(t, 'http://127.0.0.1:1/', { entry: new URL('http://nowhere/') })
  await t.rejects(mirror.list(), { code: 'thread_failed', message: /^no thread can be begun for mirror: / })
  await t.rejects(mirror.sync(() => {}), { code: 'thread_failed' })
  t.doesNotThrow(() => { mirror.stop() })
})

t.test('a thread that is not heard of any more is given up', async t => {
  const program = 'import { parentPort } from \'node:worker_threads\'\nparentPort.on(\'message\', () => { for (;;); })\n'
  const clock = new FakeClock()
  const { mirror, crashes } = remote(t, 'http://publisher.invalid', { clock, program })
  const waiting = mirror.list()
  clock.advance(300_000)
  await t.rejects(waiting, { message: /nothing was heard of the mirror's thread for 300 seconds/ })
  t.equal(crashes.length, 1)
})

t.test('a thread that still loads is not ended before it has, which would end the process', async t => {
  const flags = new Int32Array(new SharedArrayBuffer(8))
  const program = `
    import { parentPort, workerData } from 'node:worker_threads'
    Atomics.wait(workerData, 0, 0)
    Atomics.store(workerData, 1, 1)
    parentPort.postMessage({ alive: true })
    parentPort.on('message', () => {})`
  const { mirror, crashes } = remote(t, 'http://publisher.invalid', { program, mirror: flags as never })
  const refused = t.rejects(mirror.list(), { message: /the service ends/ })
  const closed = mirror.close()
  await refused
  Atomics.store(flags, 0, 1)
  Atomics.notify(flags, 0)
  await closed
  t.equal(flags[1], 1)
  t.same(crashes, [])
})

t.test('a stop ends what is under way', async t => {
  const server = await publisher(t)
  await server.flatcar('1.0.0', key)
  server.faults.set('/amd64-usr/current/version.txt', { kind: 'hang' })
  const { mirror } = remote(t, server.url)
  const asked = new Promise<void>(resolve => { server.onRequest = () => { resolve() } })
  const syncing = mirror.sync(() => {})
  await asked
  mirror.stop()
  t.match(await syncing, [{ outcome: 'failed', error: { text: /stopped before it was done/ } }])
})
