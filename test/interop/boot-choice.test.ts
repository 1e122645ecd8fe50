// Who is given which boot file by the whole program, over a real network: overrides of the configuration and of groups, the loop
// breaker and what it remembers, the loader's own user class, in server and in proxy mode.
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { Options } from '../../src/dhcp/options.js'
import type { DhcpPacket } from '../../src/dhcp/packet.js'
import { mac, request } from '../helpers/dhcp.js'
import { namespaceProblem, NetworkNamespace, type Running } from '../helpers/netns.js'
import { PipeClient } from '../helpers/pipe-client.js'
import { Program } from '../helpers/program.js'
import { shortFolder } from '../helpers/short-folder.js'
import { able } from '../helpers/tools.js'
import { bundledProgram } from '../helpers/built.js'

interface Site {
  readonly folder: string
  readonly config: string
  readonly client: NetworkNamespace
  readonly wire: PipeClient
  readonly start: () => Promise<Running>
  readonly group: (metadata: object | undefined, appliance: Running) => Promise<void>
}

const machine = '52:54:00:00:00:31'
const overrides = `
  own_user_class: true
  overrides:
    - { mac: "00:0c:29", arch: uefi_x64, file: vmware.efi }
    - { vendor_class: "PXEClient:Arch:00007:UNDI:003099", file: odd.efi, proxy_style: binl }
    - { arch: bios, file: pxelinux.0 }
`

async function site (t: Test, mode: string): Promise<Site | undefined> {
  if (!able(t, namespaceProblem())) return undefined
  const folder = t.testdir({ data: { groups: {}, profiles: { 'node.json': '{"id":"node"}' } }, tftp: { 'snponly.efi': 'a loader', 'ipxe.efi': 'the other' } })
  // A Unix socket's path may not be long.
  const config = join(folder, 'config.yaml')
  writeFileSync(config, `data_path: ${folder}/data
assets_path: ""
state_path: ${folder}/state
control_socket: ${shortFolder(t)}/c
log_level: debug
rpc: { address: "" }
tftp: { root: ${folder}/tftp }
dhcp:
  mode: ${mode}
  interface: br0
  unknown_clients: allow
  subnets: [{ subnet: 172.30.0.0/24, range: 172.30.0.100-172.30.0.200 }]
boot:${overrides}`)
  const space = new NetworkNamespace()
  t.teardown(async () => { await space.close() })
  space.bridge('br0', '172.30.0.1/24')
  const client = space.client('br0', machine)
  return {
    folder,
    config,
    client,
    wire: await PipeClient.start(client),
    start: async () => {
      const appliance = space.spawn(process.execPath, bundledProgram(), 'serve', '--config', config)
      await appliance.line(/"msg":"appliance\.ready"/)
      return appliance
    },
    group: async (metadata, appliance) => {
      const reads = (): number => appliance.output().split('"msg":"boot_file.read"').length
      const before = reads()
      const path = join(folder, 'data/groups/g.json')
      if (metadata === undefined) rmSync(path)
      else writeFileSync(path, JSON.stringify({ id: 'g', profile: 'node', selector: { mac: machine }, metadata }))
      while (reads() === before) await appliance.next()
    }
  }
}

const discover = (options: Options, from = machine): DhcpPacket => request({ dhcpMessageType: 'DISCOVER', ...options }, { mac: mac(from) })
const uefi: Options = { vendorClassIdentifier: 'PXEClient:Arch:00007:UNDI:003016', clientSystemArchitecture: [7] }
const odd: Options = { ...uefi, vendorClassIdentifier: 'PXEClient:Arch:00007:UNDI:003099' }
const bios: Options = { vendorClassIdentifier: 'PXEClient:Arch:00000:UNDI:002001', clientSystemArchitecture: [0] }
const ipxe = (userClass: string): Options => ({ ...uefi, userClass: Buffer.from(userClass), ipxeEncapsulatedOptions: Buffer.from('130101', 'hex') })
const vmware = '00:0c:29:00:00:01'
const script = 'http://172.30.0.1:8080/boot.ipxe'

for (const mode of ['server', 'proxy']) {
  t.test(`overrides and the own user class in ${mode} mode`, async t => {
    const here = await site(t, mode)
    if (here === undefined) return
    const { wire, start, group } = here
    const appliance = await start()
    const file = async (options: Options, from?: string): Promise<string> => (await wire.ask(discover(options, from))).file
    t.equal(await file(uefi), 'snponly.efi')
    t.equal(await file(uefi, vmware), 'vmware.efi', 'by manufacturer and architecture')
    t.equal(await file(odd), 'odd.efi', 'by vendor class')
    t.equal(await file(bios), 'pxelinux.0', 'by architecture')
    t.equal(await file(ipxe('iPXE')), 'snponly.efi', "a card's own iPXE is given ours")
    t.equal(await file(ipxe('core-provisioner')), script, 'and ours the script')
    const plain = await wire.ask(discover(uefi))
    const asked = await wire.ask(discover(odd))
    t.ok(plain.options.vendorSpecificInformation !== undefined, 'the offer itself is to be booted')
    t.equal(asked.options.vendorSpecificInformation === undefined, mode === 'proxy', 'only ProxyDHCP sends such a machine to port 4011')
    await group({ boot_file: 'mine.efi' }, appliance)
    t.equal(await file(uefi), 'mine.efi', 'by the group of the machine, without a restart')
    t.equal(await file(odd), 'mine.efi', 'which goes before the configuration')
    t.equal((await wire.ask(discover(odd))).options.vendorSpecificInformation === undefined, mode === 'proxy', 'and leaves to it what it says nothing of')
    t.equal(await file(uefi, '52:54:00:00:00:32'), 'snponly.efi', 'and others alone')
    await group({ boot_file: '../../etc/passwd' }, appliance)
    t.equal(await file(uefi), 'snponly.efi')
    t.match(await appliance.line(/boot_file\.refused/), /group g: metadata\.boot_file is left out/)
    const checked = await new Program(['check', '--config', here.config]).end()
    t.match(checked.stdout + checked.stderr, /group g: metadata\.boot_file is left out/, 'check says so too')
  })
}

t.test('the loop breaker remembers over a restart, until it is told otherwise', async t => {
  const here = await site(t, 'server')
  if (here === undefined) return
  const { wire, client, start, group } = here
  const file = async (): Promise<string> => (await wire.ask(discover(uefi))).file
  const loop = (): void => {
    for (let n = 0; n < 3; n++) client.exec('curl', '-s', '-o', '/dev/null', 'http://172.30.0.1:8080/boot/snponly.efi')
  }
  let appliance = await start()
  const restart = async (): Promise<void> => {
    appliance.child.kill('SIGTERM')
    t.equal(await appliance.ended, 0)
    appliance = await start()
  }
  const offer = await wire.ask(discover(uefi))
  const taking = { ...uefi, dhcpMessageType: 'REQUEST', requestedIpAddress: offer.yiaddr, serverIdentifier: offer.siaddr } as const
  t.equal((await wire.ask(request(taking, { mac: mac(machine) }))).options.dhcpMessageType, 'ACK')
  client.ip('address', 'add', '172.30.0.100/24', 'dev', 'eth0')
  t.equal(await file(), 'snponly.efi')
  loop()
  t.match(JSON.parse(await appliance.line(/"boot\.loader_loop"/)), { mac: machine, file: '/boot/snponly.efi', next: 'the other loader' })
  t.equal(await file(), 'ipxe.efi')
  await restart()
  t.equal(await file(), 'ipxe.efi', 'after a restart too')
  const control = async (...args: string[]): Promise<string> => (await new Program(['machines', ...args, machine, '--json', '--config', here.config]).end()).stdout
  t.match(JSON.parse(await control('show')), { otherLoader: true })
  await control('reset')
  t.equal(await file(), 'snponly.efi', 'machines reset forgets it')
  loop()
  t.equal(await file(), 'ipxe.efi')
  await group({ boot_file: 'snponly.efi' }, appliance)
  t.equal(await file(), 'snponly.efi', 'a person chose')
  loop()
  t.match(await appliance.line(/the same, which was chosen for it/), /boot\.loader_loop/)
  await group(undefined, appliance)
  t.equal(await file(), 'snponly.efi', 'what was overridden is forgotten')
  await restart()
  t.equal(await file(), 'snponly.efi', 'for good')
})
