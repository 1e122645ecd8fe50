// With DHCP off beside a server of another program: ISC dhcpd reads the block that doctor prints, as a person pastes it, and machines
// boot through our TFTP and HTTP.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { bundledProgram } from '../helpers/built.js'
import { mac, request } from '../helpers/dhcp.js'
import { dhcpdBlock, dhcpdProblem, startDhcpd } from '../helpers/foreign-dhcpd.js'
import { NetworkNamespace } from '../helpers/netns.js'
import { PipeClient } from '../helpers/pipe-client.js'
import { shortFolder } from '../helpers/short-folder.js'
import { able } from '../helpers/tools.js'
import { typescript } from '../helpers/typescript.js'
import { broadcastFlag } from '../../src/dhcp/constants.js'
import type { Options } from '../../src/dhcp/options.js'

const bootMachine = fileURLToPath(new URL('../helpers/boot-machine.ts', import.meta.url))
const [machine, other, special] = ['52:54:00:00:00:41', '52:54:00:00:00:42', '52:54:00:00:00:43']

t.test('ISC dhcpd with the block that doctor prints', async t => {
  if (!able(t, dhcpdProblem())) return
  const folder = t.testdir({
    data: {
      groups: {
        'node.json': JSON.stringify({ id: 'node', profile: 'node', selector: { mac: machine } }),
        'special.json': JSON.stringify({ id: 'special', profile: 'node', selector: { mac: special }, metadata: { ip: '172.30.0.43', boot_file: 'special.efi' } })
      },
      profiles: { 'node.json': JSON.stringify({ id: 'node', boot: { kernel: '/assets/vmlinuz', initrd: [], args: [] }, ignition_id: 'node.ign' }) },
      ignition: { 'node.ign': '{"ignition":{"version":"3.3.0"}}' }
    },
    tftp: { 'snponly.efi': 'a loader' }
  })
  mkdirSync(join(folder, 'state/hosts.d'), { recursive: true })
  writeFileSync(join(folder, 'state/hosts.d/lab.yaml'), `- { mac: "${machine}", ip: 172.30.0.41, hostname: "node-1" }\n`)
  const config = join(folder, 'config.yaml')
  writeFileSync(config, `data_path: ${folder}/data
assets_path: ""
state_path: ${folder}/state
control_socket: ${shortFolder(t)}/c
advertise: 172.30.0.1
rpc: { address: "" }
tftp: { root: ${folder}/tftp }
boot: { overrides: [{ mac: "52:54:01", arch: uefi_x64, file: odd.efi, script_url: "http://172.30.0.1:8080/boot.ipxe?odd=1" }] }
`)
  const space = new NetworkNamespace()
  t.teardown(async () => { await space.close() })
  space.bridge('br0', '172.30.0.1/24')
  const appliance = space.spawn(process.execPath, bundledProgram(), 'serve', '--config', config)
  await appliance.line(/"msg":"appliance\.ready"/)

  const { block, output } = await dhcpdBlock(space, config)
  t.match(block, /host node-1 \{/, output)
  // With what stood there before: the subnet's own boot file is for others.
  await startDhcpd(space, folder, block, 'next-server 172.30.0.99; filename "theirs.0";')

  const wire = await PipeClient.start(space.client('br0', other))
  const asked = async (options: Options, from = machine) => {
    const { file, siaddr, yiaddr, options: answered } = await wire.ask(request({ dhcpMessageType: 'DISCOVER', ...options }, { mac: mac(from), flags: broadcastFlag }))
    return { file: answered.bootfileName ?? file, siaddr, yiaddr, vendorClass: answered.vendorClassIdentifier }
  }
  const uefi: Options = { vendorClassIdentifier: 'PXEClient:Arch:00007:UNDI:003016', clientSystemArchitecture: [7] }
  t.match(await asked({ vendorClassIdentifier: 'PXEClient:Arch:00000:UNDI:002001', clientSystemArchitecture: [0] }), { file: 'undionly.kpxe', siaddr: 0xac1e0001, yiaddr: 0xac1e0029 })
  t.match(await asked({ vendorClassIdentifier: 'PXEClient:Arch:00011:UNDI:003000', clientSystemArchitecture: [11] }), { file: 'snponly-arm64.efi' })
  t.match(await asked({ vendorClassIdentifier: 'HTTPClient:Arch:00016:UNDI:003001', clientSystemArchitecture: [16], parameterRequestList: [60, 67] }),
    { file: 'http://172.30.0.1:8080/boot/snponly.efi', vendorClass: 'HTTPClient' })
  t.match(await asked({ ...uefi, userClass: Buffer.from('iPXE') }), { file: 'http://172.30.0.1:8080/boot.ipxe' }, 'iPXE, which would load itself again')
  t.match(await asked(uefi, special), { file: 'special.efi', yiaddr: 0xac1e002b }, "a group's own loader")
  t.match(await asked({ vendorClassIdentifier: 'HTTPClient:Arch:00016:UNDI:003001', clientSystemArchitecture: [16], parameterRequestList: [60, 67] }, special),
    { file: 'http://172.30.0.1:8080/boot/special.efi', vendorClass: 'HTTPClient' }, 'by HTTP too')
  t.match(await asked(uefi, other), { file: 'theirs.0', siaddr: 0xac1e0063 }, 'nothing changes for other machines')

  const client = space.client('br0', machine)
  const booted = client.spawn(process.execPath, typescript, bootMachine, 'eth0', machine, 'broadcast')
  t.equal(await booted.ended, 0, booted.output())
  t.match(JSON.parse(booted.output().split('\n').find(line => line.startsWith('{')) ?? '{}'), {
    type: 'ACK', address: '172.30.0.41', file: 'snponly.efi', loader: 'a loader'.length, script: /^200 #!ipxe\nkernel \/assets\/vmlinuz/, ignition: '200 {"ignition":{"version":"3.3.0"}}'
  })
})
