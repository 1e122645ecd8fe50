// Whose an IP address is, as far as that is known without believing whoever asks. Anybody can put a machine's hardware address
// into a request; what such a request says changes nothing for that machine unless the request comes from its own address:
// one that it holds the lease of, or one for which the kernel's ARP table names it and that is reserved for it. Where another
// server gives the addresses (proxy, or no DHCP here at all), the ARP table is all there is; machines behind a router are
// not in it, and what they say of themselves is recorded, no more. Where several provisioners give addresses, a machine may come
// to one with the lease of another, of which this one has not heard: it is looked for before the machine is taken for a stranger.
import { readFileSync } from 'node:fs'
import type { Clock } from '../base/clock.js'
import { parseArpTable } from '../net/conflict-probe.js'
import { type Ipv4, parseIpv4 } from '../net/ipv4.js'
import type { Mac } from '../net/mac.js'

/** Whom an address is kept for. */
export interface KeptAddress { readonly macs: readonly Mac[], readonly hostName: string | undefined }

export interface KeptAddresses {
  readonly byIp: ReadonlyMap<Ipv4, KeptAddress>
  readonly byMac: Pick<ReadonlyMap<Mac, unknown>, 'has'>
}

export interface AddressClaimsOptions {
  /** Who gives out the address: this service, or another server beside it, or it answers no DHCP there. */
  readonly modeAt: (ip: Ipv4) => 'off' | 'proxy' | 'server'
  /** Who holds the lease of an address now; undefined where nobody does. */
  readonly holderOf: (ip: Ipv4) => Mac | undefined
  readonly clock: Clock
  /** Where others give addresses too: fulfilled when `holderOf` knows what they gave before; rejected when that can't be found out. */
  readonly settle?: ((ip: Ipv4) => Promise<void>) | undefined
  /** Whether others may give the address: it is in a subnet of dhcp.subnets. */
  readonly isGiven?: (ip: Ipv4) => boolean
  /** What the kernel says of an address on a link of this machine; undefined for others, of which the table of all tells. */
  readonly lookUp?: (ip: Ipv4) => { readonly mac: Mac | undefined } | undefined
  /** The text of /proc/net/arp. */
  readonly arp?: () => string
}

/** Milliseconds for which one reading of the ARP table says yes; and between two readings, however often it says no. */
const believed = 1000
const between = 20

/** Addresses whose holders are looked for at once, and milliseconds until one is looked for again. */
export const mostLookedFor = 256
export const lookedForAgain = 1000
/** Addresses that were looked for within that time. */
const mostRemembered = 4096

const kernelArp = (): string => {
  try { return readFileSync('/proc/net/arp', 'utf8') } catch { return '' }
}

export class AddressClaims {
  readonly #options: AddressClaimsOptions
  readonly #arp: () => string
  #reserved: KeptAddresses = { byIp: new Map(), byMac: new Map() }
  #table: ReadonlyMap<string, Mac> = new Map()
  #readAt = -Infinity
  /** Addresses that were looked for a moment ago, the oldest first. */
  readonly #lookedFor = new Map<Ipv4, { readonly at: number, readonly heard: Promise<void> }>()
  #underWay = 0

  constructor (options: AddressClaimsOptions) {
    this.#options = options
    this.#arp = options.arp ?? kernelArp
  }

  /** The reservations in force. */
  reserve (reservations: KeptAddresses): void { this.#reserved = reservations }

  /** Whether an address is reserved for the machine. */
  isReserved (mac: Mac): boolean { return this.#reserved.byMac.has(mac) }

  /** The host name that comes with a reserved address, for the machine that it is reserved for. */
  reservedName (mac: Mac, ip: Ipv4): string | undefined {
    const reservation = this.#reserved.byIp.get(ip)
    return reservation?.macs.includes(mac) === true ? reservation.hostName : undefined
  }

  /** Whether the address (`192.168.100.21`) is the machine's. */
  isAddressOf (mac: string, address: string): boolean {
    const { modeAt, holderOf } = this.#options
    const ip = parseIpv4(address)
    if (ip === undefined) return false
    const holder = holderOf(ip)
    if (holder !== undefined) return holder === mac
    if (modeAt(ip) === 'server' && this.#reserved.byIp.get(ip)?.macs.some(known => known === mac) !== true) return false
    const entry = this.#options.lookUp?.(ip)
    return (entry === undefined ? this.#hardwareOf(address, mac) : entry.mac) === mac
  }

  /**
   * Fulfilled when it is known here who was given the address, as far as that can be found out, for whoever asks `isAddressOf` next;
   * undefined when that would change nothing, as nearly always. `mac`: that of a request which says who it comes from.
   */
  hear (mac: Mac | undefined, address: string): Promise<void> | undefined {
    const { settle, isGiven, holderOf, clock } = this.#options
    const ip = settle === undefined ? undefined : parseIpv4(address)
    if (settle === undefined || ip === undefined || isGiven?.(ip) !== true) return undefined
    if (mac === undefined ? holderOf(ip) !== undefined : this.isAddressOf(mac, address)) return undefined
    const now = clock.now()
    for (const [known, { at }] of this.#lookedFor) {
      if (Math.abs(now - at) < lookedForAgain) break
      this.#lookedFor.delete(known)
    }
    const before = this.#lookedFor.get(ip)
    if (before !== undefined) return before.heard
    // A stranger has etcd asked once a second with each address of ours that it has, and all together no more than this.
    if (this.#underWay >= mostLookedFor || this.#lookedFor.size >= mostRemembered) return undefined
    this.#underWay++
    const heard = settle(ip).catch(() => {}).finally(() => { this.#underWay-- })
    this.#lookedFor.set(ip, { at: now, heard })
    return heard
  }

  #hardwareOf (address: string, wanted: string): Mac | undefined {
    const age = Math.abs(this.#options.clock.now() - this.#readAt)
    if (age > believed || (age > between && this.#table.get(address) !== wanted)) {
      this.#table = parseArpTable(this.#arp())
      this.#readAt = this.#options.clock.now()
    }
    return this.#table.get(address)
  }
}
