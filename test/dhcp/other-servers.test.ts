// Looking for other DHCP servers: what is asked, and which answers count.
import t from 'tap'
import { findOtherServers, hasLeasesOn, otherServersError } from '../../src/dhcp/other-servers.js'
import { parseSubnet } from '../../src/net/ipv4.js'
import { DhcpWire } from '../helpers/dhcp-wire.js'
import type { Lease } from '../../src/dhcp/leases.js'
import { ip, request, testMac } from '../helpers/dhcp.js'
import { FakeClock } from '../helpers/fake-clock.js'

const server = ip('172.30.0.1')
const other = ip('172.30.0.5')

t.test('nobody answers', async t => {
  const [wire, clock] = [new DhcpWire(), new FakeClock()]
  const found = findOtherServers({ network: wire, bind: { address: '0.0.0.0', port: 68 }, mac: testMac, server, clock })
  await wire.next()
  clock.advance(500)
  t.match(wire.sent.map(({ packet, to }) => [packet.options.dhcpMessageType, packet.ciaddr, to.address, to.port]),
    [['INFORM', server, '255.255.255.255', 67], ['INFORM', server, '255.255.255.255', 67], ['DISCOVER', 0, '255.255.255.255', 67]])
  clock.advance(1500)
  t.same(await found, [])
  t.equal(wire.listening, 0)
  t.equal(clock.pending, 0)
})

t.test('the first answer to this very question ends it', async t => {
  const [wire, clock] = [new DhcpWire(), new FakeClock()]
  const found = findOtherServers({ network: wire, bind: { address: '0.0.0.0', port: 68 }, mac: testMac, server, clock })
  const { packet: { xid } } = await wire.next()
  const answer = (serverIdentifier: number, fields: object): void => {
    wire.receive({ ...request({ dhcpMessageType: 'OFFER', serverIdentifier }), op: 2, ...fields }, 68)
  }
  wire.receive(Buffer.alloc(20), 68)
  answer(other, { xid: (xid ^ 1) >>> 0 })
  answer(other, { xid, op: 1 })
  answer(server, { xid })
  answer(other, { xid })
  t.same(await found, [other])
  t.equal(clock.pending, 0)
  t.match(otherServersError('br0', [other]), { code: 'other_dhcp_server', message: /answers on br0 \(172\.30\.0\.5\): .*allow_other_servers/ })
})

t.test('only leases that run, and on that network, make it one that was there before', t => {
  const lease: Lease = { ip: ip('172.30.0.100'), mac: testMac, state: 'bound', since: 0, expires: 2000 }
  const networks = [parseSubnet('172.30.0.0/24')!]
  t.ok(hasLeasesOn([{ ...lease, ip: ip('172.31.0.1') }, lease], networks, 1999))
  t.notOk(hasLeasesOn([lease], networks, 2000), 'over')
  t.notOk(hasLeasesOn([lease], [parseSubnet('172.31.0.0/24')!], 0), 'elsewhere')
  for (const state of ['offered', 'declined', 'released'] as const) t.notOk(hasLeasesOn([{ ...lease, state }], networks, 0), state)
  t.end()
})
