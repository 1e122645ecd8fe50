// The lease table: which address is bound, offered or set aside, and which one is next. Leases are found by hardware
// address, never by client identifier: PXE ROM, iPXE, initramfs and system each send another one (RFC 2131 section 4.2
// would give them four addresses), and the boot needs one.
import type { Ipv4 } from '../net/ipv4.js'
import { macFromBytes, type Mac } from '../net/mac.js'
import { type Expiry, ExpiryQueue } from './expiry-queue.js'
import { type AddressRange, inRange } from './subnet.js'

export type LeaseState = 'offered' | 'bound' | 'declined' | 'released'

export interface Lease {
  readonly ip: Ipv4
  readonly mac: Mac
  readonly state: LeaseState
  /** When it began, epoch milliseconds. */
  readonly since: number
  /** When the address is free again, epoch milliseconds: a lease that is past it has expired. */
  readonly expires: number
  readonly hostName?: string
  /** How often in a row the address was declined; each time it is set aside for twice as long. */
  readonly declines?: number
}

/** What decisions read of the table. */
export interface LeaseView {
  readonly get: (ip: Ipv4) => Lease | undefined
  /** All that is known of a machine, the latest first. */
  readonly ofMac: (mac: Mac) => readonly Lease[]
  /** The address of the range to give next: never used before longest expired. `usable` says no to addresses set aside otherwise. */
  readonly nextFree: (range: AddressRange, now: number, usable: (ip: Ipv4) => boolean) => Ipv4 | undefined
  /** What `nextFree` would give to `most` machines after one another, as things stand: these or the first of them. Changes nothing. */
  readonly upcoming: (range: AddressRange, now: number, usable: (ip: Ipv4) => boolean, most: number) => readonly Ipv4[]
  /** Milliseconds after its end in which a lease keeps its address from other machines; none without it. */
  readonly grace?: number
}

/** In whose name an address is set aside that somebody uses unasked. */
export const nobody = macFromBytes(Buffer.alloc(6))

/** Not yet a lease: nobody is told to keep it. */
export const isOffer = (lease: Lease): boolean => lease.state === 'offered'

/** Whether the address is taken: bound, offered or set aside, and not past its time. */
export const isActive = (lease: Lease, now: number): boolean => lease.state !== 'released' && lease.expires > now

/** The same for whoever wants the address for another machine: what was bound stays its holder's for a grace after its end. */
export const isHeld = (lease: Lease, now: number, grace: number): boolean =>
  isActive(lease, lease.state === 'bound' ? now - grace : now)

/** Who holds the lease of an address; undefined where nobody does. */
export function leaseHolder (table: Pick<LeaseTable, 'get'>, ip: Ipv4, now: number): Mac | undefined {
  const lease = table.get(ip)
  return lease?.state === 'bound' && isActive(lease, now) ? lease.mac : undefined
}

/** The longest that DHCP can give a lease for, in milliseconds: its seconds are 32 bits (RFC 2132, 9.2). */
const longest = 2 ** 32 * 1000

/**
 * A lease that begins in the future was given by a clock that was ahead: it lasts as long as it was to last, from now. One whose end is
 * later than any can be ends then: a date has to be made of it.
 */
export function sane (lease: Lease, now: number): Lease {
  if (lease.since > now) return sane({ ...lease, since: now, expires: now + Math.max(0, lease.expires - lease.since) }, now)
  return lease.expires > now + longest ? { ...lease, expires: now + longest } : lease
}

/** The state to show: a lease past its time reads as expired. */
export const stateAt = (lease: Lease, now: number): LeaseState | 'expired' =>
  lease.state === 'released' || lease.expires > now ? lease.state : 'expired'

/** A range's cursor over addresses never given, and the queue of those that were. */
interface RangeState { readonly range: AddressRange, next: Ipv4, readonly given: ExpiryQueue }

/** How many addresses `upcoming` looks at for each that it may give. */
const looksForEach = 4

export interface LeaseTableOptions {
  readonly grace?: number
  /** From 0 to 1: where in a range this process begins to give addresses, so that several begin apart. */
  readonly start?: () => number
}

export class LeaseTable implements LeaseView {
  readonly grace: number
  readonly #start: () => number
  readonly #byIp = new Map<Ipv4, Lease>()
  readonly #byMac = new Map<Mac, Lease[]>()
  #ranges: RangeState[] = []

  constructor ({ grace = 0, start = () => 0 }: LeaseTableOptions = {}) {
    this.grace = grace
    this.#start = start
  }

  get size (): number { return this.#byIp.size }
  values (): IterableIterator<Lease> { return this.#byIp.values() }
  get (ip: Ipv4): Lease | undefined { return this.#byIp.get(ip) }
  ofMac (mac: Mac): readonly Lease[] { return this.#byMac.get(mac) ?? [] }

  set (lease: Lease): void {
    const before = this.#byIp.get(lease.ip)
    if (before !== undefined) this.#forget(before)
    this.#byIp.set(lease.ip, lease)
    this.#byMac.set(lease.mac, [lease, ...this.#byMac.get(lease.mac) ?? []])
    const state = this.#ranges.find(({ range }) => inRange(range, lease.ip))
    state?.given.push({ ip: lease.ip, at: this.#freeAt(lease) })
    if (state !== undefined && state.given.size > 2 * this.#byIp.size + 1024) this.reset()
  }

  /** Moves every lease by so many milliseconds: after the clock was set they last as long as before. */
  shift (milliseconds: number): void {
    const all = [...this.#byIp.values()]
    this.reset()
    for (const lease of all) this.set({ ...lease, since: lease.since + milliseconds, expires: lease.expires + milliseconds })
  }

  delete (ip: Ipv4): void {
    const lease = this.#byIp.get(ip)
    if (lease !== undefined) this.#forget(lease)
    this.#byIp.delete(ip)
    for (const state of this.#ranges) if (inRange(state.range, ip)) state.next = state.range.first
  }

  nextFree (range: AddressRange, now: number, usable: (ip: Ipv4) => boolean): Ipv4 | undefined {
    const state = this.#stateOf(range)
    const place = this.#placeIn(range)
    while (state.next <= range.last) {
      const ip = place(state.next)
      if (!this.#byIp.has(ip) && usable(ip)) return ip
      state.next++
    }
    for (let entry = state.given.peek(); entry !== undefined && entry.at <= now; entry = state.given.peek()) {
      if (this.#isLatest(entry) && usable(entry.ip)) return entry.ip
      state.given.pop()
    }
    return undefined
  }

  upcoming (range: AddressRange, now: number, usable: (ip: Ipv4) => boolean, most: number): readonly Ipv4[] {
    const state = this.#stateOf(range)
    const place = this.#placeIn(range)
    const found: Ipv4[] = []
    let looks = looksForEach * most
    for (let next = state.next; next <= range.last && found.length < most && looks > 0; next++, looks--) {
      const ip = place(next)
      if (!this.#byIp.has(ip) && usable(ip)) found.push(ip)
    }
    for (const entry of state.given.inOrder()) {
      if (entry.at > now || found.length >= most || looks-- <= 0) break
      if (this.#isLatest(entry) && usable(entry.ip)) found.push(entry.ip)
    }
    return found
  }

  /** Where in the range a place is that is counted from where this process begins, and round once. */
  #placeIn ({ first, last }: AddressRange): (next: Ipv4) => Ipv4 {
    const size = last - first + 1
    const begin = Math.min(size - 1, Math.floor(size * this.#start()))
    return next => first + (next - first + begin) % size
  }

  #isLatest ({ ip, at }: Expiry): boolean {
    const lease = this.#byIp.get(ip)
    return lease !== undefined && this.#freeAt(lease) === at
  }

  /** Looks at every address again: after ranges or reservations changed, an address passed over may be usable. */
  reset (): void { this.#ranges = [] }

  #stateOf (range: AddressRange): RangeState {
    const known = this.#ranges.find(state => state.range.first === range.first && state.range.last === range.last)
    if (known !== undefined) return known
    const state: RangeState = { range, next: range.first, given: new ExpiryQueue() }
    for (const lease of this.#byIp.values()) if (inRange(range, lease.ip)) state.given.push({ ip: lease.ip, at: this.#freeAt(lease) })
    this.#ranges.push(state)
    return state
  }

  /** A released address was free from the moment of its release. */
  #freeAt ({ state, since, expires }: Lease): number {
    return state === 'released' ? since : expires + (state === 'bound' ? this.grace : 0)
  }

  #forget (lease: Lease): void {
    const rest = (this.#byMac.get(lease.mac) ?? []).filter(other => other.ip !== lease.ip)
    if (rest.length === 0) this.#byMac.delete(lease.mac)
    else this.#byMac.set(lease.mac, rest)
  }
}
