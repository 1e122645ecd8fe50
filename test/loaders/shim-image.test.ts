import { mkdirSync, renameSync, rmSync, truncateSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pino } from 'pino'
import t, { type Test } from 'tap'
import { systemClock } from '../../src/base/clock.js'
import { isBootFileName, loadConfig } from '../../src/config/load.js'
import { Readers } from '../../src/disk/disk-file.js'
import { FileCache } from '../../src/disk/file-cache.js'
import { fatImage } from '../../src/disk/fat-image.js'
import { readPart } from '../../src/disk/open-file.js'
import { writeDhcpd } from '../../src/inventory/formats/dhcpd-block.js'
import type { Group } from '../../src/matchbox/group.js'
import { GroupMachines } from '../../src/matchbox/group-machines-index.js'
import { type FileSource, storedFiles } from '../../src/tftp/file-source.js'
import { configuredLoaders, currentBoot, openHttpNames } from '../../src/wiring/boot.js'
import { exportContext } from '../../src/wiring/export-context.js'
import { HttpNames, shimImages } from '../../src/loaders/shim-image.js'

const clock = systemClock

const filesIn = (root: string): FileSource => storedFiles({ roots: [root], cache: new FileCache({ memory: 2 ** 20, clock }), readers: new Readers(), clock })
const config = (...set: string[]) => loadConfig({ file: undefined, env: {}, set }).config

async function read (source: FileSource, name: string, client = '192.0.2.7'): Promise<Buffer | undefined> {
  const file = await source.open(name, { client })
  const content = file === undefined ? undefined : await readPart(file, 0, file.size)
  await file?.close()
  return content
}

const images = (t: Test, folder: Parameters<Test['testdir']>[0]): { readonly root: string, readonly source: FileSource } => {
  const root = t.testdir(folder)
  return { root, source: shimImages({ files: filesIn(root), originFor: client => client.startsWith('10.') ? 'http://10.0.0.2:8080' : 'http://192.0.2.1' }) }
}

t.test('shim and GRUB as they are, and the configuration wherever a GRUB looks for it', async t => {
  const { root, source } = images(t, { 'shimx64.efi': 'MZ shim', 'grubx64.efi': 'MZ grub', 'mmx64.efi': 'MZ keys', arm: { 'shimaa64.efi': 'MZ a', 'grubaa64.efi': 'MZ b' }, lone: { 'shimx64.efi': 'MZ' } })
  const holds = (image: Buffer | undefined, text: string): boolean | undefined => image?.includes(text)
  const image = await read(source, 'shimx64.img')
  for (const part of ['MZ shim', 'MZ grub', 'MZ keys', 'BOOTX64 EFI', 'GRUBX64 EFI', 'MMX64   EFI', 'net_bootp\nset net_default_server=192.0.2.1\nconfigfile (tftp)/grub.cfg\n']) t.equal(holds(image, part), true, part)
  t.ok(holds(await read(source, 'arm/shimaa64.img'), 'BOOTAA64EFI'))
  t.ok(holds(await read(source, 'shimx64.img', '10.0.0.7'), 'set net_default_server=10.0.0.2\n'), 'by the network that asks')
  for (const name of ['shimx64.efi', 'shimaa64.img', 'lone/shimx64.img', 'shimx86.img', 'xshimx64.img']) t.equal(await source.open(name, { client: '192.0.2.7' }), undefined, name)

  // Made once: the same bytes, until a part is another.
  const parts = async (): Promise<Buffer | undefined> => {
    const file = await source.open('shimx64.img', { client: '192.0.2.7' })
    const piece = await file?.piece(0, 512)
    return piece?.bytes
  }
  t.equal((await parts())?.buffer, (await parts())?.buffer)
  writeFileSync(join(root, 'grubx64.efi'), 'MZ renewed')
  utimesSync(join(root, 'grubx64.efi'), 2e9, 2e9)
  const renewed = async (): Promise<boolean> => holds(await read(source, 'shimx64.img'), 'MZ renewed') === true
  for (let turns = 0; !await renewed() && turns < 10_000; turns++) await new Promise(resolve => setImmediate(resolve))
  t.equal(await renewed(), true)
})

t.test('a part that is kept in memory, and replaced by one of its size', async t => {
  const root = t.testdir({ 'shimx64.efi': 'MZ shim', 'grubx64.efi': 'MZ old' })
  /** A minute ahead, so that what was written just now has settled. */
  const settled = { ...clock, now: () => Date.now() + 60_000 }
  const files = storedFiles({ roots: [root], cache: new FileCache({ memory: 2 ** 20, clock: settled }), readers: new Readers(), clock: settled })
  const source = shimImages({ files, originFor: () => 'http://192.0.2.1' })
  const holds = async (text: string): Promise<boolean> => (await read(source, 'shimx64.img'))?.includes(text) === true
  for (let n = 0; n < 2; n++) t.equal(await holds('MZ old'), true)
  writeFileSync(join(root, 'new'), 'MZ new')
  renameSync(join(root, 'new'), join(root, 'grubx64.efi'))
  for (let turns = 0; !await holds('MZ new') && turns < 10_000; turns++) await new Promise(resolve => setImmediate(resolve))
  t.equal(await holds('MZ new'), true)
})

t.test('only for a shim whose GRUB has no HTTP', async t => {
  const root = t.testdir({ 'shimx64.efi': 'MZ', 'grubx64.efi': 'MZ tftp', 'grubaa64.efi': 'MZ GET %s HTTP/1.1', own: { 'shimx64.efi': 'MZ', 'grubx64.efi': 'MZ' }, none: { 'shimx64.efi': 'MZ' } })
  const names = async (...set: string[]): Promise<unknown> => {
    const loaded = config(...set)
    const found = new HttpNames(filesIn(root), loaded.tftp.address !== null)
    await found.look(configuredLoaders(loaded))
    return Object.fromEntries(found.names)
  }
  t.same(await names(), { 'shimx64.efi': 'shimx64.img' })
  t.same(await names('boot.uefi_x64=own/shimx64.efi', 'boot.overrides=[{ mac: "00:0c:29", file: none/shimx64.efi }, { arch: 16, file: "https://a/boot/shimx64.efi" }]'),
    { 'shimx64.efi': 'shimx64.img', 'own/shimx64.efi': 'own/shimx64.img' })
  t.same(await names('tftp.address='), {}, 'without TFTP nothing would come after it')
  mkdirSync(join(root, 'dir/grubx64.efi'), { recursive: true })
  t.same(await names('boot.uefi_x64=dir/shimx64.efi'), { 'shimx64.efi': 'shimx64.img' })
})

t.test('a GRUB that comes, is replaced or goes is looked at again', async t => {
  const root = t.testdir({ 'shimx64.efi': 'MZ' })
  const loaded = config()
  const settled = { ...clock, now: () => Date.now() + 60_000 }
  const kept = storedFiles({ roots: [root], cache: new FileCache({ memory: 2 ** 20, clock: settled }), readers: new Readers(), clock: settled })
  const found = new HttpNames(kept, loaded.tftp.address !== null)
  const grub = join(root, 'grubx64.efi')
  const becomes = async (content: string | undefined, taken: boolean): Promise<void> => {
    if (content === undefined) rmSync(grub)
    else {
      writeFileSync(`${grub}.new`, content)
      renameSync(`${grub}.new`, grub)
    }
    const isTaken = async (): Promise<boolean> => {
      await Promise.all([found.look(configuredLoaders(loaded)), found.look(configuredLoaders(loaded))])
      return found.names.has('shimx64.efi')
    }
    for (let turns = 0; await isTaken() !== taken && turns < 10_000; turns++) await new Promise(resolve => setImmediate(resolve))
    t.equal(await isTaken(), taken, content ?? 'gone')
  }
  await found.look(configuredLoaders(loaded))
  t.notOk(found.names.has('shimx64.efi'))
  await becomes('MZ tftp', true)
  await becomes('MZ HTTP/1.1', false)
  await becomes('MZ none', true)
  await becomes(undefined, false)
})

t.test("a group's own loader, also of a group that comes later, and in what other DHCP servers are told", async t => {
  const root = t.testdir({ 'shimx64.efi': 'MZ', 'grubx64.efi': 'MZ', debian: { 'shimx64.efi': 'MZ', 'grubx64.efi': 'MZ tftp' }, late: { 'shimaa64.efi': 'MZ', 'grubaa64.efi': 'MZ tftp' } })
  const group = (id: string, mac: string, file: string): Group => ({ id, name: '', profile: 'p', selector: new Map([['mac', mac]]), metadata: new Map([['boot_file', file]]) })
  const groups = new Map([['a', group('a', '52:54:00:00:00:0a', 'debian/shimx64.efi')]])
  const loaded = loadConfig({ file: undefined, env: {}, set: [`tftp.root=${root}`, 'boot.uefi_x64=shimx64.efi', 'boot.overrides=[{ arch: 16, mac: "00:0c:29", file: "https://10.0.0.2:8443/boot/snponly.efi" }, { arch: uefi_arm64, file: late/shimaa64.efi }]'] })
  const httpNames = await openHttpNames(loaded.config, clock, groups.values())
  t.equal(httpNames.names.get('debian/shimx64.efi'), 'debian/shimx64.img')
  const current = () => currentBoot({ config: loaded.config, groupMachines: new GroupMachines(() => groups, isBootFileName), log: pino({ enabled: false }), httpNames }, { origin: 'http://10.0.0.2:8080' })
  const boot = current()
  groups.set('b', group('b', '52:54:00:00:00:0b', 'none/shimx64.efi'))
  groups.set('c', group('c', '52:54:00:00:00:0c', 'debian/shimx64.efi'))
  current()
  mkdirSync(join(root, 'later'))
  for (const name of ['shimx64.efi', 'grubx64.efi']) writeFileSync(join(root, 'later', name), 'MZ')
  groups.set('d', group('d', '52:54:00:00:00:0d', 'later/shimx64.efi'))
  current()
  await httpNames.look(['later/shimx64.efi'])
  t.equal(boot.httpNames?.get('later/shimx64.efi'), 'later/shimx64.img', 'in what servers were told before')
  t.notOk(boot.httpNames?.has('none/shimx64.efi'))

  const export_ = (set: string[] = []) => exportContext(loadConfig({ file: undefined, env: {}, set: [...set, 'boot.uefi_x64=shimx64.efi', 'boot.overrides=[{ arch: 16, mac: "00:0c:29", file: "https://10.0.0.2:8443/boot/snponly.efi" }, { arch: uefi_arm64, file: late/shimaa64.efi }]'] }),
    { cluster: 'lab', groups: groups.values(), httpNames: httpNames.names }, { host: '10.0.0.2', origin: 'http://10.0.0.2:8080' })
  const branch = (text: string): string => /HTTPClient" \{\n([\s\S]*?)\n(?=\} else)/.exec(text)?.[1]?.replace(/^ {2}/gm, '') ?? ''
  const text = writeDhcpd([], export_())
  t.equal(branch(text), `option vendor-class-identifier "HTTPClient";
if substring (hardware, 1, 6) = 52:54:00:00:00:0a {
  filename "http://10.0.0.2:8080/boot/debian/shimx64.img";
} elsif substring (hardware, 1, 6) = 52:54:00:00:00:0b {
  filename "http://10.0.0.2:8080/boot/none/shimx64.efi";
} elsif substring (hardware, 1, 6) = 52:54:00:00:00:0c {
  filename "http://10.0.0.2:8080/boot/debian/shimx64.img";
} elsif substring (hardware, 1, 6) = 52:54:00:00:00:0d {
  filename "http://10.0.0.2:8080/boot/later/shimx64.img";
} elsif substring (hardware, 1, 3) = 00:0c:29 and option core-provisioner-architecture = 00:10 {
  filename "https://10.0.0.2:8443/boot/snponly.efi";
} elsif option core-provisioner-architecture = 00:13 {
  filename "http://10.0.0.2:8080/boot/late/shimaa64.img";
} elsif option core-provisioner-architecture = 00:13 {
  filename "http://10.0.0.2:8080/boot/snponly-arm64.efi";
} else {
  filename "http://10.0.0.2:8080/boot/shimx64.img";
}`)
  t.notMatch(text.replace(branch(text).replace(/^/gm, '  '), ''), /https:|\.img/, 'nothing of it by PXE')
  t.notMatch(writeDhcpd([], export_(['boot.http_boot=false'])), /HTTPClient/, 'no HTTP Boot, no branch for it')
})

t.test('of two processors and their networks a few images are kept, not one a stranger', async t => {
  const { source } = images(t, { 'shimx64.efi': 'MZ', 'grubx64.efi': 'MZ' })
  const size = fatImage(new Map()).length
  const all = await Promise.all(Array.from({ length: 20 }, async (_, i) => await read(source, 'shimx64.img', `${i % 2 === 0 ? '10' : '192'}.0.2.${i}`)))
  for (const image of all) t.ok(image !== undefined && image.length >= size)
})

t.test('what is larger than any loader is no part of an image', async t => {
  const { root, source } = images(t, { 'shimx64.efi': 'MZ shim', 'grubx64.efi': 'MZ grub' })
  const open = async (): Promise<boolean> => {
    const file = await source.open('shimx64.img', { client: '192.0.2.7' })
    await file?.close()
    return file !== undefined
  }
  truncateSync(join(root, 'grubx64.efi'), 16 * 2 ** 20)
  t.equal(await open(), true)
  const other = images(t, { 'shimx64.efi': 'MZ shim', 'grubx64.efi': 'MZ grub' })
  truncateSync(join(other.root, 'grubx64.efi'), 16 * 2 ** 20 + 1)
  t.equal(await other.source.open('shimx64.img', { client: '192.0.2.7' }), undefined)
})
