// ProxyDHCP's decisions: who is offered what on port 67, who is answered on port 4011.
import t from 'tap'
import { type BootConfig } from '../../src/dhcp/boot-file.js'
import { decodePacket, encodePacket } from '../../src/dhcp/packet.js'
import { handleBootServer, handleProxy, type ProxyContext, type ProxyOutcome } from '../../src/dhcp/proxy-decision.js'
import { formatIpv4 } from '../../src/net/ipv4.js'
import { hex, ip, message, request, subnet, testMac } from '../helpers/dhcp.js'
import { packetFixture } from '../helpers/fixtures.js'

const server = ip('172.30.0.1')
const boot: BootConfig = {
  loaders: { bios: 'undionly.kpxe', 'efi-x64': 'snponly.efi' },
  scriptUrl: 'http://172.30.0.1:8080/boot.ipxe',
  loaderBaseUrl: 'http://172.30.0.1:8080/boot/'
}
const context = (more: Partial<BootConfig> = {}): ProxyContext => ({ server, boot: { ...boot, ...more } })
const fixture = (name: string): ReturnType<typeof decodePacket> => decodePacket(packetFixture(name).bytes)
const pxe = { vendorClassIdentifier: 'PXEClient:Arch:00007:UNDI:003016', clientSystemArchitecture: [7] }

const words = (outcome: ProxyOutcome): string => outcome.kind === 'drop'
  ? `drop ${outcome.reason}`
  : `${outcome.reply.options.dhcpMessageType} ${outcome.bootFile} to ${outcome.to === undefined ? 'the sender' : `${formatIpv4(outcome.to.ip)}:${outcome.to.port}`}`

t.test('port 67', t => {
  const rows: ReadonlyArray<readonly [string, ReturnType<typeof request>, string]> = [
    ['a BIOS ROM', fixture('intel-boot-agent-discover'), 'OFFER undionly.kpxe to 255.255.255.255:68'],
    ['UEFI PXE', fixture('ovmf-x64-pxe-discover'), 'OFFER snponly.efi to 255.255.255.255:68'],
    ['UEFI HTTP Boot', fixture('ovmf-x64-http-discover'), 'OFFER http://172.30.0.1:8080/boot/snponly.efi to 255.255.255.255:68'],
    ['iPXE', fixture('qemu-ipxe-rom-discover'), 'OFFER http://172.30.0.1:8080/boot.ipxe to 255.255.255.255:68'],
    ['a Raspberry Pi', fixture('raspberry-pi-4-discover'), 'OFFER  to 255.255.255.255:68'],
    ['a system', fixture('udhcpc-discover'), 'drop not_a_boot_client'],
    ['an architecture without a loader', request({ dhcpMessageType: 'DISCOVER', vendorClassIdentifier: 'PXEClient', clientSystemArchitecture: [11] }), 'drop no_boot_file'],
    ['through a relay agent', { ...fixture('ovmf-x64-pxe-discover'), giaddr: ip('10.9.0.1') }, 'OFFER snponly.efi to 10.9.0.1:67'],
    ["a REQUEST for another server's lease", fixture('dell-uefi-request'), 'drop other_server'],
    ['a REQUEST to this server', request({ dhcpMessageType: 'REQUEST', serverIdentifier: server, ...pxe }), 'ACK snponly.efi to 255.255.255.255:68'],
    ['a renewal', request({ dhcpMessageType: 'REQUEST', ...pxe }, { ciaddr: ip('172.30.0.77') }), 'drop other_server'],
    ['RELEASE', request({ dhcpMessageType: 'RELEASE', ...pxe }), 'drop unexpected'],
    ['BOOTP', request(pxe), 'drop unexpected'],
    ['a reply', { ...fixture('ovmf-x64-pxe-discover'), op: 2 }, 'drop not_a_request'],
    ['InfiniBand', { ...fixture('ovmf-x64-pxe-discover'), htype: 32 }, 'drop hardware_type'],
    ['no hardware address', { ...fixture('ovmf-x64-pxe-discover'), chaddr: Buffer.alloc(6) }, 'drop hardware_type'],
    ["a group's", { ...fixture('ovmf-x64-pxe-discover'), chaddr: Buffer.alloc(6, 255) }, 'drop hardware_type']
  ]
  for (const [what, packet, expected] of rows) t.equal(words(handleProxy(message(packet), context())), expected, what)
  t.end()
})

t.test('nothing is sent to whom a stranger names', t => {
  const networks = ['172.30.0.0/16', '192.168.7.0/24'].map(text => subnet(text))
  const [sender, other] = [ip('10.9.0.77'), ip('203.0.113.9')]
  const inform = (ciaddr: string, giaddr = '0.0.0.0') => request({ dhcpMessageType: 'INFORM', ...pxe }, { ciaddr: ip(ciaddr), giaddr: ip(giaddr) })
  const asks = (ciaddr: string, giaddr = '0.0.0.0') =>
    request({ dhcpMessageType: 'REQUEST', serverIdentifier: server, ...pxe }, { ciaddr: ip(ciaddr), giaddr: ip(giaddr) })
  const relayed = (giaddr: string) => request({ dhcpMessageType: 'DISCOVER', ...pxe }, { giaddr: ip(giaddr) })
  const rows: ReadonlyArray<readonly [string, ReturnType<typeof request>, number, string]> = [
    ['a client beyond routers, from its address', inform('10.9.0.77'), sender, 'ACK snponly.efi to 10.9.0.77:68'],
    ['the same with a REQUEST', asks('10.9.0.77'), sender, 'ACK snponly.efi to 10.9.0.77:68'],
    ["somebody else's address", inform('203.0.113.9'), sender, 'drop unexpected'],
    ["somebody else's in a REQUEST", asks('203.0.113.9'), sender, 'drop unexpected'],
    ['one on the link', inform('172.30.0.9'), sender, 'ACK snponly.efi to 172.30.0.9:68'],
    ["one of the interface's other network", asks('192.168.7.9'), 0, 'ACK snponly.efi to 192.168.7.9:68'],
    ['of a network on the wire that the interface has no address in, from none yet', asks('203.0.113.9'), 0, 'ACK snponly.efi to 255.255.255.255:68'],
    ['an INFORM that was passed on', inform('10.9.0.77', '10.9.0.1'), ip('10.9.0.1'), 'ACK snponly.efi to 10.9.0.77:68'],
    ['a REQUEST that was', asks('10.9.0.77', '10.9.0.1'), ip('10.9.0.1'), 'ACK snponly.efi to 10.9.0.1:67'],
    ['a relay agent that sends from another of its addresses', relayed('10.9.0.1'), other, 'OFFER snponly.efi to 10.9.0.1:67'],
    ...['172.30.255.255', '172.30.0.0', '192.168.7.255', '255.255.255.255', '224.0.0.1', '127.0.0.1'].flatMap(many => [
      [`INFORM of ${many}`, inform(many), sender, 'drop unexpected'],
      [`a relay agent at ${many}`, relayed(many), sender, 'drop unexpected'],
      [`INFORM of ${many}, passed on`, inform(many, '10.9.0.1'), sender, 'drop unexpected']
    ] as const)
  ]
  for (const [what, packet, from, expected] of rows) t.equal(words(handleProxy(message(packet, from), { ...context(), networks })), expected, what)
  t.end()
})

t.test('port 4011', t => {
  const rows: ReadonlyArray<readonly [string, ReturnType<typeof request>, string]> = [
    ['REQUEST', request({ dhcpMessageType: 'REQUEST', ...pxe }, { ciaddr: ip('172.30.0.77') }), 'ACK snponly.efi to the sender'],
    ['REQUEST that names the server of its lease', fixture('dell-uefi-request'), 'ACK snponly.efi to the sender'],
    ['INFORM', request({ dhcpMessageType: 'INFORM', ...pxe }), 'ACK snponly.efi to the sender'],
    ['a system', request({ dhcpMessageType: 'REQUEST' }), 'drop not_a_boot_client'],
    ['DECLINE', request({ dhcpMessageType: 'DECLINE', ...pxe }), 'drop unexpected']
  ]
  for (const [what, packet, expected] of rows) t.equal(words(handleBootServer(message(packet), context())), expected, what)
  t.end()
})

t.test('no address, no lease time, no network option is ever given', t => {
  for (const name of ['intel-boot-agent-discover', 'ovmf-x64-pxe-discover', 'qemu-ipxe-rom-discover', 'raspberry-pi-4-discover', 'ovmf-x64-http-discover']) {
    for (const outcome of [handleProxy(message(fixture(name)), context()), handleBootServer(message(fixture(name)), context())]) {
      if (outcome.kind !== 'reply') return t.fail(name)
      const { yiaddr, siaddr, options } = decodePacket(encodePacket(outcome.reply))
      t.equal(yiaddr, 0)
      t.equal(siaddr, server)
      t.same(Object.keys(options).filter(option => /^(subnet|router|domain|ipAddress|renew|rebind|broadcast)/.test(option)), [], name)
    }
  }
  t.end()
})

t.test('what UEFI wants: boot from the offer itself, or ask the boot server', t => {
  const offer = (uefiStyle: 'direct' | 'binl', name = 'ovmf-x64-pxe-discover'): ReturnType<typeof decodePacket> => {
    const outcome = handleProxy(message(fixture(name)), context({ overrides: [{ uefiStyle }] }))
    if (outcome.kind !== 'reply') throw new Error(outcome.reason)
    return decodePacket(encodePacket(outcome.reply))
  }
  t.match(offer('direct'), { file: 'snponly.efi', sname: '172.30.0.1', options: { vendorClassIdentifier: 'PXEClient', vendorSpecificInformation: hex('060108 0a0400505845 ff') } })
  t.equal(offer('binl').options.vendorClassIdentifier, 'PXEClient')
  t.equal(offer('binl').options.vendorSpecificInformation, undefined)
  t.equal(offer('binl').file, 'snponly.efi')
  t.ok(offer('binl', 'intel-boot-agent-discover').options.vendorSpecificInformation, 'a BIOS ROM never asks without option 43')
  t.end()
})

t.test('iPXE takes it for ProxyDHCP by its vendor class, and boots from the offer', t => {
  const outcome = handleProxy(message(fixture('qemu-ipxe-rom-discover')), context())
  t.match(outcome, { reply: { options: { vendorClassIdentifier: 'PXEClient', vendorSpecificInformation: hex('060108 0a0400505845 ff') } } })
  t.notOk(outcome.kind === 'reply' && outcome.reply.options.ipxeEncapsulatedOptions)
  t.end()
})

t.test('the machine identifier to the octet, the boot item, relay agent information last', t => {
  const clientMachineIdentifier = hex('0011223344')
  const asked = request({
    dhcpMessageType: 'REQUEST', ...pxe, clientMachineIdentifier, vendorSpecificInformation: hex('470400000000 ff'), relayAgentInformation: hex('010100')
  }, { giaddr: ip('10.9.0.1') })
  const outcome = handleBootServer(message(asked), context())
  if (outcome.kind !== 'reply') return t.fail(outcome.reason)
  t.match(outcome.reply.options, { clientMachineIdentifier, vendorSpecificInformation: hex('470400000000 ff') })
  t.match(encodePacket(outcome.reply).toString('hex'), /5203010100ff0*$/)
  t.end()
})

t.test('a machine that its first loader leads nowhere', t => {
  const outcome = handleProxy(message(fixture('ovmf-x64-pxe-discover')), {
    ...context({ otherLoaders: { 'efi-x64': 'ipxe.efi' } }), usesOtherLoader: mac => mac === '52:54:00:00:00:02'
  })
  t.equal(words(outcome), 'OFFER ipxe.efi to 255.255.255.255:68')
  t.not(testMac, '52:54:00:00:00:02')
  t.end()
})
