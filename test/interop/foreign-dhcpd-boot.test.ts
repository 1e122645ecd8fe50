// Whole machines beside a server of another program: ISC dhcpd with the block that doctor prints gives addresses and loaders, and two blank
// machines in QEMU, SeaBIOS and OVMF, take loader, script and kernel from us by TFTP and HTTP, with DHCP off.
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { type Firmware, prepareMachine } from '../../scripts/lib/qemu.js'
import { bundledProgram } from '../helpers/built.js'
import { dhcpdBlock, dhcpdProblem, startDhcpd } from '../helpers/foreign-dhcpd.js'
import { NetworkNamespace } from '../helpers/netns.js'
import { shortFolder } from '../helpers/short-folder.js'
import { able, needs } from '../helpers/tools.js'

const loaders = fileURLToPath(new URL('../../assets/boot', import.meta.url))
const boards: ReadonlyArray<{ readonly name: string, readonly firmware: Firmware, readonly mac: string, readonly ip: string, readonly kernel: string }> = [
  // iPXE as a Linux kernel runs what its command line says: a kernel of 300 KB that tells that it was started, and how.
  { name: 'bios', firmware: 'bios-undionly', mac: '52:54:00:00:00:41', ip: '172.30.0.41', kernel: 'ipxe.lkrn' },
  { name: 'uefi', firmware: 'uefi', mac: '52:54:00:00:00:42', ip: '172.30.0.42', kernel: 'ipxe.efi' }
]

t.test('ISC dhcpd, and machines in QEMU', async t => {
  if (!able(t, dhcpdProblem())) return
  if (!needs(t, 'qemu-system-x86_64')) return
  const folder = shortFolder(t)
  for (const name of ['data/groups', 'data/profiles', 'assets', 'state/hosts.d']) mkdirSync(join(folder, name), { recursive: true })
  for (const { name, mac, kernel } of boards) {
    copyFileSync(join(loaders, kernel), join(folder, 'assets', kernel))
    writeFileSync(join(folder, `data/groups/${name}.json`), JSON.stringify({ id: name, profile: name, selector: { mac } }))
    writeFileSync(join(folder, `data/profiles/${name}.json`), JSON.stringify({ id: name, boot: { kernel: `/assets/${kernel}`, initrd: [], args: ['echo', `kernel-of-${name}-runs`] } }))
  }
  writeFileSync(join(folder, 'state/hosts.d/lab.yaml'), boards.map(({ name, mac, ip }) => `- { mac: "${mac}", ip: ${ip}, hostname: "${name}" }\n`).join(''))
  const config = join(folder, 'config.yaml')
  writeFileSync(config, `data_path: ${folder}/data
assets_path: ${folder}/assets
state_path: ${folder}/state
control_socket: ${folder}/c
advertise: 172.30.0.1
rpc: { address: "" }
`)
  const space = new NetworkNamespace()
  t.teardown(async () => { await space.close() })
  space.bridge('br0', '172.30.0.1/24')
  const appliance = space.spawn(process.execPath, bundledProgram(), 'serve', '--config', config)
  await appliance.line(/"msg":"appliance\.ready"/)
  const server = await startDhcpd(space, folder, (await dhcpdBlock(space, config)).block)

  const switchedOn = boards.map(({ name, mac, firmware }) => {
    const tap = `tap-${name}`
    space.ip('tuntap', 'add', 'dev', tap, 'mode', 'tap')
    space.ip('link', 'set', tap, 'master', 'br0', 'up')
    const { program, words, serialLog } = prepareMachine({ name, mac, firmware, tap, folder, loaderFolder: loaders, packages: '', accelerator: 'tcg' })
    // The serial port is what the test waits for.
    return space.spawn(program, ...words.map(word => word === `file,id=serial,path=${serialLog}` ? 'stdio,id=serial' : word))
  })
  const [bios, uefi] = switchedOn
  const reached = space.spawn(process.execPath, bundledProgram(), 'machines', 'wait', '--all', '--stage', 'kernel', '--timeout', '4m', '--config', config)
  const waited = await Promise.race([reached.ended, ...switchedOn.map(async ({ ended }) => await ended.then(status => `a machine ended with ${status}`))])
  if (waited !== 0) throw new Error([reached.output(), ...switchedOn.map(({ output }) => readable(output()).slice(-2000))].join('\n---\n'))
  t.match(await bios?.line(/^kernel-of-bios-runs\s*$/), 'kernel-of-bios-runs', 'the kernel was started, with its arguments')
  t.match(await bios?.line(/tftp:\/\/172\.30\.0\.1\/undionly\.kpxe/), 'ok', 'its loader came by TFTP')
  t.match(await uefi?.line(/NBP filename is/), 'snponly.efi', 'the loader that the block names for this firmware')
  for (const { mac, ip } of boards) t.match(server.output(), `DHCPACK on ${ip} to ${mac}`, 'the address is from dhcpd')
  t.notMatch(appliance.output(), /"msg":"dhcp\.(?:offer|ack|listen)/, 'we answered no DHCP')
})

// eslint-disable-next-line no-control-regex
const readable = (serial: string): string => serial.replace(/\x1b\[[0-9;?]*[A-Za-z]|[^\n\x20-\x7e]/g, '')
