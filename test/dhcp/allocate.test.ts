// Which address a machine gets; the order of preference as the server's decisions see it is in server-machine.test.ts.
import t from 'tap'
import { allocate, type AllocationState } from '../../src/dhcp/allocate.js'
import { type Lease, LeaseTable } from '../../src/dhcp/leases.js'
import { buildReservations, type Reservation } from '../../src/dhcp/reservations.js'
import { ip, mac, subnet, testMac } from '../helpers/dhcp.js'

const server = ip('10.0.0.10')
const here = subnet('10.0.0.0/28', '10.0.0.0-10.0.0.15', { routers: [ip('10.0.0.1')] })
const other = mac('52:54:00:99:99:99')

function state (leases: readonly Lease[] = [], reservations: readonly Reservation[] = []): AllocationState {
  const table = new LeaseTable()
  for (const lease of leases) table.set(lease)
  return { now: 1000, server, leases: table, reservations: buildReservations(reservations, [here], server), unknownClients: 'allow' }
}

t.test('a range never gives out the network, the broadcast address, routers, this service, or what is reserved', t => {
  const reserved: Reservation = { macs: [other], ip: ip('10.0.0.3'), hostName: undefined, source: 'test' }
  const given = state([], [reserved])
  const table = given.leases as LeaseTable
  const addresses: number[] = []
  for (let n = 0; n < 20; n++) {
    const found = allocate(mac(`52:54:00:00:00:${n.toString(16).padStart(2, '0')}`), undefined, here, given)
    if ('refused' in found) {
      t.equal(found.refused, 'pool_exhausted')
      break
    }
    addresses.push(found.ip - here.subnet.network)
    table.set({ ip: found.ip, mac: mac(`52:54:00:00:00:${n.toString(16).padStart(2, '0')}`), state: 'bound', since: 0, expires: 9999 })
  }
  t.same(addresses, [2, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14])
  t.end()
})

t.test('what stands in the way of a reserved address is named', t => {
  const reserved: Reservation = { macs: [testMac], ip: ip('10.0.0.3'), hostName: undefined, source: 'test' }
  const holder: Lease = { ip: ip('10.0.0.3'), mac: other, state: 'bound', since: 0, expires: 2000 }
  t.match(allocate(testMac, undefined, here, state([holder], [reserved])), { refused: 'reservation_in_use', holder: { mac: other } })
  t.match(allocate(testMac, undefined, here, state([{ ...holder, expires: 1000 }], [reserved])), { ip: ip('10.0.0.3'), known: true })
  t.match(allocate(testMac, undefined, here, state([{ ...holder, mac: testMac, state: 'declined' }], [reserved])), { refused: 'reservation_in_use' })
  t.end()
})

t.test('no range, no address for an unknown machine', t => {
  t.same(allocate(testMac, undefined, { ...here, range: undefined }, state()), { refused: 'no_range' })
  t.same(allocate(testMac, undefined, here, { ...state(), unknownClients: 'deny' }), { refused: 'unknown_client' })
  t.end()
})
