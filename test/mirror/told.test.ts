// What the mirror tells of itself: its listing, when it is looked at anew, which releases machines may update to, its metrics; and how
// versions, times and waits are told.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { Clock } from '../../src/base/clock.js'
import { openSource } from '../../src/mirror/catalog.js'
import { FetchedLog, readFetched } from '../../src/mirror/fetched.js'
import { type ImagesTold, lastChecked, tellImages } from '../../src/mirror/images-told.js'
import { ListingCache } from '../../src/mirror/listing-cache.js'
import type { ReleaseShown, SourceShown } from '../../src/mirror/mirror.js'
import { longestWait, patiently, retryAfterOf, TransientError } from '../../src/mirror/patience.js'
import { isUpdateFileName, keepStreamMetadata } from '../../src/mirror/update-files.js'
import { isOlder, newestFirst } from '../../src/mirror/versions.js'
import { FakeClock } from '../helpers/fake-clock.js'
import { sourceConfig } from '../helpers/mirror.js'
import { until } from '../helpers/until.js'

const payload = { name: 'flatcar_production_update.gz', bytes: 1, sha256: 's', sha1: 'x', digestGiven: true }
const oem = { ...payload, name: 'oem-vmware.gz' }
const kernel = { name: 'kernel', bytes: 1, sha256: 's', digestGiven: false }
const release = (more: Partial<ReleaseShown> = {}): ReleaseShown => ({
  source: 's',
  os: 'flatcar',
  channel: 'stable',
  arch: 'amd64',
  version: '1.0.0',
  published: '2026-01-01T00:00:00Z',
  from: 'f',
  files: [oem, kernel, payload],
  path: '/assets/flatcar/1.0.0',
  aliases: ['stable', 'current'],
  bytes: 3,
  ageSeconds: 60,
  keys: ['A', 'B'],
  verified: '2026-01-01T00:00:00Z',
  problems: {},
  ...more
})
const source = (more: Partial<SourceShown> = {}): SourceShown => ({ source: 'flatcar/stable', os: 'flatcar', channel: 'stable', arch: 'amd64', folder: 'flatcar', from: 'f', ...more })

t.test('releases that machines may update to: whole, the payload first', t => {
  const updates = (more: Partial<ReleaseShown>): ImagesTold['updates'] => tellImages({ sources: [], releases: [release(more)] }).updates
  t.same(updates({}), [{ os: 'flatcar', arch: 'amd64', channel: 'stable', version: '1.0.0', path: '/assets/flatcar/1.0.0', files: [payload, oem] }])
  for (const more of [{ files: [oem, kernel] }, { files: [{ ...payload, sha1: undefined }] }, { problems: { kernel: 'changed' } }, { os: 'fedora-coreos' }, { os: 'toString' }]) t.same(updates(more), [], JSON.stringify(more).slice(0, 60))
  t.end()
})

t.test('metrics and times', t => {
  const error = { at: 'x', code: 'image_mixed', text: 'y' }
  const sources = [source({ succeeded: '1970-01-01T00:01:00Z' }), source({ source: 'a"\\\nb', error })]
  const { metrics, json } = tellImages({ sources, releases: [release(), release({ path: '/assets/x', problems: { a: '1', b: '2' } })] })
  t.same(JSON.parse(Buffer.from(json).toString()).sources.length, 2)
  const lines = Buffer.from(metrics).toString().split('\n')
  t.same(lines.filter(line => line !== '' && !line.startsWith('#')), [
    'image_release_info{path="/assets/flatcar/1.0.0",version="1.0.0",aliases="stable,current",key="A,B"} 1', 'image_release_info{path="/assets/x",version="1.0.0",aliases="stable,current",key="A,B"} 1',
    'image_release_age_seconds{path="/assets/flatcar/1.0.0"} 60', 'image_release_age_seconds{path="/assets/x"} 60', 'image_release_bytes{path="/assets/flatcar/1.0.0"} 3', 'image_release_bytes{path="/assets/x"} 3',
    'image_release_problems{path="/assets/flatcar/1.0.0"} 0', 'image_release_problems{path="/assets/x"} 2',
    'image_source_success_seconds{source="flatcar/stable"} 60', 'image_source_success_seconds{source="a\\"\\\\\\nb"} 0',
    'image_source_failed{source="flatcar/stable",error=""} 0', 'image_source_failed{source="a\\"\\\\\\nb",error="image_mixed"} 1'
  ])
  const checked = (...times: Array<string | undefined>): number | undefined =>
    lastChecked({ sources: times.map(checked => source(checked === undefined ? {} : { checked })) }, 60_000)
  t.same([checked('1970-01-01T00:01:00Z', '1970-01-01T00:00:30Z'), checked('1970-01-01T00:01:01Z'), checked('1970-01-01T00:00:01Z', undefined)], [30_000, undefined, undefined])
  t.end()
})

t.test('a listing is made again a minute later, when something changed, and when it is asked for', async t => {
  const clock = new FakeClock()
  const made: Array<(told: ImagesTold) => void> = []
  const told = (version: string): ImagesTold => tellImages({ sources: [], releases: [release({ version })] })
  const cache = new ListingCache(() => new Promise(resolve => { made.push(resolve) }), clock)
  const version = (): string | undefined => cache.last.updates[0]?.version
  const first = cache.seen()
  t.equal(version(), undefined, 'nobody waits for it')
  t.equal(made.length, 1, 'and it is made once')
  made[0]!(told('1'))
  t.equal((await first).updates[0]?.version, '1')
  t.equal((await cache.seen()).updates[0]?.version, '1')
  clock.advance(60_000)
  t.equal(version(), '1')
  t.equal(made.length, 1)
  clock.advance(1)
  version()
  t.equal(made.length, 2, 'a minute later')
  cache.forget()
  made[1]!(told('before'))
  await until('what was under way is over', () => version() === 'before')
  await until('what changed meanwhile is looked at', () => made.length === 3)
  made[2]!(told('after'))
  await until('it is told', () => version() === 'after')
  cache.forget()
  t.equal(made.length, 4)
  made[3]!(told('3'))
  await until('it is told', () => version() === '3')
  const asked = cache.look()
  t.equal(made.length, 5)
  made[4]!(told('4'))
  t.equal((await asked).updates[0]?.version, '4')
})

t.test('versions', t => {
  t.same([isOlder('1.10.0', '1.9.0'), isOlder('1.9.0', '1.10.0'), isOlder('1.0', '1.0')], [false, true, false])
  const dated = (os: string, version: string, day: number) => ({ os, version, published: `2026-01-0${day}` })
  const sorted = (...releases: ReadonlyArray<ReturnType<typeof dated>>): string[] => [...releases].sort(newestFirst).map(({ os, version }) => `${os} ${version}`)
  t.same(sorted(dated('flatcar', '1', 3), dated('flatcar', '10', 1), dated('flatcar', '9', 2)), ['flatcar 10', 'flatcar 9', 'flatcar 1'], 'by number, whatever the clock said')
  t.same(sorted(dated('custom', '1', 1), dated('custom', '2', 3), dated('custom', '3', 2), dated('custom', '10', 2)), ['custom 2', 'custom 10', 'custom 3', 'custom 1'], 'by time')
  t.same(sorted(dated('flatcar', '9', 3), dated('coreos', '1', 1), dated('flatcar', '10', 1)), ['coreos 1', 'flatcar 10', 'flatcar 9'])
  t.equal(newestFirst(dated('flatcar', '1', 1), dated('flatcar', '1', 2)) > 0, true, 'one version: the later one')
  t.end()
})

t.test('Retry-After', async t => {
  const now = Date.UTC(2026, 0, 1)
  for (const [header, wait] of [
    [undefined, undefined], ['7', 7000], [' 7 ', 7000], ['0', 0], ['999999999', 999_999_999_000], ['Thu, 01 Jan 2026 00:00:05 GMT', 5000], ['Thu, 01 Jan 1970 00:00:00 GMT', 0], ['soon', undefined], ['-', undefined]
  ] as const) t.equal(retryAfterOf(header, now), wait, header ?? 'none')
  const clock = new FakeClock()
  const { signal } = new AbortController()
  const tries = async (retryAfter: number): Promise<number> => {
    let tried = 0
    const after = (milliseconds: number, act: () => void) => {
      t.ok(milliseconds >= retryAfter)
      queueMicrotask(act)
      return { cancel: () => {} }
    }
    await t.rejects(patiently(async () => {
      tried++
      throw new TransientError('image_download_failed', 'x', { retryAfter })
    }, { clock: { now: clock.now, after } as unknown as Clock, signal }))
    return tried
  }
  t.equal(await tries(longestWait), 4, 'three times more')
  t.equal(await tries(longestWait + 1), 1, 'not for longer than that')
})

t.test('of a thousand releases that were fetched the one that was longest ago is forgotten', async t => {
  const statePath = t.testdir({ images: {} })
  const clock = new FakeClock()
  const known = Object.fromEntries(Array.from({ length: 1000 }, (_, n) => [`flatcar/${n}`, clock.now()]))
  writeFileSync(join(statePath, 'images/fetched.json'), JSON.stringify({ version: 1, fetched: known }))
  const log = await FetchedLog.open({ statePath, clock, onError: error => { t.fail(String(error)) } })
  clock.advance(600_000)
  log.note('flatcar/0')
  log.note('flatcar/1000')
  await log.close()
  const kept = await readFetched(statePath)
  t.same([kept.size, kept.has('flatcar/0'), kept.has('flatcar/1'), kept.has('flatcar/2'), kept.get('flatcar/0')], [1000, true, false, true, clock.now()])
})

t.test('what Fedora says of a stream is kept whole, or as it was', async t => {
  const folder = t.testdir({})
  const stream = openSource(sourceConfig({ os: 'fedora-coreos', updates: true }))
  const kept = (name: string): string => readFileSync(join(folder, 'updates/stable', name), 'utf8')
  const asked: string[] = []
  const keep = (source: typeof stream, texts: readonly string[]): Promise<void> =>
    keepStreamMetadata(source, folder, { text: async url => texts[asked.push(url) - 1]!, bytes: async () => Buffer.alloc(0) })
  const good = ['{"stream":"stable","releases":[]}', '{"stream":"stable","updates":{}}']
  await keep(stream, good)
  t.same(asked.splice(0), ['https://builds.coreos.fedoraproject.org/prod/streams/stable/releases.json', 'https://builds.coreos.fedoraproject.org/updates/stable.json'])
  t.same(['releases.json', 'updates.json'].map(kept), good)
  for (const wrong of ['{"stream":"next"}', '{}', 'null', '<html>']) {
    await t.rejects(keep(stream, ['{"stream":"stable","releases":[1]}', wrong]), { code: 'image_metadata_invalid', message: /does not describe the stream stable$/ }, wrong)
    asked.splice(0)
  }
  t.same(['releases.json', 'updates.json'].map(kept), good, 'neither was replaced')
  await keep(openSource(sourceConfig({ os: 'fedora-coreos', base_url: 'http://peer/assets' })), good)
  t.same(asked, ['http://peer/assets/fedora-coreos/updates/stable/releases.json', 'http://peer/assets/fedora-coreos/updates/stable/updates.json'])
  t.same(['oem-vmware.gz', 'flatcar-zfs.gz', `oem-${'n'.repeat(100)}.gz`, `oem-${'n'.repeat(101)}.gz`, 'oem-.gz', 'x.gz', 'oem-a/b.gz'].map(isUpdateFileName), [true, true, true, false, false, false, false])
})
