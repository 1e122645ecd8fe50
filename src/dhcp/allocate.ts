// Which address a machine gets: RFC 2131 section 4.3.1, with a reservation before everything else.
import type { Ipv4 } from '../net/ipv4.js'
import type { Mac } from '../net/mac.js'
import { isHeld, type Lease, type LeaseView } from './leases.js'
import { type Reservation, reservationFor, type Reservations } from './reservations.js'
import { type DhcpSubnet, inRange, isHostAddress, type Link, subnetWith } from './subnet.js'

export interface AllocationState {
  readonly now: number
  readonly server: Ipv4
  /** All addresses of the interface, `server` among them; only that one without it. */
  readonly own?: readonly Ipv4[]
  /** The addresses of all interfaces that this service answers on; only `own` without it. */
  readonly ours?: readonly Ipv4[]
  readonly leases: LeaseView
  readonly reservations: Reservations
  readonly unknownClients: 'deny' | 'allow'
}

export type AllocationRefusal = 'unknown_client' | 'no_range' | 'pool_exhausted'

export interface AllocatedAddress {
  readonly ip: Ipv4
  readonly subnet: DhcpSubnet
  readonly reservation: Reservation | undefined
  /** Whether the address is this machine's already: reserved for it and held by nobody else, or leased to it before. */
  readonly known: boolean
  /** Whose lease ends with it: a reservation is its owner's at once, whoever had the address before. */
  readonly holder?: Lease
}

export type Allocation = AllocatedAddress | { readonly refused: AllocationRefusal }

/** The address for `mac` on the link: its reservation, the address it has or had, the one it asks for, the next free one. */
export function allocate (mac: Mac, requested: Ipv4 | undefined, link: Link, state: AllocationState): Allocation {
  const reservation = reservationFor(state.reservations, mac, link, requested)
  const home = reservation === undefined ? undefined : subnetWith(link, reservation.ip)
  if (reservation !== undefined && home !== undefined) {
    const holder = holderOf(reservation.ip, mac, state)
    return { ip: reservation.ip, subnet: home, reservation, known: holder === undefined, ...holder !== undefined && { holder } }
  }
  if (state.unknownClients === 'deny') return { refused: 'unknown_client' }
  if (link.every(({ range }) => range === undefined)) return { refused: 'no_range' }
  // Two servers that share a table may each have made an offer: the one that the machine took counts, then and later.
  const asked = requested === undefined ? undefined : state.leases.get(requested)
  // What was bound counts in its grace too: who promised more of it while the store was away may have died before writing it down.
  const { grace = 0 } = state.leases
  const taken = asked?.mac === mac && isHeld(asked, state.now, grace) ? [asked] : []
  const known = state.leases.ofMac(mac)
  const bound = known.filter(lease => lease.state === 'bound' && isHeld(lease, state.now, grace))
  const before = [...taken, ...bound, ...known].find(lease => mayHave(mac, lease.ip, link, state))?.ip
  const wanted = before ?? (requested !== undefined && mayHave(mac, requested, link, state) ? requested : undefined)
  const subnet = wanted === undefined ? undefined : subnetWith(link, wanted)
  if (wanted !== undefined && subnet !== undefined) return { ip: wanted, subnet, reservation: undefined, known: before !== undefined }
  for (const subnet of link) {
    if (subnet.range === undefined) continue
    const next = state.leases.nextFree(subnet.range, state.now, ip => isAssignable(ip, subnet, state))
    if (next !== undefined) return { ip: next, subnet, reservation: undefined, known: false }
  }
  return { refused: 'pool_exhausted' }
}

/** The addresses of the link that the next machines get which are new to it and ask for none, `most` at most. */
export function upcomingOn (link: Link, state: AllocationState, most: number): readonly Ipv4[] {
  if (state.unknownClients === 'deny') return []
  const found: Ipv4[] = []
  for (const subnet of link) {
    if (subnet.range === undefined || found.length >= most) continue
    found.push(...state.leases.upcoming(subnet.range, state.now, ip => isAssignable(ip, subnet, state), most - found.length))
  }
  return found
}

/** Whether `mac` may have the range address `ip` as things stand. */
function mayHave (mac: Mac, ip: Ipv4, link: Link, state: AllocationState): boolean {
  const subnet = subnetWith(link, ip)
  return subnet !== undefined && inRange(subnet.range, ip) && isAssignable(ip, subnet, state) && holderOf(ip, mac, state) === undefined
}

/**
 * The lease that stands in the way of `mac` having `ip`: another machine's, or anybody's DECLINE, which says that some
 * machine uses the address without asking. Cards that share a reservation are one machine.
 */
function holderOf (ip: Ipv4, mac: Mac, { leases, reservations, now }: AllocationState): Lease | undefined {
  const lease = leases.get(ip)
  if (lease === undefined || !isHeld(lease, now, leases.grace ?? 0)) return undefined
  if (lease.state === 'declined') return lease
  return lease.mac === mac || reservations.byIp.get(ip)?.macs.includes(lease.mac) === true ? undefined : lease
}

function isAssignable (ip: Ipv4, subnet: DhcpSubnet, { server, own = [server], ours = own, reservations }: AllocationState): boolean {
  return isHostAddress(subnet, ip) && !ours.includes(ip) && !subnet.routers.includes(ip) && !reservations.byIp.has(ip)
}
