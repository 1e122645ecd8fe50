// The fault table of docs/images.md: what a publisher or the network does, and what comes of it.
import { createHash, randomBytes } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import t, { type Test } from 'tap'
import { openSource } from '../../src/mirror/catalog.js'
import type { SourceConfig } from '../../src/mirror/source.js'
import { FakeClock } from '../helpers/fake-clock.js'
import { sourceConfig, TestMirror, type TestMirrorOptions } from '../helpers/mirror.js'
import { makePki } from '../helpers/pki.js'
import { flatcarFiles, makeKey, Publisher } from '../helpers/publisher.js'

const key = await makeKey('publisher')
const [kernel, initrd, disk] = flatcarFiles

async function publisher (t: Test, pair?: Parameters<typeof Publisher.start>[0]): Promise<Publisher> {
  const server = await Publisher.start(pair)
  t.teardown(() => server.close())
  return server
}

const mirrorOf = (t: Test, source: Partial<SourceConfig> & Pick<SourceConfig, 'os'>, more: Partial<TestMirrorOptions> = {}): TestMirror =>
  new TestMirror([source], { folder: t.testdir(), keys: [key], ...more })

/** Everything that is on disk below a folder, as text. */
const textOf = (folder: string): string => readdirSync(folder, { recursive: true, withFileTypes: true })
  .filter(entry => entry.isFile() && /\.json$/.test(entry.name)).map(entry => readFileSync(join(entry.parentPath, entry.name), 'utf8')).join('\n')

t.test('a small document that is refused for a moment', async t => {
  const server = await publisher(t)
  await server.flatcar('1.0.0', key)
  server.faults.set('/amd64-usr/current/version.txt', { kind: 'status', status: 503, times: 2 })
  server.faults.set(`/amd64-usr/1.0.0/${kernel}.sig`, { kind: 'status', status: 429, retryAfter: '1', times: 1 })
  t.match(await mirrorOf(t, { os: 'flatcar', base_url: server.url }).sync(), [{ outcome: 'published' }])

  server.requests.length = 0
  server.faults.set('/amd64-usr/current/version.txt', { kind: 'status', status: 429, retryAfter: '3600' })
  t.match(await mirrorOf(t, { os: 'flatcar', base_url: server.url }).sync(), [{ error: { text: /answered 429, and asks to be left alone for 60 minutes/ } }])
  t.equal(server.requests.length, 1, 'and is')
})

t.test('parts that are shorter than what was asked for', async t => {
  const server = await publisher(t)
  const made = await server.flatcar('1.0.0', key, { bytes: 4_000_000 })
  const path = `/amd64-usr/1.0.0/${kernel}`
  server.longestPart = 400_000
  server.faults.set(path, { kind: 'cut', after: 1_500_000, times: 1 })
  const mirror = mirrorOf(t, { os: 'flatcar', base_url: server.url })
  t.match(await mirror.sync(), [{ outcome: 'published' }])
  t.ok(mirror.seen('flatcar').get(`1.0.0/${kernel}`)?.equals(made.get(kernel)!))
  t.ok(server.requests.filter(request => / bytes=/.test(request)).length > 3, 'the rest was asked for part by part')
})

t.test('a name and a password: told to the publisher, and to nobody else', async t => {
  const [server, other] = [await publisher(t), await publisher(t)]
  await server.flatcar('1.0.0', key)
  server.authorization = `Basic ${Buffer.from('user:sec ret').toString('base64')}`
  const path = `/amd64-usr/1.0.0/${initrd}`
  other.put(path, server.files.get(path)!.body)
  server.faults.set(path, { kind: 'redirect', to: `${other.url}${path}?token=sec%20ret` })
  const folder = t.testdir()
  const base = server.url.replace('http://', 'http://user:sec%20ret@')
  const mirror = new TestMirror([{ os: 'flatcar', base_url: base }], { folder, keys: [key] })
  t.match(await mirror.sync(), [{ outcome: 'published' }])
  t.same(other.authorizations, [undefined])
  const wrong = new TestMirror([{ os: 'flatcar', channel: 'beta', base_url: base.replace('sec', 'wrong-sec') }], { folder, keys: [key] })
  const failed = await wrong.sync()
  t.match(failed, [{ error: { text: /answered 401: it wants other credentials/ } }])
  server.faults.set(path, { kind: 'redirect', to: 'file:///sec%20ret' })
  const shown = JSON.stringify([failed, await mirror.sync(), await mirror.mirror.list()]) + textOf(folder)
  t.notMatch(shown, /sec( |%20)ret|user:/, 'nowhere')
  t.match(await mirror.mirror.list(), { sources: [{ from: server.url }], releases: [{ from: server.url }] })
})

t.test('a certificate by an authority of one\'s own', async t => {
  const { ca, server: pair } = makePki()
  const server = await publisher(t, pair)
  await server.flatcar('1.0.0', key)
  const folder = t.testdir({ 'ca.crt': `of our own\n${ca.cert}`, 'empty.crt': 'nothing' })
  const sync = async (name: string, caFile: string): Promise<unknown> =>
    await new TestMirror([{ os: 'flatcar', base_url: server.url }], { folder: join(folder, name), keys: [key], caFile }).sync()
  t.match(await sync('one', ''), [{ error: { text: /authority that is not trusted here .*images\.ca_file/ } }])
  t.match(await sync('two', join(folder, 'ca.crt')), [{ outcome: 'published' }])
  t.match(await sync('three', '/nowhere/ca.crt'), [{ error: { code: 'read_failed', text: /^images\.ca_file: cannot read \/nowhere\/ca\.crt/ } }])
  t.match(await sync('four', join(folder, 'empty.crt')), [{ error: { code: 'certificate_invalid', text: /empty\.crt holds no certificate in PEM/ } }])
})

t.test('a proxy that is none is said, not thrown', async t => {
  const mirror = mirrorOf(t, { os: 'flatcar', base_url: 'http://publisher.invalid' }, { env: { HTTP_PROXY: 'socks5://proxy:1080' } })
  t.match(await mirror.sync(), [{ error: { code: 'config_invalid', text: /^HTTP_PROXY in the environment names no HTTP proxy/ } }])
})

t.test('what is refused leaves nothing behind', async t => {
  const server = await publisher(t)
  await server.flatcar('1.0.0', key)
  server.faults.set(`/amd64-usr/1.0.0/${kernel}`, { kind: 'endless' })
  const mirror = mirrorOf(t, { os: 'flatcar', base_url: server.url }, { maxSize: 4 * 2 ** 20 })
  t.match(await mirror.sync(), [{ error: { code: 'image_too_large' } }])
  t.same(readdirSync(join(mirror.assets, 'flatcar/.partial')), ['lock'])
})

t.test('no way back, unless it is asked for', async t => {
  const server = await publisher(t)
  await server.flatcar('1.9.0', key)
  const mirror = mirrorOf(t, { os: 'flatcar', base_url: server.url })
  await mirror.sync()
  await server.flatcar('1.10.0', key)
  t.match(await mirror.sync(), [{ outcome: 'published', version: '1.10.0' }], 'numbers, not letters')
  const current = server.files.get('/amd64-usr/1.9.0/version.txt')!.body
  server.put('/amd64-usr/current/version.txt', current)
  t.match(await mirror.sync(), [{ outcome: 'failed', error: { code: 'image_older', text: /offers 1\.9\.0, which is older than 1\.10\.0.* --allow-older/ } }])
  t.equal(readlinkSync(join(mirror.assets, 'flatcar/current')), '1.10.0')
  t.match(await mirror.mirror.sync({ signal: new AbortController().signal, allowOlder: true }), [{ outcome: 'present', version: '1.9.0' }])
  t.equal(readlinkSync(join(mirror.assets, 'flatcar/current')), '1.9.0')
  t.match(await mirror.sync(), [{ outcome: 'present' }], 'and then it is the one to go by')
})

t.test('files of another release, or of another name', async t => {
  const server = await publisher(t)
  const folder = t.testdir()
  const source = { os: 'flatcar', base_url: server.url } as const
  const sync = async (): Promise<unknown> => await new TestMirror([source], { folder, keys: [key] }).sync()
  const copy = (from: string, to: string): void => {
    for (const suffix of ['', '.sig']) server.put(`/amd64-usr/${to}${suffix}`, server.files.get(`/amd64-usr/${from}${suffix}`)!.body)
  }
  await server.flatcar('1.0.0', key)
  t.match(await sync(), [{ outcome: 'published', unproven: [/version\.txt is not signed/, /called so/, /called so/, /called so/, /kind of file/, /kind of file/, /kind of file/] }])
  await server.flatcar('4.0.0', key)
  for (const name of flatcarFiles) copy(`1.0.0/${name}`, `4.0.0/${name}`)
  t.match(await sync(), [{ error: { code: 'image_mixed', text: /4\.0\.0: flatcar_production_pxe\.vmlinuz is a file of release 1\.0\.0/ } }])

  await server.flatcar('4.0.0', key)
  copy(`4.0.0/${initrd}`, `4.0.0/${kernel}`)
  t.match(await sync(), [{ error: { code: 'image_mixed', text: /one file under two names/ } }])

  await server.flatcar('4.0.0', key)
  await server.putSigned(`/amd64-usr/4.0.0/${kernel}`, gzipSync(randomBytes(100_000)), key)
  await server.putSigned(`/amd64-usr/4.0.0/${initrd}`, Buffer.concat([Buffer.from('BZh9'), randomBytes(1000)]), key)
  t.match(await sync(), [{ error: { code: 'image_kind_wrong', text: /cpio\.gz is bzip2 by its first bytes, and should be gzip/ } }])

  const names = [kernel, initrd, disk]
  await server.flatcar('4.0.0', key)
  const digests = names.map(name => `${createHash('sha512').update(server.files.get(`/amd64-usr/4.0.0/${name}`)!.body).digest('hex')}  ${name}`)
  await server.putSigned('/amd64-usr/4.0.0/flatcar_production_pxe.DIGESTS', Buffer.from(`# SHA512 HASH\n${digests.join('\n')}\n`), key)
  await server.putSigned(`/amd64-usr/4.0.0/${kernel}`, randomBytes(1000), key)
  t.match(await sync(), [{ error: { code: 'image_digest_wrong', text: /its publisher signed other digests/ } }])

  await server.putSigned('/amd64-usr/4.0.0/version.txt', Buffer.from('FLATCAR_VERSION=4.0.0\n'), key)
  server.put('/amd64-usr/4.0.0/version.txt', 'FLATCAR_VERSION=4.0.0\nFLATCAR_BUILD=9\n')
  t.match(await sync(), [{ error: { code: 'image_signature_bad', text: /version\.txt: its signature/ } }])

  await server.flatcar('4.0.0', key)
  const rightly = names.map(name => `${createHash('sha512').update(server.files.get(`/amd64-usr/4.0.0/${name}`)!.body).digest('hex')}  ${name}`)
  await server.putSigned('/amd64-usr/4.0.0/flatcar_production_pxe.DIGESTS', Buffer.from(`# SHA512 HASH\n${rightly.join('\n')}\n`), key)
  await server.putSigned('/amd64-usr/4.0.0/version.txt', server.files.get('/amd64-usr/4.0.0/version.txt')!.body, key)
  t.match(await sync(), [{ outcome: 'published', unproven: [/kind of file/, /kind of file/, /kind of file/] }])
  t.ok(existsSync(join(folder, 'assets/flatcar/4.0.0/version.txt.sig')), 'what is signed is handed on')

  await server.flatcar('5.0.0', key)
  t.match(await sync(), [{ error: { code: 'image_signature_missing', text: /its publisher signed this before/ } }], 'and is expected from then on')
})

t.test('what is picked is what is needed', async t => {
  const server = await publisher(t)
  await server.fedora('43.20251110.3.1', key)
  const stream = JSON.parse(server.files.get('/streams/stable.json')!.body.toString())
  delete stream.architectures.x86_64.artifacts.metal.formats['raw.xz']
  server.put('/streams/stable.json', JSON.stringify(stream))
  const files = ['kernel.x86_64', 'initramfs.x86_64.img', 'rootfs.x86_64.img'].map(name => ({ path: `fedora-coreos-live-${name}`, signature: '.sig' }))
  t.match(await mirrorOf(t, { os: 'fedora-coreos', base_url: server.url, files }).sync(), [{ outcome: 'published' }])
  t.match(await mirrorOf(t, { os: 'fedora-coreos', base_url: server.url }).sync(), [{ error: { code: 'image_metadata_invalid', text: /has no raw\.xz/ } }])

  // Metadata that a mirror made its own, whose URLs lead to it already.
  await server.fedora('43.20251111.3.0', key, { origin: `${server.url}/fcos` })
  for (const [path, file] of [...server.files]) if (path.startsWith('/prod/')) server.put(`/fcos${path}`, file.body)
  server.put('/fcos/streams/stable.json', server.files.get('/streams/stable.json')!.body)
  t.match(await mirrorOf(t, { os: 'fedora-coreos', base_url: `${server.url}/fcos` }).sync(), [{ outcome: 'published' }])
})

t.test('two sources that share a version, and two of one channel', async t => {
  const server = await publisher(t)
  await server.flatcar('1.0.0', key)
  const picked = (path: string): SourceConfig['files'] => [{ path, signature: '.sig' }]
  const mirror = new TestMirror([
    { os: 'flatcar', base_url: server.url, files: picked(kernel) },
    { os: 'flatcar', channel: 'beta', base_url: server.url, files: picked(initrd) }
  ], { folder: t.testdir(), keys: [key] })
  t.match(await mirror.sync(), [{ outcome: 'published' }, { outcome: 'mended' }])
  writeFileSync(join(mirror.assets, 'flatcar/1.0.0', kernel), 'damaged')
  t.match(await mirror.mirror.verify(), [{ problems: { [kernel]: /not what was signed/ } }], 'the first one\'s file is still known')
  t.match(await mirror.sync(), [{ outcome: 'mended' }, { outcome: 'present' }])
  t.match(await mirror.mirror.verify(), [{ problems: {} }])

  const [old, young] = ['current-2023', 'current-2024'].map(version => openSource(sourceConfig({ os: 'flatcar', channel: 'lts', version })))
  t.same([old?.id, young?.id], ['flatcar/lts/amd64/current-2023', 'flatcar/lts/amd64/current-2024'])
  for (const [year, version] of [['2023', '3033.3.18'], ['2024', '3510.3.9']] as const) {
    await server.flatcar(version, key)
    server.put(`/amd64-usr/current-${year}/version.txt`, `FLATCAR_VERSION=${version}\n`)
  }
  const lts = new TestMirror(['current-2023', 'current-2024'].map(version => ({ os: 'flatcar', channel: 'lts', version, base_url: server.url })), { folder: t.testdir(), keys: [key] })
  t.match(await lts.sync(), [{ outcome: 'published', version: '3033.3.18' }, { outcome: 'published', version: '3510.3.9' }])
  t.equal(readlinkSync(join(lts.assets, 'flatcar/current-2024')), '3510.3.9')
  t.equal(readlinkSync(join(lts.assets, 'flatcar/lts')), '3033.3.18')
})

t.test('a slow publisher holds up nobody else\'s', async t => {
  const [slow, fast] = [await publisher(t), await publisher(t)]
  await slow.flatcar('1.0.0', key)
  await fast.fedora('43.20251110.3.1', key)
  const order: string[] = []
  slow.faults.set('/amd64-usr/current/version.txt', { kind: 'hang' })
  const stopping = new AbortController()
  const mirror = new TestMirror([{ os: 'flatcar', base_url: slow.url }, { os: 'fedora-coreos', base_url: fast.url }], { folder: t.testdir(), keys: [key], timeout: 30_000 })
  const results = await mirror.mirror.sync({
    signal: stopping.signal,
    onResult: ({ source }) => {
      order.push(source)
      stopping.abort()
    }
  })
  t.same(order, ['fedora-coreos/stable/x86_64', 'flatcar/stable/amd64'])
  t.match(results, [{ source: 'flatcar/stable/amd64', outcome: 'failed' }, { source: 'fedora-coreos/stable/x86_64', outcome: 'published' }], 'told in the order of the configuration')
})

t.test('a slow publisher holds up no other of its folder, which goes last after that', async t => {
  const clock = new FakeClock(Date.now())
  const names = ['slow', 'b', 'c', 'd', 'e']
  const servers = await Promise.all(names.map(async () => await publisher(t)))
  const asked: string[] = []
  for (const [i, server] of servers.entries()) {
    await server.putSigned('/vmlinuz', Buffer.from(names[i]!), key)
    server.onRequest = () => asked.push(names[i]!)
  }
  // The first two share a folder.
  const mirror = new TestMirror(names.map((channel, i) => ({
    os: 'custom', name: i < 2 ? 'shared' : channel, channel, base_url: servers[i]!.url, files: [{ path: 'vmlinuz', signature: '.sig' }]
  })), { folder: t.testdir(), keys: [key], clock, timeout: 60_000 })
  const told: string[] = []
  const sync = async (onResult: () => void): Promise<void> => {
    for (const list of [asked, told]) list.length = 0
    const results = await mirror.mirror.sync({ signal: new AbortController().signal, onResult: ({ source }) => { told.push(source); onResult() } })
    t.same(results.map(({ source }) => source), ['shared/slow', 'shared/b', 'c/c', 'd/d', 'e/e'], 'told in the order of the configuration')
  }
  servers[0]!.faults.set('/vmlinuz.sig', { kind: 'hang' })
  let passing: Promise<void> | undefined
  await sync(() => {
    if (told.length !== 4) return
    t.same([...told].sort(), ['c/c', 'd/d', 'e/e', 'shared/b'], 'held up by nobody')
    passing = (async () => {
      while (told.length === 4) {
        clock.advance(1000)
        await new Promise(resolve => { setImmediate(resolve) })
      }
    })()
  })
  await passing
  servers[0]!.faults.clear()
  await sync(() => {})
  t.ok(asked.indexOf('b') > Math.min(...['c', 'd', 'e'].map(name => asked.lastIndexOf(name))), 'and its folder after one of the three that began is done')
})

for (const [what, kind, milliseconds] of [['say nothing', 'hang', 2000], ['take very long', 'stall', 600_000]] as const) {
  t.test(`publishers that ${what} leave a place to others`, async t => {
    const clock = new FakeClock(Date.now())
    const [slow, fast] = [await publisher(t), await publisher(t)]
    await fast.putSigned('/vmlinuz', Buffer.from('kernel'), key)
    let fastAsked = 0
    fast.onRequest = () => { fastAsked++ }
    const held = new Set<string>()
    let allHeld = (): void => {}
    const isHeld = new Promise<void>(resolve => { allHeld = resolve })
    const hold = (name: string): void => { if (held.add(name).size === 3) allHeld() }
    for (const name of ['a', 'b', 'c']) {
      await slow.putSigned(`/${name}`, Buffer.from('kernel'), key)
      slow.faults.set(kind === 'hang' ? `/${name}.sig` : `/${name}`, { kind })
    }
    slow.onRequest = path => { if (kind === 'hang') hold(path) }
    const files = (path: string): SourceConfig['files'] => [{ path, signature: '.sig' }]
    const mirror = new TestMirror([
      ...['a', 'b', 'c'].map(name => ({ os: 'custom' as const, name, base_url: slow.url, files: files(name) })),
      { os: 'custom', name: 'd', base_url: fast.url, files: files('vmlinuz') }
    ], { folder: t.testdir(), keys: [key], clock, timeout: 3_600_000 })
    const stopping = new AbortController()
    const syncing = mirror.mirror.sync({
      signal: stopping.signal,
      onProgress: ({ source, received }) => { if (received > 0) hold(source) },
      onResult: () => { stopping.abort() }
    })
    await isHeld
    clock.advance(milliseconds - 1)
    t.equal(fastAsked, 0)
    clock.advance(1)
    t.match((await syncing).map(({ outcome }) => outcome), ['failed', 'failed', 'failed', 'published'])
    t.equal(clock.pending, 0)
  })
}
