import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { loadConfig } from '../../src/config/load.js'
import { readPart } from '../../src/disk/open-file.js'
import { createProvisioner } from '../../src/matchbox/provisioner.js'
import { loaderFiles } from '../../src/wiring/loader-files.js'
import { FakeClock } from '../helpers/fake-clock.js'
import { MemoryStore } from '../helpers/memory-store.js'

t.test('your own file goes before the one that is made', async t => {
  const root = t.testdir({ 'autoexec.ipxe': '#!ipxe\nshell\n' })
  const { config } = loadConfig({ file: undefined, env: {}, set: [`tftp.root=${root}`] })
  const files = loaderFiles({ config, clock: new FakeClock(), originFor: () => 'http://192.0.2.1:8080', provisioner: createProvisioner({ store: new MemoryStore() }), macOf: () => undefined })
  const read = async (name: string): Promise<string | undefined> => {
    const file = await files.open(name, { client: '192.0.2.7' })
    if (file === undefined) return undefined
    const text = (await readPart(file, 0, file.size)).toString()
    await file.close()
    return text
  }
  t.equal(await read('autoexec.ipxe'), '#!ipxe\nshell\n')
  t.equal(await read('efi/autoexec.ipxe'), '#!ipxe\ndhcp && chain http://192.0.2.1:8080/boot.ipxe\n')
  t.match(await read('pxelinux.cfg/default'), '  KERNEL ipxe.lkrn\n')
  t.equal(await read('pxelinux.cfg/01-52-54-00-00-00-01'), undefined)

  mkdirSync(join(root, 'pxelinux.cfg'))
  writeFileSync(join(root, 'pxelinux.cfg/01-52-54-00-00-00-01'), 'DEFAULT mine\n')
  t.equal(await read('pxelinux.cfg/01-52-54-00-00-00-01'), 'DEFAULT mine\n')
  t.match(await read('pxelinux.cfg/default'), 'ipxe.lkrn')
  writeFileSync(join(root, 'menu.c32'), '')
  t.match(await read('pxelinux.cfg/default'), '\nUI menu.c32\n')
  symlinkSync('/etc/hostname', join(root, 'grub.cfg'))
  await t.rejects(read('grub.cfg'), /which is in none of the folders/, 'a stray link is refused, not passed over')
})

t.test('images under the names that scripts have for them, for loaders that know no HTTP', async t => {
  const folder = t.testdir({ root: {}, assets: { flatcar: { vmlinuz: 'kernel', '.partial': { vmlinuz: 'unverified' } } } })
  const { config } = loadConfig({ file: undefined, env: {}, set: [`tftp.root=${folder}/root`, `assets_path=${folder}/assets`] })
  const files = loaderFiles({ config, clock: new FakeClock(), originFor: () => 'http://192.0.2.1:8080', provisioner: createProvisioner({ store: new MemoryStore() }), macOf: () => undefined })
  const size = async (name: string): Promise<number | undefined> => {
    const file = await files.open(name, { client: '192.0.2.7' })
    await file?.close()
    return file?.size
  }
  t.equal(await size('assets/flatcar/vmlinuz'), 6)
  t.equal(await size('flatcar/vmlinuz'), undefined)
  t.equal(await size('assets/flatcar/.partial/vmlinuz'), undefined, 'what is not verified is not there')
})
