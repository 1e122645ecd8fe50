// What stands in a reply: RFC 2131 table 3, and the options of the configuration.
import t from 'tap'
import { clientInfo } from '../../src/dhcp/client-info.js'
import type { Options } from '../../src/dhcp/options.js'
import { decodePacket, encodePacket } from '../../src/dhcp/packet.js'
import { addressReply, informReply, nakReply, replyLimit, type ReplyParts } from '../../src/dhcp/reply.js'
import { hex, ip, request, subnet, testMac } from '../helpers/dhcp.js'

const server = ip('192.168.100.2')
const here = subnet('192.168.100.0/24', undefined, {
  routers: [ip('192.168.100.1')],
  dnsServers: [ip('192.168.100.2'), ip('192.168.100.3')],
  domainName: 'demo.example.com',
  ntpServers: [ip('192.168.100.4')]
})

function parts (options: Options = {}, more: Partial<ReplyParts> = {}): ReplyParts {
  const asked = request({ dhcpMessageType: 'DISCOVER', ...options }, { flags: 0x8000, hops: 2, secs: 9, giaddr: 0 })
  return { request: asked, client: clientInfo(asked), server, serverIdentifier: server, subnet: here, reservation: undefined, bootFile: undefined, hostName: 'core-1', ...more }
}

const sent = (given: ReplyParts): Options => decodePacket(encodePacket(addressReply('OFFER', ip('192.168.100.41'), 3600, given))).options

t.test('the header', t => {
  const reply = addressReply('ACK', ip('192.168.100.41'), 3600, parts())
  t.match(reply, { op: 2, htype: 1, hops: 0, xid: 0x5a3c01f2, secs: 0, flags: 0x8000, ciaddr: 0, yiaddr: ip('192.168.100.41'), siaddr: server, file: '', sname: '' })
  t.same(reply.chaddr, hex(testMac))
  t.equal(informReply(parts()).yiaddr, 0)
  t.end()
})

t.test('all the options of the subnet for a client that names none, those it names for one that does', t => {
  t.same(sent(parts()), {
    dhcpMessageType: 'OFFER',
    serverIdentifier: server,
    ipAddressLeaseTime: 3600,
    renewalTime: 1800,
    rebindingTime: 3150,
    subnetMask: ip('255.255.255.0'),
    router: here.routers,
    domainNameServer: here.dnsServers,
    hostName: 'core-1',
    domainName: 'demo.example.com',
    broadcastAddress: ip('192.168.100.255'),
    ntpServers: here.ntpServers
  })
  t.same(Object.keys(sent(parts({ parameterRequestList: [3, 1] }))).slice(5), ['subnetMask', 'router'])
  t.end()
})

t.test('what a subnet does not have goes out under no option, asked for or not: strict clients refuse a list of none', t => {
  const bare = subnet('192.168.100.0/24')
  const first = ['dhcpMessageType', 'serverIdentifier', 'ipAddressLeaseTime', 'renewalTime', 'rebindingTime', 'subnetMask', 'broadcastAddress']
  for (const vendorClassIdentifier of ['', 'PXEClient:Arch:00007:UNDI:003016']) {
    for (const asked of [{}, { parameterRequestList: [1, 3, 6, 12, 15, 28, 42] }]) {
      const reply = addressReply('OFFER', ip('192.168.100.41'), 3600, parts({ vendorClassIdentifier, ...asked }, { subnet: bare, hostName: undefined }))
      t.same(Object.keys(reply.options), first, JSON.stringify(asked))
    }
  }
  t.end()
})

t.test('INFORM is answered without an address and times', t => {
  const { options } = informReply(parts())
  t.equal(options.dhcpMessageType, 'ACK')
  t.equal(options.ipAddressLeaseTime, undefined)
  t.equal(options.renewalTime, undefined)
  t.same(options.router, here.routers)
  t.end()
})

t.test("raw options: in the place of ours, the machine's before its subnet's, asked for or not", t => {
  const options = new Map([[6, hex('0a000001')], [224, hex('01')], [225, hex('02')]])
  const reservation = { macs: [testMac], ip: ip('192.168.100.41'), hostName: undefined, source: 'test', options: new Map([[225, hex('03')], [3, hex('c0a864fe')]]) }
  const found = sent(parts({ parameterRequestList: [1] }, { subnet: { ...here, options }, reservation }))
  t.same(found.domainNameServer, [ip('10.0.0.1')])
  t.same(found.router, [ip('192.168.100.254')])
  t.same(found.other, new Map([[224, hex('01')], [225, hex('03')]]))
  const all = sent(parts({}, { subnet: { ...here, options } }))
  t.same(all.domainNameServer, [ip('10.0.0.1')], 'not both, which would be read as one longer list')
  t.same(sent(parts({}, { subnet: { ...here, options: new Map([[224, hex('01')]]) } })).other, new Map([[224, hex('01')]]), 'one alone')
  t.same(sent(parts({}, { reservation: { ...reservation, options: new Map([[225, hex('03')]]) } })).other, new Map([[225, hex('03')]]), "the machine's one alone")
  t.same(sent(parts({}, { subnet: { ...here, options }, reservation: { ...reservation, options: new Map() } })).other, new Map([[224, hex('01')], [225, hex('02')]]))
  t.end()
})

t.test('raw options 66 and 67: siaddr, sname and file say the same', t => {
  const raw = (server: string, file: string): ReplyParts['reservation'] => ({
    macs: [testMac], ip: ip('192.168.100.41'), hostName: undefined, source: 'test', options: new Map([[66, Buffer.from(server)], [67, Buffer.from(file)]])
  })
  const reply = (reservation: ReplyParts['reservation']) =>
    addressReply('OFFER', ip('192.168.100.41'), 3600, parts({}, { bootFile: { kind: 'loader', name: 'undionly.kpxe' }, reservation }))
  t.match(reply(raw('10.0.0.9', 'grub.efi\0')), { siaddr: ip('10.0.0.9'), sname: '10.0.0.9', file: 'grub.efi' })
  t.match(reply(raw('boot.example.com', 'x'.repeat(200))), { siaddr: 0, sname: 'boot.example.com', file: '' }, 'a name has no address here')
  t.match(reply(undefined), { siaddr: server, sname: '192.168.100.2', file: 'undionly.kpxe' })
  t.end()
})

t.test('the ROM of a Raspberry Pi 3 gets mask and router, for which it does not ask', t => {
  const asked = { vendorClassIdentifier: 'PXEClient:Arch:00000:UNDI:002001', parameterRequestList: [43, 60, 66, 67] }
  t.match(sent(parts(asked)), { subnetMask: ip('255.255.255.0'), router: here.routers, domainNameServer: undefined })
  t.end()
})

t.test('what a client sent goes back: its identifier (RFC 6842) and relay agent information, in a NAK too', t => {
  const relayAgentInformation = hex('0104aabbccdd')
  const clientIdentifier = hex('01525400123456')
  const asked = request({ clientIdentifier, relayAgentInformation }, { giaddr: ip('10.9.0.1') })
  const nak = nakReply(asked, server, 'no')
  t.match(nak, { giaddr: ip('10.9.0.1'), flags: 0x8000, ciaddr: 0, siaddr: 0, options: { dhcpMessageType: 'NAK', message: 'no', clientIdentifier, relayAgentInformation } })
  for (const reply of [nak, addressReply('OFFER', 1, 60, { ...parts(), request: asked }), informReply({ ...parts(), request: asked })]) {
    t.same(encodePacket(reply).toString('hex').match(/52060104aabbccddff(00)*$/)?.length, 2, `${reply.options.dhcpMessageType}: option 82 is the last`)
    t.same(reply.options.clientIdentifier, clientIdentifier)
  }
  t.end()
})

t.test('the boot file: NUL-terminated options for PXE, none for others; a long URL in option 67 alone', t => {
  const bytes = (vendorClassIdentifier: string, name: string): string => {
    const asked = request({ dhcpMessageType: 'DISCOVER', vendorClassIdentifier })
    const given = parts({}, { request: asked, client: clientInfo(asked), bootFile: { kind: 'loader', name } })
    return encodePacket(addressReply('OFFER', 1, 60, given)).toString('hex')
  }
  t.match(bytes('PXEClient', 'a.0'), '4304612e3000')
  t.match(bytes('PXEClient', 'a.0'), Buffer.from('192.168.100.2\0').toString('hex'))
  t.match(bytes('HTTPClient', 'http://x'), `4308${Buffer.from('http://x').toString('hex')}`)
  const long = `http://${'x'.repeat(130)}`
  const reply = decodePacket(Buffer.from(bytes('HTTPClient', long), 'hex'))
  t.equal(reply.file, '')
  t.equal(reply.options.bootfileName, long)
  const serverName = (client: string): string | undefined => decodePacket(Buffer.from(bytes(client, 'a'), 'hex')).options.tftpServerName
  t.equal(serverName('PXEClient')?.replace('\0', ''), '192.168.100.2', 'in option 66 too, not in sname alone')
  t.equal(serverName('HTTPClient'), undefined, 'which asks no TFTP server')
  t.end()
})

t.test('how much a client takes (option 57)', t => {
  const limit = (size?: number): number => replyLimit(request(size === undefined ? {} : { maximumDhcpMessageSize: size }))
  t.same([limit(), limit(0), limit(576), limit(1260), limit(65280)], [548, 548, 548, 1232, 1472])
  t.end()
})

t.test('every reply gives back what tells the client and its way: options 61 (RFC 6842), 82 (RFC 3046) and 118 (RFC 3011), and none that did not come', t => {
  const said = { clientIdentifier: hex('01525400000041'), relayAgentInformation: hex('0104aabbccdd'), subnetSelection: ip('192.168.100.0') }
  const replies = {
    OFFER: (given: ReplyParts) => addressReply('OFFER', ip('192.168.100.41'), 3600, given),
    ACK: (given: ReplyParts) => addressReply('ACK', ip('192.168.100.41'), 3600, given),
    INFORM: informReply,
    NAK: ({ request }: ReplyParts) => nakReply(request, server, 'no')
  }
  const names = Object.keys(said) as Array<keyof typeof said>
  for (const [kind, reply] of Object.entries(replies)) {
    for (const sent of [[], ...names.map(name => [name]), names]) {
      const options = Object.fromEntries(sent.map(name => [name, said[name]]))
      const given = decodePacket(encodePacket(reply(parts(options)))).options
      t.same(Object.fromEntries(names.filter(name => given[name] !== undefined).map(name => [name, given[name]])), options, `${kind} ${sent.join(' ')}`)
    }
  }
  t.end()
})
