// Asking who answers DHCP: what a client and what firmware ask, and which answers count.
import t from 'tap'
import { askServers } from '../../src/dhcp/server-question.js'
import { DhcpWire } from '../helpers/dhcp-wire.js'
import { ip, request, testMac } from '../helpers/dhcp.js'
import { FakeClock } from '../helpers/fake-clock.js'

const own = ip('172.30.0.1')
const bind = { address: '0.0.0.0', port: 68 }

t.test('as a client, and as the firmware of both kinds of machine', async t => {
  const rows = [
    ['client', ['INFORM', 'INFORM', 'DISCOVER'], [undefined, undefined, undefined]],
    ['firmware', ['DISCOVER', 'DISCOVER', 'DISCOVER', 'DISCOVER'], [0, 7, 0, 7]]
  ] as const
  for (const [as, types, architectures] of rows) {
    const [wire, clock] = [new DhcpWire(), new FakeClock()]
    const answers = askServers({ network: wire, bind, mac: testMac, own, as, clock })
    await wire.next()
    clock.advance(500)
    const sent = wire.sent.map(({ packet }) => packet)
    t.same(sent.map(({ options }) => options.dhcpMessageType), types, as)
    t.same(sent.map(({ options }) => options.clientSystemArchitecture?.[0]), architectures)
    t.equal(new Set(sent.map(({ xid }) => xid)).size, sent.length, 'each is told from the others')
    const first = sent[0]?.xid ?? 0
    const answer = (server: string, xid: number, fields: object = {}): void => {
      wire.receive({ ...request({ dhcpMessageType: 'OFFER', serverIdentifier: ip(server) }), op: 2, xid, ...fields }, 68)
    }
    answer('172.30.0.1', first)
    answer('172.30.0.5', first + 1, { yiaddr: ip('172.30.0.77') })
    answer('172.30.0.6', first + sent.length)
    answer('172.30.0.6', (first - 1) >>> 0)
    answer('172.30.0.6', first, { op: 1 })
    wire.receive({ ...request({ dhcpMessageType: 'OFFER' }), op: 2, xid: first }, 68)
    wire.receive(Buffer.alloc(20), 68)
    clock.advance(1500)
    t.same(await answers, [{ server: own, ip: 0, question: 0 }, { server: ip('172.30.0.5'), ip: ip('172.30.0.77'), question: 1 }])
    t.equal(wire.listening, 0)
    t.equal(clock.pending, 0)
  }
})
