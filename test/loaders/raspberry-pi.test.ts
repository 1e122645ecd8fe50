// What Raspberry Pis ask for, in their order, over TFTP and HTTP: every board gets its way to the profile's kernel from one shared folder.
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t, { type Test } from 'tap'
import { systemClock } from '../../src/base/clock.js'
import { loadConfig } from '../../src/config/load.js'
import { createProvisioner } from '../../src/matchbox/provisioner.js'
import { isLoaderPath } from '../../src/http/loader-routes.js'
import { kernelUdp } from '../../src/net/udp.js'
import { startTftpServer } from '../../src/tftp/tftp-server.js'
import { loaderFiles } from '../../src/wiring/loader-files.js'
import { mac } from '../helpers/dhcp.js'
import { FakeClock } from '../helpers/fake-clock.js'
import { quiet } from '../helpers/grpc-appliance.js'
import { makeGroup, makeProfile, MemoryStore } from '../helpers/memory-store.js'
import { readFile } from '../helpers/tftp-client.js'

const board = mac('dc:a6:32:00:00:01')
const kernel = Buffer.alloc(100_000, 'kernel')
const store = new MemoryStore({
  groups: [
    makeGroup({ id: 'pi', profile: 'pi', selector: { mac: board } }),
    makeGroup({ id: 'by-serial', profile: 'pi', selector: { serial: '0badcafe' } }),
    makeGroup({ id: 'installed', profile: 'pi', selector: { serial: 'd15c0001' }, metadata: { boot_from_disk: 'exit' } })
  ],
  profiles: [makeProfile({
    id: 'pi',
    boot: {
      kernel: '/assets/flatcar/arm64/vmlinuz',
      initrd: ['--name main /assets/flatcar/arm64/initrd.gz', 'http://10.0.0.2:8080/assets/second'],
      // eslint-disable-next-line no-template-curly-in-string -- iPXE's own settings
      args: ['initrd=main', 'console=ttyAMA0', 'ignition.config.url=http://${next-server}:8080/ignition?mac=${mac:hexhyp}']
    }
  })]
})

async function serve (t: Test): Promise<{ get: (name: string) => Promise<Buffer | undefined> }> {
  const folder = t.testdir()
  const put = (name: string, content: string | Buffer): void => {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), content)
  }
  for (const name of ['bootcode.bin', 'start.elf', 'fixup.dat', 'start4.elf', 'fixup4.dat', 'bcm2711-rpi-4-b.dtb', 'bcm2712-rpi-5-b.dtb', 'overlays/overlay_map.dtb']) put(`tftp/rpi/${name}`, name)
  put('tftp/net_install/boot.img', 'image')
  put('tftp/feedbeef/config.txt', 'mine')
  put('assets/flatcar/arm64/vmlinuz', kernel)
  put('assets/flatcar/arm64/initrd.gz', 'first')
  put('assets/second', 'second')
  const { config } = loadConfig({ file: undefined, defaultFile: '/nowhere', env: {}, set: [`tftp.root=${folder}/tftp`, `assets_path=${folder}/assets`] })
  const files = loaderFiles({ config, clock: new FakeClock(), originFor: () => 'http://10.0.0.2:8080', provisioner: createProvisioner({ store }), macOf: address => address === '127.0.0.1' ? board : undefined })
  const server = await startTftpServer({ address: '127.0.0.1', port: 0, singlePort: false, maxBlockSize: 1468, maxWindowSize: 32 }, { network: kernelUdp, files, clock: systemClock, log: quiet, onEvent: () => {} })
  t.teardown(() => server.close(0))
  const address = { address: '127.0.0.1', port: server.addresses[0]!.port }
  return {
    get: async file => await readFile(kernelUdp, { server: address, address: '127.0.0.1', file, options: [['tsize', '0'], ['blksize', '1024']], clock: systemClock })
      .then(({ content }) => content, () => undefined)
  }
}

/** What a board asks for, in its order, and whether it has to be there. */
const sequences = {
  'Pi 3': ['bootcode.bin!', 'bootsig.bin', 'a1b2c3d4/start.elf!', 'a1b2c3d4/autoboot.txt', 'a1b2c3d4/config.txt!', 'a1b2c3d4/recovery.elf', 'a1b2c3d4/fixup.dat!', 'a1b2c3d4/dt-blob.bin', 'a1b2c3d4/bootcfg.txt', 'a1b2c3d4/cmdline.txt!', 'a1b2c3d4/vmlinuz!', 'a1b2c3d4/initrd!', 'a1b2c3d4/initrd1!'],
  'Pi 4': ['a1b2c3d4/pieeprom.sig', 'a1b2c3d4/autoboot.txt', 'a1b2c3d4/config.txt!', 'a1b2c3d4/recover4.elf', 'a1b2c3d4/start4.elf!', 'a1b2c3d4/fixup4.dat!', 'a1b2c3d4/dt-blob.bin', 'a1b2c3d4/bootcfg.txt', 'a1b2c3d4/bcm2711-rpi-4-b.dtb!', 'a1b2c3d4/overlays/overlay_map.dtb!', 'a1b2c3d4/cmdline.txt!', 'a1b2c3d4/vmlinuz!', 'a1b2c3d4/initrd!', 'a1b2c3d4/initrd1!', 'a1b2c3d4/armstub8-gic.bin'],
  'Pi 5': ['a1b2c3d4/pieeprom.sig', 'a1b2c3d4/config.txt!', 'a1b2c3d4/bcm2712-rpi-5-b.dtb!', 'a1b2c3d4/cmdline.txt!', 'a1b2c3d4/vmlinuz!', 'a1b2c3d4/initrd!']
} as const

t.test('each board, from its first file to its kernel', async t => {
  const { get } = await serve(t)
  for (const [name, files] of Object.entries(sequences)) {
    for (const file of files) {
      const wanted = file.endsWith('!')
      const path = file.replace('!', '')
      t.equal(await get(path) !== undefined, wanted, `${name}: ${path}`)
    }
  }
  t.equal((await get('bootcode.bin'))?.toString(), 'bootcode.bin', 'the ROM of a Pi 3 knows no folder')
  t.equal((await get('a1b2c3d4/config.txt'))?.toString(), '[all]\narm_64bit=1\nenable_uart=1\nkernel=vmlinuz\ninitramfs initrd,initrd1 followkernel\n')
  t.equal((await get('a1b2c3d4/cmdline.txt'))?.toString(), 'console=ttyAMA0 ignition.config.url=http://10.0.0.2:8080/ignition?mac=dc-a6-32-00-00-01\n')
  t.ok((await get('a1b2c3d4/vmlinuz'))?.equals(kernel))
  t.equal((await get('a1b2c3d4/initrd1'))?.toString(), 'second')
  t.equal((await get('feedbeef/config.txt'))?.toString(), 'mine', 'the owner\'s own folder goes first')
  t.equal(await get('a1b2c3d4/../x'), undefined)
  t.ok(await get('dc-a6-32-00-00-01/cmdline.txt'), 'TFTP_PREFIX=2')
  t.equal(await get('dc-a6-32-00-00-02/cmdline.txt'), undefined, 'another board')
})

t.test('a group by serial number, and one that starts from its disk', async t => {
  const files = loaderFiles({
    config: loadConfig({ file: undefined, defaultFile: '/nowhere', env: {}, set: [`tftp.root=${t.testdir()}`, 'assets_path=""'] }).config,
    clock: new FakeClock(),
    originFor: () => 'http://10.0.0.2:8080',
    provisioner: createProvisioner({ store }),
    macOf: () => undefined
  })
  const isThere = async (name: string): Promise<boolean> => {
    const file = await files.open(name, { client: '10.0.0.9' })
    await file?.close()
    return file !== undefined
  }
  t.equal(await isThere('0badcafe/config.txt'), true)
  t.equal(await isThere('d15c0001/config.txt'), false)
  t.equal(await isThere('00000000/config.txt'), false, 'no group')
})

t.test('of several provisioners: files are made for whom another one gave the address', async t => {
  const known: string[] = []
  const files = loaderFiles({
    config: loadConfig({ file: undefined, defaultFile: '/nowhere', env: {}, set: [`tftp.root=${t.testdir()}`, 'assets_path=""'] }).config,
    clock: new FakeClock(),
    originFor: () => 'http://10.0.0.2:8080',
    provisioner: createProvisioner({ store }),
    macOf: address => known.includes(address) ? board : undefined,
    hear: async (_, address) => { known.push(address) }
  })
  const file = await files.open('ffff0000/cmdline.txt', { client: '10.0.0.9' })
  t.not(file, undefined)
  await file?.close()
  t.same([...new Set(known)], ['10.0.0.9'])
})

t.test('by HTTP: boot.img and its signature, and nothing else of that folder', async t => {
  for (const [path, is] of [['/net_install/boot.img', true], ['/net_install/boot.sig', true], ['/net_install/other', false], ['/net_install/', false], ['/boot/x', true]] as const) t.equal(isLoaderPath(path), is, path)
})
