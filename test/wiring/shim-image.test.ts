import { mkdirSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { systemClock } from '../../src/base/clock.js'
import { loadConfig } from '../../src/config/load.js'
import { Readers } from '../../src/disk/disk-file.js'
import { FileCache } from '../../src/disk/file-cache.js'
import { fatImage } from '../../src/disk/fat-image.js'
import { readPart } from '../../src/disk/open-file.js'
import { type FileSource, storedFiles } from '../../src/tftp/file-source.js'
import { imagesForHttp, shimImages } from '../../src/wiring/shim-image.js'

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

t.test('only for a shim whose GRUB has no HTTP', async t => {
  const root = t.testdir({ 'shimx64.efi': 'MZ', 'grubx64.efi': 'MZ tftp', 'grubaa64.efi': 'MZ GET %s HTTP/1.1', own: { 'shimx64.efi': 'MZ', 'grubx64.efi': 'MZ' }, none: { 'shimx64.efi': 'MZ' } })
  const names = async (...set: string[]): Promise<unknown> => Object.fromEntries(await imagesForHttp(config(...set), filesIn(root)))
  t.same(await names(), { 'shimx64.efi': 'shimx64.img' })
  t.same(await names('boot.uefi_x64=own/shimx64.efi', 'boot.overrides=[{ mac: "00:0c:29", file: none/shimx64.efi }, { arch: 16, file: "https://a/boot/shimx64.efi" }]'),
    { 'shimx64.efi': 'shimx64.img', 'own/shimx64.efi': 'own/shimx64.img' })
  t.same(await names('tftp.address='), {}, 'without TFTP nothing would come after it')
  mkdirSync(join(root, 'dir/grubx64.efi'), { recursive: true })
  t.same(await names('boot.uefi_x64=dir/shimx64.efi'), { 'shimx64.efi': 'shimx64.img' })
})

t.test('of two processors and their networks a few images are kept, not one a stranger', async t => {
  const { source } = images(t, { 'shimx64.efi': 'MZ', 'grubx64.efi': 'MZ' })
  const size = fatImage(new Map()).length
  const all = await Promise.all(Array.from({ length: 20 }, async (_, i) => await read(source, 'shimx64.img', `${i % 2 === 0 ? '10' : '192'}.0.2.${i}`)))
  for (const image of all) t.ok(image !== undefined && image.length >= size)
})
