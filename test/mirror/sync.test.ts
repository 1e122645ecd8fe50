// Syncs against publishers on loopback: what is published, what is not and why, and that the last good release stays.
import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { Gpg } from '../helpers/gpg.js'
import { TestMirror, type TestMirrorOptions } from '../helpers/mirror.js'
import { type Fault, flatcarFiles, makeKey, Publisher, type TestKey } from '../helpers/publisher.js'
import { onSmallDisk } from '../helpers/small-disk.js'
import { needs } from '../helpers/tools.js'
import { lockFolder } from '../../src/disk/folder-lock.js'
import { pinAssets } from '../../src/matchbox/pin-assets.js'
import { parseProfile } from '../../src/matchbox/profile.js'
import type { SourceConfig } from '../../src/mirror/source.js'

const key = await makeKey('publisher')
const foreign = await makeKey('foreign')

async function publisher (t: Test): Promise<Publisher> {
  const server = await Publisher.start()
  t.teardown(() => server.close())
  return server
}

const mirrorOf = (t: Test, source: Partial<SourceConfig> & Pick<SourceConfig, 'os'>, more: Partial<TestMirrorOptions> = {}): TestMirror =>
  new TestMirror([source], { folder: t.testdir(), keys: [key], ...more })

const kernel = flatcarFiles[0]
const initrd = flatcarFiles[1]

t.test('Flatcar: published whole, aliases moved, nothing fetched twice', async t => {
  const server = await publisher(t)
  const mirror = mirrorOf(t, { os: 'flatcar', base_url: `${server.url}/` })
  const made = await server.flatcar('4230.2.1', key)
  t.match(await mirror.sync(), [{ source: 'flatcar/stable/amd64', outcome: 'published', version: '4230.2.1' }])
  t.ok(server.most <= 2, 'two downloads at a time at most')
  const seen = mirror.seen('flatcar')
  for (const [name, bytes] of made) {
    t.ok(seen.get(`4230.2.1/${name}`)?.equals(bytes), name)
    t.ok(seen.has(`4230.2.1/${name}.sig`), 'its signature is beside it')
  }
  const mode = (name: string): number => statSync(join(mirror.assets, 'flatcar/4230.2.1', name)).mode & 0o777
  for (const name of made.keys()) t.equal(mode(name) & 0o222, 0, `${name} is not to be written to`)
  t.equal(mode(kernel) | 0o200, mode('version.txt'), 'and read by the same')
  t.equal(seen.get('4230.2.1/version.txt')?.toString(), 'FLATCAR_VERSION=4230.2.1\n')
  for (const alias of ['stable', 'current', 'latest']) t.equal(readlinkSync(join(mirror.assets, 'flatcar', alias)), '4230.2.1')
  t.same(readdirSync(join(mirror.assets, 'flatcar/.partial')), ['lock'], 'nothing is left over')

  server.requests.length = 0
  t.match(await mirror.sync(), [{ outcome: 'present', version: '4230.2.1' }])
  t.same(server.requests, ['GET /amd64-usr/current/version.txt', 'GET /amd64-usr/4230.2.1/version.txt'])
  await server.flatcar('4230.2.2', key)
  t.match(await mirror.sync(), [{ outcome: 'published', version: '4230.2.2' }])
  t.equal(readlinkSync(join(mirror.assets, 'flatcar/stable')), '4230.2.2')

  const { sources, releases } = await mirror.mirror.list()
  t.match(sources, [{ version: '4230.2.2', from: server.url }])
  t.match(releases, [
    { version: '4230.2.2', aliases: ['current', 'latest', 'stable'], keys: [key.fingerprint], bytes: 900_000, path: '/assets/flatcar/4230.2.2' },
    { version: '4230.2.1', aliases: [] }
  ])
  t.match(await mirror.mirror.verify(), [{ version: '4230.2.2', problems: {} }, { version: '4230.2.1', problems: {} }])

  if (!needs(t, 'gpg')) return
  const gpg = new Gpg(t)
  await gpg.run(['--import', gpg.file(Buffer.from(key.publicKey))])
  for (const name of made.keys()) t.ok(await gpg.verifies(seen.get(`4230.2.1/${name}.sig`)!, seen.get(`4230.2.1/${name}`)!), `gpg --verify takes ${name}`)
})

t.test('Fedora CoreOS: names as published, with and without the version, digests and signatures', async t => {
  const server = await publisher(t)
  const mirror = mirrorOf(t, { os: 'fedora-coreos', base_url: server.url })
  const made = await server.fedora('43.20251110.3.1', key)
  t.match(await mirror.sync(), [{ outcome: 'published', version: '43.20251110.3.1' }])
  const folder = join(mirror.assets, 'fedora-coreos')
  for (const [name, bytes] of made) {
    t.ok(readFileSync(join(folder, '43.20251110.3.1', name)).equals(bytes))
    t.ok(readFileSync(join(folder, name)).equals(bytes), 'right in the folder too, as Matchbox\'s script puts them')
    t.ok(readFileSync(join(folder, 'stable', name.replace('43.20251110.3.1-', ''))).equals(bytes), 'by the channel, without the version')
  }
  t.ok(statSync(join(folder, 'latest/fedora-coreos-live-kernel.x86_64.sig')).isFile())
  t.match((await mirror.mirror.verify())[0], { problems: {}, keys: [key.fingerprint] })

  await server.fedora('43.20251201.3.0', key)
  const path = [...server.files.keys()].find(name => name.includes('1201') && name.endsWith('rootfs.x86_64.img')) ?? ''
  await server.putSigned(path, Buffer.from('signed, and not what the metadata says'), key)
  t.match(await mirror.sync(), [{ outcome: 'failed', error: { code: 'image_digest_wrong' } }], 'a good signature is not enough')
  t.equal(readlinkSync(join(folder, 'stable')), '43.20251110.3.1')

  const mixed = server.files.get('/streams/stable.json')!.body.toString().replace('"release":"43.20251201.3.0"', '"release":"43.20251110.3.1"')
  server.put('/streams/stable.json', mixed)
  t.match(await mirror.sync(), [{ outcome: 'failed', error: { code: 'image_mixed' } }])
  const pinned = mirrorOf(t, { os: 'fedora-coreos', base_url: server.url, version: '43.20251110.3.1' })
  t.match(await pinned.sync(), [{ outcome: 'published', version: '43.20251110.3.1' }], 'a release that is not the newest')
})

t.test('Fedora CoreOS: the kernel under both of its names, whichever its publisher uses, for every architecture', async t => {
  for (const [version, kernel, arch] of [['40.20240416.3.1', 'live-kernel-', 'x86_64'], ['44.20260712.3.0', 'live-kernel.', 'x86_64'], ['44.20260712.3.0', 'live-kernel.', 'aarch64']] as const) {
    await t.test(`${version} ${arch}`, async t => {
      const server = await publisher(t)
      const made = await server.fedora(version, key, { kernel, arch })
      const bytes = made.get(`fedora-coreos-${version}-${kernel}${arch}`)!
      const mirror = mirrorOf(t, { os: 'fedora-coreos', base_url: server.url, arch })
      t.match(await mirror.sync(), [{ outcome: 'published', version }])
      const folder = join(mirror.assets, arch === 'x86_64' ? 'fedora-coreos' : `fedora-coreos/${arch}`)
      const isThere = (name: string): boolean => readFileSync(join(folder, name)).equals(bytes) && statSync(join(folder, `${name}.sig`), { throwIfNoEntry: false }) !== undefined
      for (const mark of ['-', '.']) {
        for (const name of [`stable/fedora-coreos-live-kernel${mark}${arch}`, `${version}/fedora-coreos-${version}-live-kernel${mark}${arch}`]) t.ok(isThere(name), name)
        t.ok(readFileSync(join(folder, `fedora-coreos-${version}-live-kernel${mark}${arch}`)).equals(bytes), 'right in the folder')
      }
      rmSync(join(folder, version, `fedora-coreos-live-kernel-${arch}`))
      t.match(await mirror.sync(), [{ outcome: 'present' }])
      t.ok(isThere(`stable/fedora-coreos-live-kernel-${arch}`), 'releases of before get their links too')
      const other = mirrorOf(t, { os: 'fedora-coreos', base_url: server.url, arch, files: [`fedora-coreos-live-kernel${kernel.endsWith('.') ? '-' : '.'}${arch}`].map(path => ({ path, sha256: undefined, signature: '.sig' as const })) })
      t.match(await other.sync(), [{ outcome: 'published' }], 'picked by the other name')
    })
  }
})

t.test('what docs/images.md boots is there', async t => {
  const docs = readFileSync(new URL('../../docs/images.md', import.meta.url), 'utf8')
  const profiles = [...docs.matchAll(/<!-- profile: ([\w-]+) -->\n```json\n([^`]*)```/g)].map(([, , json = '']) => parseProfile(Buffer.from(json)))
  t.same(profiles.map(({ id }) => id), ['fedora-coreos', 'flatcar-arm64'])
  const server = await publisher(t)
  await server.fedora('44.20260712.3.0', key)
  await server.flatcar('4459.2.1', key, { arch: 'arm64' })
  const mirror = new TestMirror([
    { os: 'fedora-coreos', base_url: server.url },
    { os: 'flatcar', arch: 'arm64', base_url: server.url }
  ], { folder: t.testdir(), keys: [key] })
  t.match(await mirror.sync(), [{ outcome: 'published' }, { outcome: 'published' }])
  let named = 0
  for (const { boot } of profiles) {
    const resolve = (path: string): string => {
      named++
      t.ok(statSync(join(mirror.assets, path.slice('/assets/'.length)), { throwIfNoEntry: false })?.isFile(), path)
      return path
    }
    pinAssets(boot!, { isOwn: host => host === '192.168.100.2', resolve })
  }
  t.equal(named, 5)
})

t.test('CoreOS Container Linux, other architectures, several channels', async t => {
  const server = await publisher(t)
  await server.flatcar('2512.3.0', key, { prefix: 'coreos' })
  const coreos = mirrorOf(t, { os: 'coreos', base_url: server.url })
  t.match(await coreos.sync(), [{ outcome: 'published', version: '2512.3.0' }])
  t.ok(coreos.seen('coreos').has('2512.3.0/coreos_production_pxe.vmlinuz'))

  const [beta, arm] = [await publisher(t), await publisher(t)]
  await server.flatcar('4230.2.1', key)
  await beta.flatcar('4372.1.0', key)
  await arm.flatcar('4230.2.1', key, { arch: 'arm64' })
  const mirror = new TestMirror([
    { os: 'flatcar', base_url: server.url, version: '4230.2.1' },
    { os: 'flatcar', channel: 'beta', base_url: beta.url },
    { os: 'flatcar', arch: 'arm64', base_url: arm.url }
  ], { folder: t.testdir(), keys: [key] })
  t.match(await mirror.sync(), [{ outcome: 'published' }, { outcome: 'published' }, { outcome: 'published' }])
  const links = Object.fromEntries(['stable', 'beta', 'current', 'arm64/stable', 'arm64/current'].map(name => [name, readlinkSync(join(mirror.assets, 'flatcar', name))]))
  t.same(links, { stable: '4230.2.1', beta: '4372.1.0', current: '4372.1.0', 'arm64/stable': '4230.2.1', 'arm64/current': '4230.2.1' })
})

t.test('custom: a list of files, named by what they are', async t => {
  const server = await publisher(t)
  const bytes = await server.putSigned('/os/vmlinuz', Buffer.from('kernel'), key)
  server.put('/os/initrd.img', 'initrd')
  const digest = (text: string): string => createHash('sha256').update(text).digest('hex')
  const files = (initrd: string) => [{ path: 'vmlinuz', signature: '.sig' }, { path: 'initrd.img', signature: '', sha256: digest(initrd) }]
  const wrong = mirrorOf(t, { os: 'custom', name: 'mine', base_url: `${server.url}/os`, files: files('another') })
  t.match(await wrong.sync(), [{ outcome: 'failed', error: { code: 'image_digest_wrong' } }])
  const mirror = mirrorOf(t, { os: 'custom', name: 'mine', base_url: `${server.url}/os`, files: files('initrd') })
  const [first] = await mirror.sync()
  t.match(first, { source: 'mine', outcome: 'published', version: /^[0-9a-f]{12}$/ })
  t.ok(readFileSync(join(mirror.assets, 'mine/latest/vmlinuz')).equals(bytes))
  t.match(await mirror.sync(), [{ outcome: 'present' }])
  await server.putSigned('/os/vmlinuz', Buffer.from('newer kernel'), key)
  const [second] = await mirror.sync()
  t.match(second, { outcome: 'published' })
  t.not(second?.version, first?.version)
  t.equal(readFileSync(join(mirror.assets, 'mine/current/vmlinuz'), 'utf8'), 'newer kernel')
})

t.test('what does not verify is not published, and said plainly', async t => {
  const path = `/amd64-usr/2.0.0/${initrd}`
  const expired = await makeKey('expired', { date: new Date(Date.now() - 20 * 86_400_000), seconds: 86_400 })
  const rows: ReadonlyArray<readonly [name: string, code: string, spoil: (server: Publisher) => Promise<void>, keys?: readonly TestKey[]]> = [
    ['a flipped byte', 'image_signature_bad', async server => { const body = Buffer.from(server.files.get(path)!.body); body[1000]! ^= 1; server.put(path, body) }],
    ['a truncated file', 'image_signature_bad', async server => { server.put(path, server.files.get(path)!.body.subarray(0, 1000)) }],
    ['an empty file', 'image_signature_bad', async server => { server.put(path, '') }],
    ['no signature', 'image_signature_missing', async server => { server.files.delete(`${path}.sig`) }],
    ['an empty signature', 'image_signature_bad', async server => { server.put(`${path}.sig`, '') }],
    ['a signature that is a page', 'image_signature_bad', async server => { server.put(`${path}.sig`, '<html>Log in</html>') }],
    ['the signature of another file', 'image_signature_bad', async server => { server.put(`${path}.sig`, server.files.get(`/amd64-usr/2.0.0/${kernel}.sig`)!.body) }],
    ['a foreign key', 'image_key_missing', async server => { await server.putSigned(path, Buffer.from('x'), foreign) }],
    ['no key at all', 'image_key_missing', async () => {}, []],
    ['an expired key', 'image_key_expired', async server => { await server.flatcar('2.0.0', expired) }, [key, expired]],
    ['another version in the folder', 'image_mixed', async server => { server.put('/amd64-usr/2.0.0/version.txt', 'FLATCAR_VERSION=1.9.9\n') }],
    ['another version while it was fetched', 'image_mixed', async server => {
      server.onRequest = asked => { if (asked === path) server.put('/amd64-usr/2.0.0/version.txt', 'FLATCAR_VERSION=2.0.1\n') }
    }],
    ['a file that is not there', 'image_download_failed', async server => { server.files.delete(path) }],
    ['a version that is a path', 'image_metadata_invalid', async server => { server.put('/amd64-usr/current/version.txt', 'FLATCAR_VERSION=../../etc\n') }],
    ['a version that is an alias', 'image_metadata_invalid', async server => {
      server.put('/amd64-usr/current/version.txt', 'FLATCAR_VERSION=stable\n')
      server.put('/amd64-usr/stable/version.txt', 'FLATCAR_VERSION=stable\n')
    }]
  ]
  for (const [name, code, spoil, keys] of rows) {
    await t.test(name, async t => {
      const server = await publisher(t)
      await server.flatcar('1.0.0', key)
      const folder = t.testdir()
      const source = { os: 'flatcar', base_url: server.url } as const
      await new TestMirror([source], { folder, keys: [key] }).sync()
      await server.flatcar('2.0.0', key)
      await spoil(server)
      const mirror = new TestMirror([source], { folder, keys: keys ?? [key] })
      const before = mirror.seen('flatcar')
      const [result] = await mirror.sync()
      t.match(result, { outcome: 'failed', error: { code } })
      t.same([...mirror.seen('flatcar').keys()], [...before.keys()], 'nothing came, nothing went')
      t.equal(readlinkSync(join(mirror.assets, 'flatcar/stable')), '1.0.0')
      t.match((await mirror.mirror.list()).sources, [{ version: '1.0.0', error: { code, text: result?.error?.text } }])
    })
  }
  const server = await publisher(t)
  await server.flatcar('1.0.0', expired)
  t.match(await mirrorOf(t, { os: 'flatcar', base_url: server.url, allow_expired_keys: true }, { keys: [expired] }).sync(), [{ outcome: 'published' }], 'an archive, when it is asked for')
  t.match(await mirrorOf(t, { os: 'flatcar', base_url: server.url, keys: [key.fingerprint] }, { keys: [key, expired] }).sync(), [{ error: { code: 'image_key_missing' } }], 'a key that is not the source\'s')
})

t.test('publishers that are down, slow, never-ending or lost', async t => {
  const path = `/amd64-usr/1.0.0/${kernel}`
  const rows: ReadonlyArray<readonly [name: string, fault: Fault, match: object, settings?: Partial<TestMirrorOptions>]> = [
    ['500 once', { kind: 'status', status: 500, times: 1 }, { outcome: 'published' }],
    ['404', { kind: 'status', status: 404 }, { error: { code: 'image_download_failed', text: /answered 404/ } }],
    ['silence once', { kind: 'hang', times: 1 }, { outcome: 'published' }, { timeout: 1000 }],
    ['no end', { kind: 'endless' }, { error: { code: 'image_too_large', text: /larger than 4 MiB/ } }, { maxSize: 4 * 2 ** 20 }],
    ['a redirect to a file', { kind: 'redirect', to: '/elsewhere' }, { outcome: 'published' }],
    ['a redirect to itself', { kind: 'redirect', to: path }, { error: { text: /redirects more than 5 times/ } }],
    ['a redirect to a file of the system', { kind: 'redirect', to: 'file:///etc/passwd' }, { error: { text: /is not followed/ } }]
  ]
  for (const [name, fault, match, settings] of rows) {
    await t.test(name, async t => {
      const server = await publisher(t)
      server.put('/elsewhere', (await server.flatcar('1.0.0', key)).get(kernel)!)
      server.faults.set(path, fault)
      t.match(await mirrorOf(t, { os: 'flatcar', base_url: server.url }, settings).sync(), [match])
    })
  }
  const gone = await Publisher.start()
  const { url } = gone
  await gone.close()
  t.match(await mirrorOf(t, { os: 'flatcar', base_url: url }).sync(), [{ error: { code: 'image_download_failed', text: /nobody listens there/ } }])
})

t.test('a publisher that closes the connection after each answer', async t => {
  const server = await publisher(t)
  server.closes = true
  for (const round of [1, 2, 3, 4, 5, 6]) {
    const made = await server.flatcar(`1.0.${round}`, key, { bytes: 6_000_000 })
    const mirror = mirrorOf(t, { os: 'flatcar', base_url: server.url })
    t.match(await mirror.sync(), [{ outcome: 'published' }])
    t.ok(mirror.seen('flatcar').get(`1.0.${round}/${kernel}`)?.equals(made.get(kernel)!))
  }
})

t.test('a cut download goes on where it was cut, unless the file is another one by then', async t => {
  const server = await publisher(t)
  const path = `/amd64-usr/1.0.0/${kernel}`
  const made = await server.flatcar('1.0.0', key, { bytes: 3_000_000 })
  server.faults.set(path, { kind: 'cut', after: 1_500_000, times: 1 })
  const mirror = mirrorOf(t, { os: 'flatcar', base_url: server.url })
  t.match(await mirror.sync(), [{ outcome: 'published' }])
  t.match(server.requests.filter(request => request.startsWith(`GET ${path}`) && !/\.sig|\.DIGESTS/.test(request)), [`GET ${path}`, /bytes=1\d{6}-/])
  t.ok(mirror.seen('flatcar').get(`1.0.0/${kernel}`)?.equals(made.get(kernel)!))

  const other = `/amd64-usr/2.0.0/${kernel}`
  await server.flatcar('2.0.0', key, { bytes: 3_000_000 })
  const newer = Buffer.alloc(3_000_000, 'newer')
  server.faults.set(other, { kind: 'cut', after: 1_500_000, times: 1 })
  const signature = await key.sign(newer)
  server.onRequest = asked => {
    if (asked !== other || server.faults.has(other) || server.files.get(other)?.body.equals(newer) === true) return
    // Asked for again: it is another file now, and so is its signature the next time.
    if (server.requests.filter(request => request.startsWith(`GET ${other}`) && !/\.sig|\.DIGESTS/.test(request)).length > 1) {
      server.put(other, newer)
      server.put(`${other}.sig`, signature)
    }
  }
  t.match(await mirror.sync(), [{ outcome: 'failed', error: { code: 'image_signature_bad' } }], 'signed for the file that was')
  t.match(await mirror.sync(), [{ outcome: 'published', version: '2.0.0' }])
  t.ok(mirror.seen('flatcar').get(`2.0.0/${kernel}`)?.equals(newer))
})

t.test('what rots on disk is found by verify and fetched again by sync', async t => {
  const server = await publisher(t)
  const made = await server.flatcar('1.0.0', key)
  const mirror = mirrorOf(t, { os: 'flatcar', base_url: server.url })
  await mirror.sync()
  const place = join(mirror.assets, 'flatcar/1.0.0')
  const rotten = Buffer.from(made.get(kernel)!)
  rotten[7]! ^= 0x40
  writeFileSync(join(place, kernel), rotten)
  t.match(await mirror.mirror.verify(), [{ problems: { [kernel]: /not what was signed/ } }])
  t.match((await mirror.mirror.list()).releases, [{ problems: { [kernel]: /not what was signed/ } }])
  t.match(await mirror.sync(), [{ outcome: 'mended' }])
  t.equal(statSync(join(place, kernel)).mode & 0o222, 0)
  t.match(await mirror.mirror.verify(), [{ problems: {} }])
  rmSync(join(place, initrd))
  t.match(await mirror.mirror.verify(), [{ problems: { [initrd]: /1\.0\.0\/[^/]+ is missing$/ } }])
  t.match(await mirror.sync(), [{ outcome: 'mended' }], 'one that is gone')
  truncateSync(join(place, initrd), 10)
  t.match(await mirror.sync(), [{ outcome: 'mended' }], 'a wrong size shows by itself')
  t.same(mirror.seen('flatcar').get(`1.0.0/${initrd}`), made.get(initrd))
})

t.test('a folder that somebody filled by hand is verified, completed and taken over', async t => {
  const server = await publisher(t)
  const made = await server.flatcar('1.0.0', key)
  const mirror = mirrorOf(t, { os: 'flatcar', base_url: server.url })
  const place = join(mirror.assets, 'flatcar/1.0.0')
  mkdirSync(place, { recursive: true })
  writeFileSync(join(place, kernel), made.get(kernel)!)
  writeFileSync(join(place, initrd), 'half of it')
  t.match(await mirror.sync(), [{ outcome: 'published' }])
  t.notOk(server.requests.includes(`GET /amd64-usr/1.0.0/${kernel}`), 'what was good is not fetched')
  t.match(await mirror.mirror.verify(), [{ problems: {} }])
})

t.test('one process at a time, and through a proxy', async t => {
  const server = await publisher(t)
  await server.flatcar('1.0.0', key)
  const folder = t.testdir()
  const one = new TestMirror([{ os: 'flatcar', base_url: server.url }], { folder, keys: [key] })
  const two = new TestMirror([{ os: 'flatcar', base_url: server.url }], { folder, keys: [key] })
  const [[a], [b]] = await Promise.all([one.sync(), two.sync()])
  t.same([a?.outcome, b?.outcome].sort(), ['failed', 'published'])
  t.match([a?.error ?? b?.error], [{ code: 'images_busy' }])
  const unlock = await lockFolder(join(one.assets, 'flatcar/.partial/lock'))
  t.match(await one.sync(), [{ error: { code: 'images_busy', text: new RegExp(`flatcar \\(pid ${process.pid}\\)`) } }])
  await unlock()
  t.match(await one.sync(), [{ outcome: 'present' }])

  // A proxy is asked for whole URLs; this one plays the publisher itself.
  const proxied = new TestMirror([{ os: 'flatcar', base_url: 'http://mirror.invalid' }], { folder: t.testdir(), keys: [key], env: { HTTP_PROXY: server.url } })
  t.match(await proxied.sync(), [{ outcome: 'published' }])
  const direct = new TestMirror([{ os: 'flatcar', base_url: server.url }], {
    folder: t.testdir(), keys: [key], env: { http_proxy: 'http://127.0.0.1:9', NO_PROXY: '127.0.0.1' }
  })
  t.match(await direct.sync(), [{ outcome: 'published' }])
})

t.test('no space left: said, cleaned up, and the last good release stays', async t => {
  const ran = onSmallDisk(t, { size: '4m', script: 'mirror-full-disk.ts' })
  if (ran === undefined) return
  t.match(ran.answer, {
    first: [{ outcome: 'published', version: '1.0.0' }],
    second: [{ outcome: 'failed', error: { code: 'disk_full' } }],
    stable: '1.0.0',
    problems: [{}],
    partial: ['lock']
  }, ran.stderr)
})
