import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { loadConfig } from '../../src/config/load.js'
import { readPart } from '../../src/disk/open-file.js'
import { createProvisioner } from '../../src/matchbox/provisioner.js'
import { loaderFiles } from '../../src/wiring/loader-files.js'
import { mac } from '../helpers/dhcp.js'
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

t.test('whose address it is, is known before a file is made for it; a menu that was looked for is not left open', async t => {
  const root = t.testdir({ 'menu.c32': '', 'own.efi': 'own' })
  const { config } = loadConfig({ file: undefined, env: {}, set: [`tftp.root=${root}`, 'assets_path=', 'boot.resilient=true'] })
  const machine = mac('52:54:00:00:00:01')
  const asked: string[] = []
  let known = false
  const made = (mayBeBios: boolean) => loaderFiles({
    config,
    clock: new FakeClock(),
    originFor: client => `http://${client}.test`,
    provisioner: createProvisioner({ store: new MemoryStore() }),
    macOf: () => known ? machine : undefined,
    hear: async (_, client) => {
      asked.push(client)
      await new Promise(resolve => { setImmediate(resolve) })
      known = true
    },
    mayBeBios: () => mayBeBios
  })
  const read = async (files: ReturnType<typeof made>, name: string): Promise<string | undefined> => {
    const file = await files.open(name, { client: '192.0.2.7' })
    const text = file === undefined ? undefined : (await readPart(file, 0, file.size)).toString()
    await file?.close()
    return text
  }
  t.equal(await read(made(true), 'own.efi'), 'own')
  t.same(asked, [], 'for a file that is there nobody is asked')
  const bios = await read(made(true), 'pxelinux.cfg/default')
  t.same([asked, known], [['192.0.2.7'], true])
  known = false
  const other = await read(made(false), 'pxelinux.cfg/default')
  t.match(bios, /ipxe\.lkrn/)
  t.not(other, bios, 'it was known that the machine has no BIOS')
  t.match(await read(made(true), 'autoexec.ipxe'), /http:\/\/192\.0\.2\.7\.test\/boot\.ipxe/)
  const open = (): number => readdirSync('/proc/self/fd').length
  const before = open()
  for (let n = 0; n < 40; n++) await read(made(true), 'pxelinux.cfg/default')
  t.ok(open() < before + 20)
})
