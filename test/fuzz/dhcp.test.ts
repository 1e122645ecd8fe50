// No datagram ends the server: the decoder gives a packet or a DecodeError, and the server on a made-up network answers a
// good client after whatever came before.
import t from 'tap'
import fc from 'fast-check'
import { DecodeError } from '../../src/base/errors.js'
import { startDhcpServer } from '../../src/dhcp/dhcp-server.js'
import { LeaseTable } from '../../src/dhcp/leases.js'
import { decodePacket, encodePacket } from '../../src/dhcp/packet.js'
import { buildReservations } from '../../src/dhcp/reservation-table.js'
import { createLog } from '../../src/base/log.js'
import { DhcpWire } from '../helpers/dhcp-wire.js'
import { ip, mac, request, subnet } from '../helpers/dhcp.js'
import { FakeClock } from '../helpers/fake-clock.js'
import { packetFixtures } from '../helpers/fixtures.js'
import { logLines } from '../helpers/log-lines.js'
import { cases } from '../helpers/property.js'

const corpus = packetFixtures().map(({ bytes }) => bytes)

/** A real packet with octets changed, cut, or added; or random octets with a header. */
const datagram: fc.Arbitrary<Buffer> = fc.oneof(
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 700 }).map(bytes => Buffer.from(bytes)) },
  {
    weight: 6,
    arbitrary: fc.tuple(
      fc.constantFrom(...corpus),
      fc.array(fc.tuple(fc.nat(600), fc.oneof(fc.constantFrom(0, 1, 255, 52, 53, 82), fc.nat(255))), { maxLength: 12 }),
      fc.option(fc.nat(600), { freq: 4 }),
      fc.uint8Array({ maxLength: 40 })
    ).map(([original, changes, length, tail]) => {
      const bytes = Buffer.concat([original, tail]).subarray(0, length ?? undefined)
      const copy = Buffer.from(bytes)
      for (const [at, value] of changes) if (at < copy.length) copy[at] = value
      return copy
    })
  },
  {
    weight: 3,
    arbitrary: fc.array(fc.tuple(fc.nat(255), fc.uint8Array({ maxLength: 20 })), { maxLength: 20 }).map(options => Buffer.concat([
      encodePacket(request({ dhcpMessageType: 'DISCOVER' })).subarray(0, 243),
      ...options.map(([code, value]) => Buffer.from([code, value.length, ...value])), Buffer.from([255])
    ]))
  }
)

t.test('the decoder gives a packet or a DecodeError', t => {
  let [packets, runs] = [0, 0]
  fc.assert(fc.property(datagram, bytes => {
    runs++
    try {
      const packet = decodePacket(bytes)
      packets++
      if (encodePacket(packet).length > 1472) throw new Error('longer than a frame')
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error
    }
  }), cases(t, 20_000))
  t.ok(packets > 100 && packets < runs, `${runs} datagrams, ${packets} of them packets`)
  t.end()
})

t.test('the server lives through anything, and serves the next client', async t => {
  const { stream, entries } = logLines()
  const wire = new DhcpWire()
  const table = new LeaseTable()
  const clock = new FakeClock()
  const subnets = [subnet('192.168.100.0/24', '192.168.100.100-192.168.100.109'), subnet('172.31.0.0/24', '172.31.0.100-172.31.0.109')]
  const server = ip('192.168.100.2')
  const good = mac('02:00:00:00:00:01')
  const dhcp = await startDhcpServer({
    network: wire,
    bind: { address: '0.0.0.0', port: 67 },
    server,
    settings: {
      subnets,
      reservations: buildReservations([{ macs: [good], ip: ip('192.168.100.41'), hostName: undefined, source: 'test' }], subnets, server),
      unknownClients: 'allow',
      boot: { loaders: { bios: 'undionly.kpxe' }, scriptUrl: 'http://192.168.100.2:8080/boot.ipxe' }
    },
    table,
    store: { load: async () => [], propose: async () => ({ kind: 'kept' }), close: async () => {} },
    clock,
    log: createLog({ level: 'error', pretty: false, destination: stream }),
    onEvent: () => {}
  })
  let runs = 0
  await fc.assert(fc.asyncProperty(datagram, async bytes => {
    runs++
    wire.receive(bytes)
    clock.advance(1000)
    if (runs % 50 !== 0) return
    const offer = await wire.ask(request({ dhcpMessageType: 'DISCOVER' }, { mac: good, xid: runs }))
    if (offer.yiaddr !== ip('192.168.100.41')) throw new Error('another address than the reserved one')
    wire.clear()
  }), cases(t, 5000))
  t.same(entries().filter(entry => entry['msg'] === 'dhcp.failed').slice(0, 1), [], `${runs} datagrams`)
  t.ok(table.size <= 30, 'no lease outside of ranges and reservations')
  await dhcp.close()
})
