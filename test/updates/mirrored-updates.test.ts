// What the image mirror holds of updates, as policy asks for it: releases that are whole, and Fedora's documents, the last good ones in force.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { AppError } from '../../src/base/errors.js'
import type { UpdateRelease } from '../../src/mirror/images-told.js'
import { streamDocuments } from '../../src/mirror/update-files.js'
import { Mirrored } from '../../src/updates/mirrored-updates.js'

const release = (version: string, { channel = 'stable', arch = 'amd64', files = ['flatcar_production_update.gz'] } = {}): UpdateRelease => ({
  os: 'flatcar', arch, channel, version, path: `/assets/flatcar/${version}`, files: files.map(name => ({ name, bytes: 7, sha1: '00ff', sha256: 'ff00' })) as never
})

t.test('releases: the newest of a channel and architecture, by version and not by text', async t => {
  let told: readonly UpdateRelease[] = [
    release('9.0.0'), release('10.0.0'), release('11.0.0', { channel: 'beta' }), release('12.0.0', { arch: 'arm64' }), release('latest'), release('8.0.0', { files: [] })
  ]
  let fails = false
  const releases = async (): Promise<readonly UpdateRelease[]> => { if (fails) throw new Error('the mirror ended'); return told }
  const mirrored = new Mirrored({ releases, onProblem: error => { t.fail(error.message) } })
  t.equal(mirrored.newest('flatcar', 'stable', 'amd64'), undefined, 'nobody has looked')
  await mirrored.look(0)
  const rows = [['stable', 'amd64', '10.0.0'], ['beta', 'amd64', '11.0.0'], ['stable', 'arm64', '12.0.0'], ['alpha', 'amd64', undefined]] as const
  for (const [channel, arch, newest] of rows) t.equal(mirrored.newest('flatcar', channel, arch), newest, `${channel} ${arch}`)
  t.same(mirrored.find('flatcar', '10.0.0', 'amd64'), {
    version: '10.0.0', packages: [{ name: 'flatcar_production_update.gz', bytes: 7, sha1: 'AP8=', sha256: '/wA=' }], path: '/assets/flatcar/10.0.0/'
  })
  for (const [version, arch] of [['8.0.0', 'amd64'], ['latest', 'amd64'], ['12.0.0', 'amd64'], ['10.0.0', 'arm64']] as const) t.equal(mirrored.find('flatcar', version, arch), undefined, version)
  t.equal(mirrored.find('fedora-coreos', '10.0.0', 'amd64'), undefined)

  fails = true
  await mirrored.look(1)
  t.equal(mirrored.newest('flatcar', 'stable', 'amd64'), '10.0.0', 'what was seen last')
  fails = false
  told = [release('9.0.0')]
  await mirrored.look(2)
  t.equal(mirrored.newest('flatcar', 'stable', 'amd64'), '9.0.0')
  t.equal(mirrored.find('flatcar', '10.0.0', 'amd64'), undefined)
})

t.test('Fedora\'s documents: looked at every five seconds, told once when they can\'t be, and the last good ones stay', async t => {
  const folder = t.testdir()
  const at = join(folder, 'fedora-coreos/updates/stable')
  mkdirSync(at, { recursive: true })
  const put = (releases: string, updates = '{"stream":"stable","releases":[]}'): void => {
    writeFileSync(join(at, 'releases.json'), releases)
    writeFileSync(join(at, 'updates.json'), updates)
  }
  const of = (...versions: readonly string[]): string => JSON.stringify({ stream: 'stable', releases: versions.map(version => ({ version })) })
  const problems: AppError[] = []
  const mirrored = new Mirrored({ documentsOf: stream => streamDocuments(folder, stream), onProblem: error => { problems.push(error) } })
  const versions = (): readonly string[] | undefined => mirrored.fedora('stable')?.releases.releases.map(({ version }) => version)
  put(of('40.1.0'))
  await mirrored.look(0)
  t.same(versions(), ['40.1.0'])
  put(of('40.1.0', '40.10.0'))
  await mirrored.look(4999)
  t.same(versions(), ['40.1.0'])
  await mirrored.look(5000)
  t.same(versions(), ['40.1.0', '40.10.0'])
  t.same(problems, [], 'streams that are not mirrored are no problem')
  put('not JSON')
  for (const now of [10_000, 15_000, 20_000]) await mirrored.look(now)
  t.same(versions(), ['40.1.0', '40.10.0'])
  t.match(problems, [{ code: 'image_metadata_invalid', message: /releases\.json/ }])
  put(of('40.20.0'))
  await mirrored.look(0)
  t.same(versions(), ['40.20.0'], 'whichever way the clock was set')
  t.equal(mirrored.fedora('next'), undefined)
  await new Mirrored({ onProblem: error => { t.fail(error.message) } }).look(0)
})
