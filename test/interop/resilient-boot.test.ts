// Resilient scripts on a real iPXE (SeaBIOS in QEMU): one machine whose server is away, then answers 503, then breaks off the
// kernel and the initial file system, and that boots all the same without being switched off; one that never gets its script
// and starts from its disk at last. The second takes twelve attempts, a minute and a quarter; the first happens meanwhile.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import type { FlakyOptions } from '../helpers/flaky-http.js'
import { NetworkNamespace } from '../helpers/netns.js'
import { canStartMachines, diskStarted, startMachine } from '../helpers/rom-machine.js'
import { tinyKernel } from '../helpers/serial-program.js'
import { bundledProgram } from '../helpers/built.js'
import { typescript } from '../helpers/typescript.js'

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url))
const machines = {
  boots: { mac: '52:54:00:00:02:01', ip: '172.30.0.41' },
  never: { mac: '52:54:00:00:02:02', ip: '172.30.0.42' }
} as const
const patience = 400_000
t.setTimeout(2 * patience)

t.test('iPXE', async t => {
  if (!canStartMachines(t)) return
  const folder = t.testdir({
    data: {
      groups: { 'all.json': '{"id":"all","profile":"node"}' },
      profiles: { 'node.json': '{"id":"node","boot":{"kernel":"/assets/vmlinuz","initrd":["/assets/initrd.img"],"args":["quiet"]}}' }
    },
    assets: { vmlinuz: tinyKernel('KERNEL STARTED'), 'initrd.img': Buffer.alloc(100_000, 'x') }
  })
  const config = join(folder, 'config.yaml')
  mkdirSync(join(folder, 'state'))
  writeFileSync(config, JSON.stringify({
    data_path: join(folder, 'data'),
    assets_path: join(folder, 'assets'),
    state_path: join(folder, 'state'),
    control_socket: join(folder, 's'),
    http: { address: '127.0.0.1:8081' },
    rpc: { address: '' },
    tftp: { address: '' },
    dhcp: { mode: 'server', interface: 'br0', subnets: [{ subnet: '172.30.0.0/24' }], reservations: Object.values(machines) },
    boot: { script_url: 'http://172.30.0.1:8080/boot.ipxe', resilient: true }
  }))
  const space = new NetworkNamespace()
  t.teardown(async () => { await space.close() })
  space.bridge('br0', '172.30.0.1/24')
  const server = space.spawn(process.execPath, bundledProgram(), 'serve', '--config', config)
  await server.line(/appliance\.ready/, patience)
  const options: FlakyOptions = {
    listen: { host: '172.30.0.1', port: 8080 },
    upstream: { host: '127.0.0.1', port: 8081 },
    bridge: 'br0',
    faults: [
      { from: machines.boots.ip, path: '/boot.ipxe', faults: ['away'] },
      { from: machines.boots.ip, path: '/ipxe?', faults: ['503'] },
      { from: machines.boots.ip, path: '/assets/vmlinuz', faults: ['cut'] },
      { from: machines.boots.ip, path: '/assets/initrd.img', faults: ['cut'] }
    ],
    never: { from: machines.never.ip, path: '/ipxe?' }
  }
  const flaky = space.spawn(process.execPath, typescript, here('../helpers/flaky-http.ts'), JSON.stringify(options))
  await flaky.line(/^listening$/, patience)

  const never = startMachine(space, 'br0', { firmware: 'bios', mac: machines.never.mac, folder })
  // Without the first script there would be nothing that retries.
  await flaky.line(/^172\.30\.0\.42 \/boot\.ipxe well$/, patience)
  const boots = startMachine(space, 'br0', { firmware: 'bios', mac: machines.boots.mac, folder })
  await flaky.line(/^172\.30\.0\.41 \/boot\.ipxe away$/, patience)
  await boots.line(/script failed, next try in 6 seconds/, patience)
  flaky.child.stdin!.write('back\n')
  await boots.line(/KERNEL STARTED/, patience)
  t.same(flaky.output().match(/^172\.30\.0\.41 .*$/gm), [
    '172.30.0.41 /boot.ipxe away', '172.30.0.41 /ipxe 503', '172.30.0.41 /ipxe well', '172.30.0.41 /assets/vmlinuz cut',
    '172.30.0.41 /assets/vmlinuz well', '172.30.0.41 /assets/initrd.img cut', '172.30.0.41 /assets/initrd.img well'
  ], 'each step again where it failed, nothing from the beginning')
  t.same(boots.output().match(/\w+ failed(?=, next try)/g), ['script failed', 'script failed', 'kernel failed', 'initrd_0 failed'])

  await never.line(/Giving up: the local disk comes next/, patience)
  await never.line(new RegExp(diskStarted), patience)
  t.equal(never.output().match(/script failed, next try/g)?.length, 11, 'twelve attempts')
})
