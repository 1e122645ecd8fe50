// Which address a machine gets; the order of preference as the server's decisions see it is in server-decision.test.ts.
import t from 'tap'
import { allocate, type AllocationState, upcomingOn } from '../../src/dhcp/allocate.js'
import { type Lease, LeaseTable } from '../../src/dhcp/leases.js'
import { buildReservations } from '../../src/dhcp/reservation-table.js'
import type { Reservation } from '../../src/dhcp/reservations.js'
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
    const found = allocate(mac(`52:54:00:00:00:${n.toString(16).padStart(2, '0')}`), undefined, [here], given)
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

t.test('what newcomers get next: of each range of the link in turn, as far as they may have it', t => {
  const reserved: Reservation = { macs: [other], ip: ip('10.0.0.3'), hostName: undefined, source: 'test' }
  const link = [here, subnet('10.0.1.0/24', undefined), subnet('10.0.2.0/24', '10.0.2.7-10.0.2.9')]
  const given = state([{ ip: ip('10.0.0.5'), mac: other, state: 'bound', since: 0, expires: 2000 }], [reserved])
  const last = (most: number, allowed = given): readonly number[] => upcomingOn(link, allowed, most).map(address => address - here.subnet.network)
  t.same(last(64), [2, 4, 6, 7, 8, 9, 11, 12, 13, 14, 519, 520, 521])
  t.same(last(3), [2, 4, 6])
  t.same(last(64, { ...given, unknownClients: 'deny' }), [], 'nobody is given one')
  t.end()
})

t.test('a table that names no grace gives none: the address is free the moment its lease is over', t => {
  const reserved: Reservation = { macs: [testMac], ip: ip('10.0.0.3'), hostName: undefined, source: 'test' }
  const over: Lease = { ip: ip('10.0.0.3'), mac: other, state: 'bound', since: 0, expires: 1000 }
  const without = (given: AllocationState): AllocationState => {
    const { leases } = given
    return {
      ...given,
      leases: {
        get: address => leases.get(address),
        ofMac: card => leases.ofMac(card),
        nextFree: (...asked) => leases.nextFree(...asked),
        upcoming: (...asked) => leases.upcoming(...asked)
      }
    }
  }
  t.equal(without(state()).leases.grace, undefined)
  t.match(allocate(testMac, undefined, [here], without(state([over], [reserved]))), { known: true, holder: undefined })
  t.match(allocate(testMac, over.ip, [here], without(state([over]))), { ip: over.ip, known: false })
  t.match(allocate(testMac, over.ip, [here], without(state([{ ...over, expires: 1001 }]))), { ip: ip('10.0.0.2') })
  const [older, newer] = [{ ...over, mac: testMac }, { ...over, ip: ip('10.0.0.4'), mac: testMac, expires: 1000 }]
  t.match(allocate(testMac, older.ip, [here], without(state([older, newer]))), { ip: newer.ip }, 'of two that are over the latest')
  t.end()
})

t.test('a reserved address is its owner\'s at once, with whose lease ends by it', t => {
  const reserved: Reservation = { macs: [testMac], ip: ip('10.0.0.3'), hostName: undefined, source: 'test' }
  const holder: Lease = { ip: ip('10.0.0.3'), mac: other, state: 'bound', since: 0, expires: 2000 }
  t.match(allocate(testMac, undefined, [here], state([holder], [reserved])), { ip: ip('10.0.0.3'), known: false, holder: { mac: other } })
  t.match(allocate(testMac, undefined, [here], state([{ ...holder, expires: 1000 }], [reserved])), { ip: ip('10.0.0.3'), known: true, holder: undefined })
  t.match(allocate(testMac, undefined, [here], state([{ ...holder, state: 'declined' }], [reserved])), { known: false, holder: { state: 'declined' } })
  t.end()
})

t.test('Kea\'s shared network: reservations of any subnet of the link count, pools in the order written', t => {
  const second = subnet('10.0.1.0/24', '10.0.1.100-10.0.1.101')
  const [first, link] = [subnet('10.0.0.0/24', '10.0.0.100-10.0.0.100'), [subnet('10.0.0.0/24', '10.0.0.100-10.0.0.100'), second]]
  const table = new LeaseTable()
  const entries: Reservation[] = [{ macs: [testMac], ip: ip('10.0.1.7'), hostName: undefined, source: 'test' }]
  const given: AllocationState = { now: 1000, server, leases: table, reservations: buildReservations(entries, link, server), unknownClients: 'allow' }
  t.match(allocate(testMac, undefined, link, given), { ip: ip('10.0.1.7'), subnet: second, known: true })
  const taken: number[] = []
  for (let n = 1; n <= 3; n++) {
    const found = allocate(mac(`52:54:00:00:00:0${n}`), undefined, link, given)
    if ('refused' in found) return t.fail(found.refused)
    taken.push(found.ip)
    table.set({ ip: found.ip, mac: mac(`52:54:00:00:00:0${n}`), state: 'bound', since: 0, expires: 9999 })
  }
  t.same(taken, [ip('10.0.0.100'), ip('10.0.1.100'), ip('10.0.1.101')])
  t.same(allocate(other, undefined, link, given), { refused: 'pool_exhausted' })
  t.match(allocate(mac('52:54:00:00:00:02'), undefined, link, given), { ip: ip('10.0.1.100'), subnet: second, known: true }, 'it keeps what it has')
  t.match(allocate(testMac, undefined, [first], given), { refused: 'pool_exhausted' }, 'elsewhere it is nobody')
  t.end()
})

t.test('no range, no address for an unknown machine', t => {
  t.same(allocate(testMac, undefined, [{ ...here, range: undefined }], state()), { refused: 'no_range' })
  t.same(allocate(testMac, undefined, [here], { ...state(), unknownClients: 'deny' }), { refused: 'unknown_client' })
  t.end()
})

t.test('of two offers by servers that share their leases, the one that the machine takes counts, and what it is bound to goes before a later offer', t => {
  const offer = (address: string, more: Partial<Lease> = {}): Lease => ({ ip: ip(address), mac: testMac, state: 'offered', since: 0, expires: 2000, ...more })
  const two = state([offer('10.0.0.4'), offer('10.0.0.8')])
  t.match(allocate(testMac, ip('10.0.0.4'), [here], two), { ip: ip('10.0.0.4'), known: true })
  t.match(allocate(testMac, ip('10.0.0.8'), [here], two), { ip: ip('10.0.0.8'), known: true })
  const bound = offer('10.0.0.4', { state: 'bound', expires: 9999 })
  t.match(allocate(testMac, undefined, [here], state([offer('10.0.0.8'), bound])), { ip: ip('10.0.0.4') }, 'bound before the offer')
  t.match(allocate(testMac, undefined, [here], state([bound, offer('10.0.0.8', { since: 500 })])), { ip: ip('10.0.0.4') }, 'and after it')
  const others = offer('10.0.0.8', { mac: other, state: 'bound', expires: 9999 })
  t.match(allocate(testMac, ip('10.0.0.8'), [here], state([bound, others])), { ip: ip('10.0.0.4') }, "not what is another's, whatever it asks for")
  t.end()
})

t.test('of a shared table a lease in its grace is its holder\'s before an offer of before: what it was promised may not have been written', t => {
  const now = 1_700_000_000_000
  const link = [subnet('10.0.0.0/24', '10.0.0.100-10.0.0.115')]
  const [held, offered] = [ip('10.0.0.101'), ip('10.0.0.112')]
  const machine = mac('52:54:00:00:00:01')
  const askedFor = (grace: number, requested: typeof held): unknown => {
    const leases = new LeaseTable({ grace })
    leases.set({ ip: held, mac: machine, state: 'bound', since: now - 135_000, expires: now - 15_000 })
    leases.set({ ip: offered, mac: machine, state: 'offered', since: now - 135_000, expires: now - 75_000 })
    return allocate(machine, requested, link, { now, server: ip('10.0.0.1'), leases, reservations: buildReservations([], link, 0), unknownClients: 'allow' })
  }
  t.match(askedFor(780_000, held), { ip: held })
  t.match(askedFor(780_000, offered), { ip: held })
  t.match(askedFor(10_000, held), { ip: offered }, 'and not after it')
  t.end()
})
