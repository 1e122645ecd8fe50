// Reservations: what is in force, and that a bad one is refused alone with where it stands and why.
import t from 'tap'
import { buildReservations } from '../../src/dhcp/reservation-table.js'
import { type Reservation, reservationFor } from '../../src/dhcp/reservations.js'
import { ip, mac, subnet } from '../helpers/dhcp.js'

const server = ip('192.168.100.2')
const here = subnet('192.168.100.0/24', undefined, { routers: [ip('192.168.100.1')] })
const there = subnet('10.9.0.0/16')
const a = '52:54:00:00:00:0a'
const b = '52:54:00:00:00:0b'
const entry = (source: string, address: string, ...macs: string[]): Reservation =>
  ({ source, ip: ip(address), macs: macs.map(mac), hostName: undefined })
const build = (...entries: Reservation[]): ReturnType<typeof buildReservations> => buildReservations(entries, [here, there], server)

t.test('one bad entry takes no other with it', t => {
  const { byIp, problems } = build(
    entry('config.yaml:31', '192.168.100.41', a),
    entry('config.yaml:32', '172.16.0.1', b),
    entry('config.yaml:33', '192.168.100.42', b)
  )
  t.same([...byIp.keys()], [ip('192.168.100.41'), ip('192.168.100.42')])
  t.same(problems, ['config.yaml:32: the reservation of 172.16.0.1 for 52:54:00:00:00:0b is left out: no subnet of dhcp.subnets holds that address'])
  t.end()
})

t.test('an address that no machine has', t => {
  for (const [nobodys, why] of [['ff:ff:ff:ff:ff:ff', 'it stands for many'], ['01:00:5e:00:00:01', 'it stands for many'], ['00:00:00:00:00:00', 'it is none']] as const) {
    t.same(build(entry('a:1', '192.168.100.41', a, nobodys)).problems, [`a:1: the reservation of 192.168.100.41 for ${a}, ${nobodys} is left out: ${nobodys} is no machine's address: ${why}`])
  }
  t.end()
})

t.test('why an entry is refused', t => {
  const rows: ReadonlyArray<readonly [string, RegExp]> = [
    ['192.168.100.0', /network or broadcast address/],
    ['192.168.100.255', /network or broadcast address/],
    ['192.168.100.2', /address of this service/],
    ['192.168.100.1', /address of a router/],
    ['192.168.100.41', /first has it already for 52:54:00:00:00:0a/],
    ['192.168.100.50', /first gives 52:54:00:00:00:0a the address 192.168.100.41 in the same subnet/]
  ]
  for (const [address, why] of rows) {
    const second = address === '192.168.100.50' ? a : b
    const { problems, byIp } = build(entry('first', '192.168.100.41', a), entry('second', address, second))
    t.match(problems[0], why, address)
    t.equal(byIp.size, 1)
  }
  t.end()
})

t.test('the same entry from two sources is one, and a machine may have an address in each subnet', t => {
  const { byMac, problems } = build(
    entry('config.yaml:31', '192.168.100.41', a), entry('group core-1', '192.168.100.41', a), entry('group core-2', '10.9.0.41', a)
  )
  t.same(problems, [])
  t.equal(byMac.get(mac(a))?.length, 2)
  const reservations = build(entry('x', '192.168.100.41', a, b), entry('y', '10.9.0.41', a))
  t.equal(reservationFor(reservations, mac(a), [there])?.ip, ip('10.9.0.41'))
  t.equal(reservationFor(reservations, mac(b), [here])?.ip, ip('192.168.100.41'), 'two cards of one machine')
  t.equal(reservationFor(reservations, mac(b), [there]), undefined)
  t.equal(reservationFor(reservations, mac(a), [there, here])?.ip, ip('10.9.0.41'), 'on one link: in the subnet written first')
  t.equal(reservationFor(reservations, mac(a), [there, here], ip('192.168.100.41'))?.ip, ip('192.168.100.41'), 'or the one it asks for')
  t.end()
})
