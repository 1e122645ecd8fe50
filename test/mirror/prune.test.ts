import t from 'tap'
import { openSource } from '../../src/mirror/catalog.js'
import type { Manifest } from '../../src/mirror/layout.js'
import { judgeReleases } from '../../src/mirror/prune.js'
import { isOlder, newestFirst } from '../../src/mirror/versions.js'
import { sourceConfig } from '../helpers/mirror.js'

const release = (version: string, channel: string): Manifest =>
  ({ source: `flatcar/${channel}/amd64`, os: 'flatcar', channel, arch: 'amd64', version, published: '', from: '', files: [] })

const published = (os: string, version: string, at: string): Manifest => ({ ...release(version, 'stable'), os, published: at })

t.test('the newest is the highest version, whatever the clock said', t => {
  const versions = (...releases: Manifest[]): string[] => releases.sort(newestFirst).map(({ version }) => version)
  t.same(versions(
    published('flatcar', '4230.2.9', '2036-01-01T00:00:00.000Z'), published('flatcar', '4230.2.10', '2026-05-02T00:00:00.000Z'), published('flatcar', '4230.10.0', '2019-01-01T00:00:00.000Z')
  ), ['4230.10.0', '4230.2.10', '4230.2.9'])
  t.same(versions(published('custom', 'f00', '2026-01-01T00:00:00.000Z'), published('custom', 'a00', '2026-02-01T00:00:00.000Z')), ['a00', 'f00'], 'digests tell nothing')
  t.same(versions(published('flatcar', '01.0.0', '2026-01-01T00:00:00.000Z'), published('flatcar', '1.0.0', '2026-02-01T00:00:00.000Z')), ['1.0.0', '01.0.0'])
  t.end()
})

t.test('what is named stays, and of the rest of each channel the newest', t => {
  const releases = [
    release('1.2.10', 'stable'), release('1.2.9', 'stable'), release('1.2.1', 'stable'), release('1.2.0', 'stable'), release('1.1.0', 'stable'),
    release('2.1.0', 'beta'), release('2.0.0', 'beta'), release('1.0.0', 'stable')
  ]
  const folder = { folder: 'flatcar', releases, aliases: new Map([['stable', '1.2.9'], ['mine', '1.1.0']]), links: new Map<string, string>() }
  const gone = (keep: number, texts: readonly string[], pinned?: string): string[] => judgeReleases(folder, {
    keep, texts, fetched: new Map(), now: 0, sources: pinned === undefined ? [] : [openSource(sourceConfig({ os: 'flatcar', version: pinned }))]
  }).filter(({ kept }) => kept === undefined).map(judged => judged.release.version)

  t.same(gone(2, []), ['1.2.1', '1.2.0', '1.0.0'])
  t.same(gone(0, []), ['1.2.10', '1.2.1', '1.2.0', '2.1.0', '2.0.0', '1.0.0'], 'links keep what they lead to, whoever made them')
  t.same(gone(2, ['{"kernel":"/assets/flatcar/1.2.1/vmlinuz"}']), ['1.2.0', '1.0.0'], '1.2.1 is named, and 1.2.10 is another one')
  t.same(gone(1, ['args: version=1.2.10']), ['1.2.1', '1.2.0', '2.0.0', '1.0.0'], 'what is named does not use up what is kept')
  t.same(gone(2, [], '1.0.0'), ['1.2.1', '1.2.0'], 'a pinned source')
  t.end()
})

t.test('which is older: by numbers, and what is no version as text', t => {
  for (const [version, than] of [['1.9.0', '1.10.0'], ['1.0.0', '1.0.1'], ['a00', 'f00'], ['1.10.0', 'f00'], ['9.9', '10.0.0'], ['v2', 'v10'], ['1.0.0-rc', '1.0.1']] as const) {
    t.equal(isOlder(version, than), true, `${version} ${than}`)
    t.equal(isOlder(than, version), false, `${than} ${version}`)
  }
  t.equal(isOlder('1.0.0', '1.0.0'), false)
  t.end()
})
