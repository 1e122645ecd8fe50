// What is in use: links however they are written, what machines fetched, and a store that can be believed.
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { FetchedLog, readFetched } from '../../src/mirror/fetched.js'
import type { ImagesShown } from '../../src/mirror/mirror.js'
import { openFileStore } from '../../src/store/file-store.js'
import { mayNameMore } from '../../src/matchbox/store-texts.js'
import { lastChecked } from '../../src/mirror/images-told.js'
import { createLog } from '../../src/base/log.js'
import { FakeClock } from '../helpers/fake-clock.js'
import { TestMirror } from '../helpers/mirror.js'

const hour = 3_600_000

function release (assets: string, folder: string, version: string): void {
  const path = join(assets, folder, version)
  mkdirSync(path, { recursive: true })
  writeFileSync(join(path, 'vmlinuz'), version)
  writeFileSync(join(path, 'release.json'), JSON.stringify({
    source: 'flatcar/stable/amd64', os: 'flatcar', channel: 'stable', arch: 'amd64', version, published: `2026-01-01T00:00:0${version.slice(-1)}.000Z`, from: '', files: [{ name: 'vmlinuz', bytes: 5, sha256: '' }]
  }))
}

t.test('a release that any link leads to stays, and the others go', async t => {
  const folder = t.testdir()
  const clock = new FakeClock()
  const mirror = new TestMirror([], { folder, keys: [], keep: 0, clock })
  const { assets } = mirror
  const links: ReadonlyArray<readonly [path: string, target: string]> = [
    ['flatcar/slash', '1.0.1/'],
    ['flatcar/dot', './1.0.2'],
    ['flatcar/absolute', join(assets, 'flatcar/1.0.3')],
    ['prod', 'flatcar/1.0.4'],
    ['site/a/kernel', '../../flatcar/1.0.5/vmlinuz'],
    ['flatcar/chained', '../prod2'],
    ['prod2', '../assets/flatcar/1.0.6/.'],
    // As the mirror makes them for each release.
    ['flatcar/vmlinuz', '1.0.7/vmlinuz'],
    ['dead', 'flatcar/9.9.9']
  ]
  for (const n of [1, 2, 3, 4, 5, 6, 7, 8]) release(assets, 'flatcar', `1.0.${n}`)
  mkdirSync(join(assets, 'site/a'), { recursive: true })
  for (const [path, target] of links) symlinkSync(target, join(assets, path))
  const judged = await mirror.mirror.prune([])
  t.same(judged.filter(({ kept }) => kept === undefined).map(({ version }) => version).sort(), ['1.0.7', '1.0.8'])
  t.same(readdirSync(join(assets, 'flatcar')).filter(name => /^\d/.test(name)).sort(), ['1.0.1', '1.0.2', '1.0.3', '1.0.4', '1.0.5', '1.0.6'])
  for (const path of ['flatcar/slash/vmlinuz', 'flatcar/absolute/vmlinuz', 'prod/vmlinuz', 'site/a/kernel', 'flatcar/chained/vmlinuz']) t.ok(readFileSync(join(assets, path)), path)
  t.notOk(existsSync(join(assets, 'flatcar/vmlinuz')), 'its links go with a release')
  t.match(judged.find(({ version }) => version === '1.0.5'), { kept: 'site/a/kernel is this one' })
})

t.test('after a clock that went back the newest stay', async t => {
  const clock = new FakeClock()
  const mirror = new TestMirror([], { folder: t.testdir(), keys: [], keep: 2, clock })
  // Stamped in seconds by the last digit: 1.0.9 was fetched in a future that a wrong clock invented.
  for (const version of ['1.0.9', '1.0.10', '1.0.11', '1.0.12']) release(mirror.assets, 'flatcar', version)
  t.same((await mirror.mirror.prune([])).map(({ version, kept }) => [version, kept !== undefined]), [['1.0.12', true], ['1.0.11', true], ['1.0.10', false], ['1.0.9', false]])
  t.same((await mirror.mirror.list()).releases.map(({ version }) => version), ['1.0.12', '1.0.11'])
})

t.test('what a machine fetched within a day stays', async t => {
  const folder = t.testdir()
  const clock = new FakeClock(Date.parse('2026-05-01T00:00:00Z'))
  const mirror = new TestMirror([], { folder, keys: [], keep: 0, clock })
  const statePath = join(folder, 'state')
  for (const n of [1, 2, 3]) release(mirror.assets, 'flatcar', `1.0.${n}`)
  const log = await FetchedLog.open({ statePath, clock, onError: error => { throw error } })
  log.note('flatcar/1.0.1')
  clock.advance(12 * hour)
  log.note('flatcar/1.0.2')
  log.note('flatcar/1.0.2')
  await log.close()
  const again = await FetchedLog.open({ statePath, clock, onError: error => { throw error } })
  clock.advance(13 * hour)
  again.note('flatcar/9.9.9')
  await again.close()
  t.same([...(await readFetched(statePath)).keys()], ['flatcar/1.0.1', 'flatcar/1.0.2', 'flatcar/9.9.9'], 'also after a restart')
  const judged = await mirror.mirror.prune([])
  t.same(judged.map(({ version, kept }) => [version, kept]), [
    ['1.0.3', undefined], ['1.0.2', 'a machine fetched it at 2026-05-01T12:00:00.000Z'], ['1.0.1', undefined]
  ])
  writeFileSync(join(statePath, 'images/fetched.json'), '{"flatcar/1.0.2": ')
  t.equal((await readFetched(statePath)).size, 0, 'a torn file is none')
  writeFileSync(join(statePath, 'images/fetched.json'), '{"flatcar/1.0.2": 7}')
  t.same([...await readFetched(statePath)], [['flatcar/1.0.2', 7]], 'as it was before it had a version')
  // A version that went back: nothing is pruned of which it cannot know, and the file stays.
  const newer = '{"version": 2, "times": []}'
  writeFileSync(join(statePath, 'images/fetched.json'), newer)
  await t.rejects(mirror.mirror.prune([]), { code: 'state_newer', message: /fetched\.json was written by a newer core-provisioner \(format 2; this one knows 1\)/ })
  const errors: unknown[] = []
  const careful = await FetchedLog.open({ statePath, clock, onError: error => { errors.push(error) } })
  careful.note('flatcar/1.0.2')
  await careful.close()
  t.match(errors, [{ code: 'state_newer' }])
  t.equal(readFileSync(join(statePath, 'images/fetched.json'), 'utf8'), newer)
})

t.test('a store that holds nothing, or can not be read, decides nothing', async t => {
  const log = createLog({ level: 'error', pretty: false, destination: process.stderr })
  const open = async (dataPath: string) => {
    const store = await openFileStore({ dataPath, tombstoneMs: 0, clock: new FakeClock(), log, watch: false })
    t.teardown(() => store.close())
    return store
  }
  const folder = t.testdir({ empty: {}, full: { profiles: { 'a.json': '{"id": "a"}' } }, broken: { profiles: { 'a.json': '{' } } })
  t.match(mayNameMore(await open(join(folder, 'missing'))), /can't be read/, 'a file system that is not mounted')
  t.match(mayNameMore(await open(join(folder, 'empty'))), /holds no group, profile or config/)
  t.match(mayNameMore(await open(join(folder, 'broken'))), /profiles\/a\.json can't be read/)
  t.equal(mayNameMore(await open(join(folder, 'full'))), undefined)
})

t.test('a state that a newer version wrote is left to it', async t => {
  const folder = t.testdir()
  const mirror = new TestMirror([{ os: 'flatcar', base_url: 'http://publisher.invalid' }], { folder, keys: [], keep: 0 })
  release(mirror.assets, 'flatcar', '1.0.1')
  const file = join(folder, 'state/images/flatcar.json')
  mkdirSync(join(folder, 'state/images'), { recursive: true })
  writeFileSync(file, '{"version": 2, "sources": ["other"], "releases": 7}')
  t.match(await mirror.sync(), [{ outcome: 'failed', error: { code: 'state_newer', text: /flatcar\.json was written by a newer core-provisioner \(format 2; this one knows 1\)/ } }])
  await t.rejects(mirror.mirror.prune([]), { code: 'state_newer' })
  await t.rejects(mirror.mirror.verify(), { code: 'state_newer' })
  t.equal(readFileSync(file, 'utf8'), '{"version": 2, "sources": ["other"], "releases": 7}')
  t.match((await mirror.mirror.list()).releases, [{ version: '1.0.1' }], 'what is there is shown and served')
  writeFileSync(file, '{"sources": {}, "releases": {}}')
  t.same((await mirror.mirror.prune([])).map(({ version }) => version), ['1.0.1'], 'one from before there was a version is read')
  t.equal(JSON.parse(readFileSync(file, 'utf8')).version, 1)
})

t.test('a state of the future is none', t => {
  const shown = (...checked: Array<string | undefined>): ImagesShown =>
    ({ sources: checked.map(time => ({ source: '', os: '', channel: '', arch: '', folder: '', from: '', ...time !== undefined && { checked: time } })), releases: [] })
  const now = Date.parse('2026-05-01T00:00:00Z')
  t.equal(lastChecked(shown('2026-04-30T00:00:00Z', '2026-04-29T00:00:00Z'), now), Date.parse('2026-04-29T00:00:00Z'))
  t.equal(lastChecked(shown('2026-04-30T00:00:00Z', undefined), now), undefined)
  t.equal(lastChecked(shown('2026-04-30T00:00:00Z', '2036-01-01T00:00:00Z'), now), undefined)
  t.end()
})
