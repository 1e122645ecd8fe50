import { mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { assetPinner, RealFolders } from '../../src/assets/aliases.js'
import type { RequestEvent } from '../../src/http/machine-log.js'
import { createLoaderFiles } from '../../src/matchbox/loader-files.js'
import type { AssetPins } from '../../src/matchbox/pin-assets.js'
import { createProvisioner } from '../../src/matchbox/provisioner.js'
import { FakeClock } from '../helpers/fake-clock.js'
import { listen } from '../helpers/http-app.js'
import { MemoryStore, makeGroup, makeProfile } from '../helpers/memory-store.js'

const own: ReadonlySet<string> = new Set(['10.0.0.1', '127.0.0.1', 'localhost', 'boot.example.com'])
const isOwn = (host: string): boolean => own.has(host)
const pinner = (root: string, clock: FakeClock): AssetPins => assetPinner(root, () => isOwn, clock)

/** As the mirror moves it: a new link over the old one. */
function point (alias: string, target: string): void {
  symlinkSync(target, `${alias}.new`)
  renameSync(`${alias}.new`, alias)
}

const kernelOf = (root: string): (path: string) => string => {
  const clock = new FakeClock()
  const { pin } = pinner(root, clock)
  return kernel => {
    clock.advance(1000)
    return pin({ kernel, initrd: [], args: [] }).kernel
  }
}

t.test('aliases, wherever they stand in a path', t => {
  const root = t.testdir({
    flatcar: {
      '1.0': { vmlinuz: '', deep: { x: '' } },
      'a b+c': { vmlinuz: '' },
      stable: t.fixture('symlink', '1.0'),
      current: t.fixture('symlink', 'stable'),
      absolute: t.fixture('symlink', `${t.testdirName}/flatcar/1.0`),
      odd: t.fixture('symlink', 'a b+c'),
      file: t.fixture('symlink', '1.0/vmlinuz'),
      outside: t.fixture('symlink', '/etc'),
      above: t.fixture('symlink', '../../..'),
      round: t.fixture('symlink', '../flatcar/./1.0/deep/..'),
      gone: t.fixture('symlink', '9.9'),
      loop: t.fixture('symlink', 'loop')
    },
    all: t.fixture('symlink', 'flatcar')
  })
  const kernel = kernelOf(root)
  for (const [path, expected] of Object.entries({
    '/assets/flatcar/stable/vmlinuz': '/assets/flatcar/1.0/vmlinuz',
    '/assets/flatcar/current/vmlinuz': '/assets/flatcar/1.0/vmlinuz',
    '/assets/flatcar/absolute/vmlinuz': '/assets/flatcar/1.0/vmlinuz',
    '/assets/flatcar/round/vmlinuz': '/assets/flatcar/1.0/vmlinuz',
    '/assets/flatcar/file': '/assets/flatcar/1.0/vmlinuz',
    '/assets/flatcar/odd/vmlinuz': '/assets/flatcar/a%20b%2Bc/vmlinuz',
    '/assets/all/stable/deep/x': '/assets/flatcar/1.0/deep/x',
    '/assets/flatcar/st%61ble/vmlinuz': '/assets/flatcar/1.0/vmlinuz',
    '/assets/flatcar/stable/not-there': '/assets/flatcar/1.0/not-there',
    '/assets/all/outside/passwd': '/assets/flatcar/outside/passwd'
  })) t.equal(kernel(path), expected, path)
  for (const path of ['/assets/flatcar/1.0/vmlinuz', '/assets/flatcar/1%2e0/vmlinuz', '/assets/flatcar/outside/passwd', '/assets/flatcar/above/x', '/assets/flatcar/gone/vmlinuz',
    '/assets/flatcar/loop/x', '/assets/nothing/stable/x', '/assets/', '/assets/flatcar//stable/x', '/assets/flatcar/../flatcar/stable', '/assets/%zz/x', '/assets/%00/x', '/assets/a%2Fb/x',
    '/assets/flatcar/1.0/vmlinuz/below', 'http://elsewhere/assets/flatcar/stable/vmlinuz']) t.equal(kernel(path), path, path)
  for (const host of ['10.0.0.1:8080', '127.0.0.1', 'localhost:80']) {
    t.equal(kernel(`http://${host}/assets/flatcar/stable/x`), `http://${host}/assets/flatcar/1.0/x`)
  }
  t.end()
})

t.test('an address that the service gets later counts from then on, also for what was pinned before', t => {
  const root = t.testdir({ '1.0': {}, stable: t.fixture('symlink', '1.0') })
  const clock = new FakeClock()
  let hosts = isOwn
  const { pin, version } = assetPinner(root, () => hosts, clock)
  const boot = { kernel: 'http://10.0.0.2/assets/stable/vmlinuz', initrd: [], args: [] }
  t.equal(pin(boot).kernel, boot.kernel)
  const before = version()
  hosts = host => host === '10.0.0.2'
  clock.advance(1000)
  t.equal(pin(boot).kernel, 'http://10.0.0.2/assets/1.0/vmlinuz')
  t.not(version(), before)
  t.end()
})

t.test('a folder of assets that is a link itself, or missing, or off', t => {
  const root = t.testdir({ real: { '1.0': {}, stable: t.fixture('symlink', `${t.testdirName}/real/1.0`) }, link: t.fixture('symlink', 'real') })
  t.equal(kernelOf(join(root, 'link'))('/assets/stable/x'), '/assets/1.0/x')
  t.equal(kernelOf(join(root, 'missing'))('/assets/stable/x'), '/assets/stable/x')
  t.equal(kernelOf('')('/assets/stable/x'), '/assets/stable/x')
  t.end()
})

t.test('a moved alias is seen within a second; what one script names is of one reading', t => {
  const root = t.testdir({ 1: {}, 2: {}, stable: t.fixture('symlink', '1') })
  const clock = new FakeClock()
  const { pin } = pinner(root, clock)
  const boot = {
    kernel: '/assets/stable/vmlinuz',
    initrd: ['http://boot.example.com/assets/stable/initrd'],
    args: ['coreos.live.rootfs_url=http://10.0.0.1:8080/assets/stable/rootfs.img']
  }
  const versions = (): string[] => [...JSON.stringify(pin({ ...boot })).matchAll(/\/assets\/(\w+)\//g)].map(found => found[1]!)
  t.same(versions(), ['1', '1', '1'])
  point(join(root, 'stable'), '2')
  t.same(versions(), ['1', '1', '1'], 'all of the reading of a moment ago')
  clock.advance(249)
  t.same(versions(), ['1', '1', '1'], 'for a quarter of a second')
  clock.advance(1)
  t.same(versions(), ['2', '2', '2'])
  clock.advance(-3_600_000)
  point(join(root, 'stable'), '1')
  t.same(versions(), ['1', '1', '1'], 'also when the clock was set back')
  t.end()
})

t.test('the version is another one when, and only when, a link looked at is another one', t => {
  const root = t.testdir({ flatcar: { '1.0': {}, '2.0': {}, stable: t.fixture('symlink', '1.0') } })
  const clock = new FakeClock()
  const { pin, version } = pinner(root, clock)
  const boot = { kernel: '/assets/flatcar/stable/vmlinuz', initrd: ['/assets/flatcar/beta/initrd'], args: [] }
  const changes = (change: () => void): boolean => {
    pin(boot)
    const before = version()
    change()
    clock.advance(1000)
    return version() !== before
  }
  t.equal(changes(() => {}), false)
  t.equal(changes(() => { point(join(root, 'flatcar/other'), '1.0') }), false, 'nobody asked for that')
  t.equal(changes(() => { point(join(root, 'flatcar/stable'), '2.0') }), true)
  t.equal(changes(() => { point(join(root, 'flatcar/beta'), '2.0') }), true, 'was not there')
  t.end()
})

t.test('a boot that began on one version ends on it, by iPXE and by GRUB', async t => {
  const root = t.testdir()
  for (const version of ['4230.2.1', '4230.2.2']) {
    mkdirSync(join(root, 'flatcar', version), { recursive: true })
    for (const file of ['vmlinuz', 'initrd', 'rootfs.img']) writeFileSync(join(root, 'flatcar', version, file), `${file} of ${version}`)
  }
  const stable = join(root, 'flatcar/stable')
  point(stable, '4230.2.1')
  const mac = '52:54:00:00:00:01'
  const boot = { kernel: '/assets/flatcar/stable/vmlinuz', initrd: ['--name i /assets/flatcar/stable/initrd'], args: ['rootfs=http://10.0.0.1:8080/assets/flatcar/stable/rootfs.img'] }
  const store = new MemoryStore({ groups: [makeGroup({ id: 'node', selector: { mac } })], profiles: [makeProfile({ id: 'p', boot })] })
  const clock = new FakeClock()
  const assets = pinner(root, clock)
  const events: RequestEvent[] = []
  const { port } = await listen(t, { store, assets, assetsPath: root, onRequest: event => { events.push(event) } })
  const fetchText = async (path: string): Promise<string> => {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`)
    return answer.ok ? await answer.text() : String(answer.status)
  }
  const script = await fetchText(`/ipxe?mac=${mac}`)
  t.equal(script, `#!ipxe
kernel /assets/flatcar/4230.2.1/vmlinuz rootfs=http://10.0.0.1:8080/assets/flatcar/4230.2.1/rootfs.img
initrd --name i /assets/flatcar/4230.2.1/initrd
boot
`)
  t.equal(await fetchText('/assets/flatcar/4230.2.1/vmlinuz'), 'vmlinuz of 4230.2.1')
  point(stable, '4230.2.2')
  t.equal(await fetchText('/assets/flatcar/4230.2.1/initrd'), 'initrd of 4230.2.1')
  t.equal(await fetchText('/assets/flatcar/4230.2.1/rootfs.img'), 'rootfs.img of 4230.2.1')
  t.match(events.map(event => event.kind), ['script', 'kernel', 'initrd', 'asset'], 'they are known as stages of the boot')
  clock.advance(1000)
  t.match(await fetchText(`/ipxe?mac=${mac}`), /^kernel \/assets\/flatcar\/4230\.2\.2\/vmlinuz .*4230\.2\.2\/rootfs\.img\ninitrd --name i \/assets\/flatcar\/4230\.2\.2\/initrd$/m)
  t.equal((await fetchText(`/grub?mac=${mac}`)).match(/4230\.2\.2/g)?.length, 6)
  t.equal(await fetchText('/assets/flatcar/stable/vmlinuz'), 'vmlinuz of 4230.2.2', 'the alias itself is served too')

  const { bootOf } = createProvisioner({ store, assets })
  const make = createLoaderFiles({ bootOf, scriptUrl: '', origin: 'http://10.0.0.1:8080', resilient: false })
  const grub = await make({ name: 'grub.cfg-01-52-54-00-00-00-01', mac: undefined, client: '10.0.0.9', hasMenu: async () => false })
  t.match(grub?.toString(), '"($1)/assets/flatcar/4230.2.2/vmlinuz"')
  t.match(grub?.toString(), /^start tftp$/m)
})

t.test('what is sent lies in the folder that links lead to, as they are within a second', t => {
  const root = t.testdir({ flatcar: { '1.0.0': {}, '1.0.1': {} }, loose: {} })
  point(join(root, 'flatcar/stable'), '1.0.0')
  symlinkSync('flatcar/stable', join(root, 'current'))
  const clock = new FakeClock()
  const folders = new RealFolders(root, clock)
  for (const path of ['/assets/flatcar/1.0.0/vmlinuz', '/assets/flatcar/stable/vmlinuz', '/assets/current/vmlinuz']) t.equal(folders.of(path), 'flatcar/1.0.0', path)
  for (const path of ['/assets/vmlinuz', '/assets/loose/vmlinuz', '/assets/']) t.equal(folders.of(path), undefined, path)
  point(join(root, 'flatcar/stable'), '1.0.1')
  clock.advance(1000)
  t.equal(folders.of('/assets/current/vmlinuz'), 'flatcar/1.0.0')
  clock.advance(1)
  t.equal(folders.of('/assets/current/vmlinuz'), 'flatcar/1.0.1')
  t.end()
})
