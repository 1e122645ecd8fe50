// Why a machine can't have an address for good.
import t from 'tap'
import { addressTaken } from '../../src/dhcp/address-taken.js'
import type { Lease } from '../../src/dhcp/leases.js'
import type { Reservation } from '../../src/dhcp/reservations.js'
import { ip, mac, subnet } from '../helpers/dhcp.js'

const [a, b] = [mac('52:54:00:00:00:0a'), mac('52:54:00:00:00:0b')]
const lease = (address: string, expires: number): [number, Lease] => [ip(address), { ip: ip(address), mac: b, state: 'bound', since: 0, expires } as Lease]
const taken = {
  reserved: new Map<number, Reservation>([[ip('10.0.0.5'), { macs: [b], ip: ip('10.0.0.5'), hostName: undefined, source: 'group g' }]]),
  own: new Set([ip('10.0.0.2')]),
  subnets: [subnet('10.0.0.0/24', undefined, { routers: [ip('10.0.0.1')] })],
  isServer: true,
  leases: new Map([lease('10.0.0.6', 2000), lease('10.0.0.7', 1000)]),
  now: 1000
}

t.test('who has it, or what it is', t => {
  for (const [address, why] of [
    ['10.0.0.5', 'group g has it for 52:54:00:00:00:0b'], ['10.0.0.2', 'that is an address of this service'], ['10.9.0.1', 'no subnet of dhcp.subnets holds it'],
    ['10.0.0.0', 'that is the network or broadcast address'], ['10.0.0.255', 'that is the network or broadcast address'], ['10.0.0.1', 'that is the address of a router'],
    ['10.0.0.6', 'it is leased to 52:54:00:00:00:0b (core-provisioner leases release 10.0.0.6)'], ['10.0.0.7', undefined], ['10.0.0.8', undefined]
  ] as const) t.equal(addressTaken(ip(address), a, taken), why, address)
  for (const address of ['10.0.0.5', '10.0.0.6']) t.equal(addressTaken(ip(address), b, taken), undefined, `${address} is its own`)
  t.equal(addressTaken(ip('10.9.0.1'), a, { ...taken, isServer: false }), undefined, 'another server gives addresses')
  t.end()
})
