// The mirror in its thread: what it does there.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { ImagesTold } from '../../src/mirror/images-told.js'
import type { ImagesShown } from '../../src/mirror/mirror.js'
import type { Progress } from '../../src/mirror/sync.js'
import { builtProgram } from '../helpers/built.js'
import { FakeClock } from '../helpers/fake-clock.js'
import { remoteMirror } from '../helpers/remote-mirror.js'
import { makeKey, Publisher } from '../helpers/publisher.js'

// The thread runs what is built, which is to be of today's sources.
builtProgram()

const key = await makeKey('publisher')
const remote = (t: Test, url: string, more: Parameters<typeof remoteMirror>[2] = {}): ReturnType<typeof remoteMirror> => remoteMirror(t, url, { key, ...more })

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
