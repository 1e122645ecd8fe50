// Which address a machine gets: RFC 2131 section 4.3.1, with a reservation before everything else.
import type { Ipv4 } from '../net/ipv4.js'
import type { Mac } from '../net/mac.js'
import { isActive, type Lease, type LeaseView } from './leases.js'
import { type Reservation, reservationFor, type Reservations } from './reservations.js'
import { type DhcpSubnet, inRange, isHostAddress } from './subnet.js'

export interface AllocationState {
  readonly now: number
  readonly server: Ipv4
  readonly leases: LeaseView
  readonly reservations: Reservations
  readonly unknownClients: 'deny' | 'allow'
}

export type Refusal = 'unknown_client' | 'no_range' | 'pool_exhausted' | 'reservation_in_use'

export interface Allocated {
  readonly ip: Ipv4
  readonly reservation: Reservation | undefined
  /** Whether the address is this machine's already: reserved for it, or leased to it before. */
  readonly known: boolean
}

export type Allocation = Allocated | { readonly refused: Refusal, /** Who holds the reserved address. */ readonly holder?: Lease }

/** The address for `mac`: its reservation, the address it has or had, the one it asks for, the next free one. */
export function allocate (mac: Mac, requested: Ipv4 | undefined, subnet: DhcpSubnet, state: AllocationState): Allocation {
  const reservation = reservationFor(state.reservations, mac, subnet)
  if (reservation !== undefined) {
    const holder = holderOf(reservation.ip, mac, state)
    return holder === undefined
      ? { ip: reservation.ip, reservation, known: true }
      : { refused: 'reservation_in_use', holder }
  }
  if (state.unknownClients === 'deny') return { refused: 'unknown_client' }
  if (subnet.range === undefined) return { refused: 'no_range' }
  const before = state.leases.ofMac(mac).find(lease => mayHave(mac, lease.ip, subnet, state))
  if (before !== undefined) return { ip: before.ip, reservation: undefined, known: true }
  if (requested !== undefined && mayHave(mac, requested, subnet, state)) return { ip: requested, reservation: undefined, known: false }
  const next = state.leases.nextFree(subnet.range, state.now, ip => isAssignable(ip, subnet, state))
  return next === undefined ? { refused: 'pool_exhausted' } : { ip: next, reservation: undefined, known: false }
}

/** Whether `mac` may have the range address `ip` as things stand. */
const mayHave = (mac: Mac, ip: Ipv4, subnet: DhcpSubnet, state: AllocationState): boolean =>
  inRange(subnet.range, ip) && isAssignable(ip, subnet, state) && holderOf(ip, mac, state) === undefined

/**
 * The lease that stands in the way of `mac` having `ip`: another machine's, or anybody's DECLINE, which says that some
 * machine uses the address without asking. Cards that share a reservation are one machine.
 */
function holderOf (ip: Ipv4, mac: Mac, { leases, reservations, now }: AllocationState): Lease | undefined {
  const lease = leases.get(ip)
  if (lease === undefined || !isActive(lease, now)) return undefined
  if (lease.state === 'declined') return lease
  return lease.mac === mac || reservations.byIp.get(ip)?.macs.includes(lease.mac) === true ? undefined : lease
}

function isAssignable (ip: Ipv4, subnet: DhcpSubnet, { server, reservations }: AllocationState): boolean {
  return isHostAddress(subnet, ip) && ip !== server && !subnet.routers.includes(ip) && !reservations.byIp.has(ip)
}
