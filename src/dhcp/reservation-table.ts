// Reservations as their entries come and go: what an entry costs is as much as there are others of its address and its machines, however
// many there are in all.
import { VersionedMap } from '../base/versioned-map.js'
import { formatIpv4, type Ipv4 } from '../net/ipv4.js'
import type { Mac } from '../net/mac.js'
import { refusal, type Reservation, type Reservations } from './reservations.js'
import type { DhcpSubnet } from './subnet.js'

export class ReservationTable {
  readonly #subnets: readonly DhcpSubnet[]
  readonly #own: readonly Ipv4[]
  readonly #entries = new Map<string, Reservation>()
  /** All entries of an address and of a machine, in force or not. */
  readonly #ofIp = new Map<Ipv4, Set<string>>()
  readonly #ofMac = new Map<Mac, Set<string>>()
  readonly #byIp = new VersionedMap<Reservation, Ipv4>()
  readonly #byMac = new VersionedMap<readonly Reservation[], Mac>()
  readonly #problems = new Map<string, string>()
  #inForce: Reservations | undefined
  /** No entry comes after it. */
  #last = ''
  #judged = 0

  /** `own` are the service's own addresses. */
  constructor (subnets: readonly DhcpSubnet[], own: readonly Ipv4[]) { [this.#subnets, this.#own] = [subnets, own] }

  /** Entries judged so far: what keeping it has cost. */
  get judged (): number { return this.#judged }

  get entries (): ReadonlyMap<string, Reservation> { return this.#entries }

  /** As they are now, for ever; the same object until an entry comes or goes. */
  get inForce (): Reservations {
    this.#inForce ??= {
      byMac: this.#byMac.version,
      byIp: this.#byIp.version,
      problems: [...this.#problems].sort(([a], [b]) => a < b ? -1 : 1).map(([, problem]) => problem)
    }
    return this.#inForce
  }

  /** Of two that contradict each other the one with the lesser key stays. */
  set (key: string, entry: Reservation): void {
    const before = this.#entries.get(key)
    if (before !== undefined && isSame(before, entry)) return
    this.#change(key, entry)
  }

  delete (key: string): void { if (this.#entries.has(key)) this.#change(key, undefined) }

  #change (key: string, entry: Reservation | undefined): void {
    this.#inForce = undefined
    const before = this.#entries.get(key)
    if (before === undefined && entry !== undefined && key > this.#last) {
      // It changes nothing for those before it.
      this.#last = key
      this.#index(key, entry)
      this.#judge(key, entry)
      return
    }
    const after = this.#after(key, before)
    if (before !== undefined) this.#unindex(key, before)
    if (entry !== undefined) {
      this.#index(key, entry)
      for (const one of this.#after(key, entry)) after.add(one)
    }
    const judged = [...after].filter(one => this.#entries.has(one)).sort()
    if (before !== undefined) this.#withdraw(key, before)
    for (const one of judged) this.#withdraw(one, this.#entries.get(one)!)
    for (const one of judged) this.#judge(one, this.#entries.get(one)!)
  }

  /** The entries from `key` on for which it bears, by address or machine and over others, on whether they are in force. */
  #after (key: string, entry: Reservation | undefined): Set<string> {
    const found = new Set([key])
    const [ips, macs] = [new Set<Ipv4>(), new Set<Mac>()]
    const take = (keys: Iterable<string> = []): void => { for (const one of keys) if (one >= key) found.add(one) }
    for (const one of found) {
      const { ip, macs: cards } = one === key && entry !== undefined ? entry : this.#entries.get(one) ?? { ip: 0, macs: [] }
      if (!ips.has(ip)) take(this.#ofIp.get(ip))
      ips.add(ip)
      for (const mac of cards) {
        if (!macs.has(mac)) take(this.#ofMac.get(mac))
        macs.add(mac)
      }
    }
    return found
  }

  #index (key: string, entry: Reservation): void {
    this.#entries.set(key, entry)
    add(this.#ofIp, entry.ip, key)
    for (const mac of entry.macs) add(this.#ofMac, mac, key)
  }

  #unindex (key: string, { ip, macs }: Reservation): void {
    this.#entries.delete(key)
    remove(this.#ofIp, ip, key)
    for (const mac of macs) remove(this.#ofMac, mac, key)
  }

  #withdraw (key: string, entry: Reservation): void {
    this.#problems.delete(key)
    if (this.#byIp.get(entry.ip) !== entry) return
    this.#byIp.delete(entry.ip)
    for (const mac of entry.macs) {
      const rest = (this.#byMac.get(mac) ?? []).filter(one => one !== entry)
      if (rest.length === 0) this.#byMac.delete(mac)
      else this.#byMac.set(mac, rest)
    }
  }

  /** Puts the entry in force, if those before it leave it so. */
  #judge (key: string, entry: Reservation): void {
    this.#judged++
    const { ip, macs, source } = entry
    const why = refusal(entry, this.#subnets, this.#own, { byMac: this.#byMac, byIp: this.#byIp })
    if (why !== undefined) this.#problems.set(key, `${source}: the reservation of ${formatIpv4(ip)} for ${macs.join(', ')} is left out: ${why}`)
    else if (this.#byIp.get(ip) === undefined) {
      this.#byIp.set(ip, entry)
      for (const mac of macs) this.#byMac.set(mac, [...this.#byMac.get(mac) ?? [], entry])
    }
  }
}

/** What is in force of a list: of two that contradict each other the earlier stays. `own` are the service's own addresses. */
export function buildReservations (entries: readonly Reservation[], subnets: readonly DhcpSubnet[], ...own: readonly Ipv4[]): Reservations {
  const table = new ReservationTable(subnets, own)
  for (const [index, entry] of entries.entries()) table.set(String(index).padStart(10, '0'), entry)
  return table.inForce
}

const isSame = (a: Reservation, b: Reservation): boolean => a === b ||
  (a.ip === b.ip && a.hostName === b.hostName && a.source === b.source && a.options === b.options && a.macs.join() === b.macs.join())

function add<K> (map: Map<K, Set<string>>, of: K, key: string): void {
  const keys = map.get(of)
  if (keys === undefined) map.set(of, new Set([key]))
  else keys.add(key)
}

function remove<K> (map: Map<K, Set<string>>, of: K, key: string): void {
  const keys = map.get(of)
  keys?.delete(key)
  if (keys?.size === 0) map.delete(of)
}
