// Several lists as one: hosts are joined by name, those that one list has no name for by their addresses. What the lists say
// against one another, or against themselves, is a conflict.
import { formatIpv4, formatSubnet, type Ipv4, maskOf, type Subnet } from '../net/ipv4.js'
import type { Mac } from '../net/mac.js'
import { shortName } from './exported.js'
import { type Fact, type HostList, type ListedHost, type Place, placeText } from './host-list.js'

export interface JoinedHost {
  readonly name: Fact<string> | undefined
  readonly macs: ReadonlyArray<Fact<Mac>>
  readonly ip: Fact<Ipv4> | undefined
  readonly role: Fact<string> | undefined
  readonly cloud?: ListedHost['cloud']
  /** Every place that lists it. */
  readonly places: readonly Place[]
  /** Why it cannot be taken as it is; undefined when nothing speaks against it. */
  readonly conflict: string | undefined
}

type Draft = { -readonly [K in keyof Omit<JoinedHost, 'places'>]: JoinedHost[K] } & { readonly places: Place[] }

/** The hosts of all lists in the order in which they first appear. Linear in their number. */
export function joinLists (lists: readonly HostList[]): readonly JoinedHost[] {
  const joining = new Joining()
  // What was seen only completes what others want, unless it is all there is.
  const wanted = lists.filter(({ observed }) => observed !== true)
  const seen = lists.filter(({ observed }) => observed === true)
  for (const list of wanted) for (const host of list.hosts) joining.add(host, list.domain?.value, 'wanted')
  for (const list of seen) for (const host of list.hosts) joining.add(host, list.domain?.value, wanted.length === 0 ? 'wanted' : 'seen')
  const hosts = joining.hosts()
  claims(hosts, lists)
  return hosts
}

class Joining {
  readonly #drafts: Draft[] = []
  readonly #byFull = new Map<string, Draft>()
  /** Hosts whose domain is not known, by their only label. */
  readonly #byShort = new Map<string, Draft>()
  /** The one host whose first label it is; null when there are several. */
  readonly #byLabel = new Map<string, Draft | null>()
  readonly #byMac = new Map<Mac, Draft>()
  readonly #byIp = new Map<Ipv4, Draft>()

  add (host: ListedHost, domain: string | undefined, kind: 'wanted' | 'seen'): void {
    const name = qualified(host.name, domain)
    const found = this.#find({ ...host, name })
    if (found === undefined && kind === 'seen') return
    const draft = found ?? this.#make(host)
    if (found !== undefined) merge(found, { ...host, name }, kind)
    else draft.name = name
    this.#index(draft)
  }

  hosts (): Draft[] { return this.#drafts }

  #make ({ at, macs, ip, role, cloud }: ListedHost): Draft {
    const draft: Draft = { name: undefined, macs, ip, role, ...cloud !== undefined && { cloud }, places: [at], conflict: undefined }
    this.#drafts.push(draft)
    return draft
  }

  #find ({ name, macs, ip }: ListedHost): Draft | undefined {
    const key = name?.value.toLowerCase()
    if (key !== undefined) {
      const label = shortName(key)
      const byName = key.includes('.')
        ? this.#byFull.get(key) ?? this.#byShort.get(label)
        : this.#byShort.get(key) ?? this.#byLabel.get(key) ?? undefined
      if (byName !== undefined) return byName
    }
    // By an address only where one of the two has no name: two names for one address are a conflict, told later.
    const byMac = macs.map(mac => this.#byMac.get(mac.value)).find(draft => draft !== undefined)
    const byAddress = byMac ?? (ip === undefined ? undefined : this.#byIp.get(ip.value))
    return byAddress !== undefined && (key === undefined || byAddress.name === undefined) ? byAddress : undefined
  }

  #index (draft: Draft): void {
    const key = draft.name?.value.toLowerCase()
    if (key !== undefined) {
      const label = shortName(key)
      if (key.includes('.')) {
        this.#byFull.set(key, draft)
        if (this.#byShort.get(label) === draft) this.#byShort.delete(label)
      } else this.#byShort.set(key, draft)
      const others = this.#byLabel.get(label)
      this.#byLabel.set(label, others === undefined || others === draft ? draft : null)
    }
    for (const { value } of draft.macs) if (!this.#byMac.has(value)) this.#byMac.set(value, draft)
    if (draft.ip !== undefined && !this.#byIp.has(draft.ip.value)) this.#byIp.set(draft.ip.value, draft)
  }
}

const qualified = (name: Fact<string> | undefined, domain: string | undefined): Fact<string> | undefined =>
  name === undefined || domain === undefined || name.value.includes('.') ? name : { ...name, value: `${name.value}.${domain}` }

/** Adds to a host what another list knows of it. */
function merge (draft: Draft, { at, name, macs, ip, role, cloud }: ListedHost, kind: 'wanted' | 'seen'): void {
  draft.places.push(at)
  // The longer name says more.
  if (name !== undefined && (draft.name === undefined || name.value.length > draft.name.value.length)) draft.name = name
  const [more, less] = macs.length > draft.macs.length ? [macs, draft.macs] : [draft.macs, macs]
  const odd = less.find(({ value }) => !more.some(mac => mac.value === value))
  if (odd === undefined) draft.macs = more
  else if (kind === 'wanted') {
    const [one, other] = [draft.macs[0], macs[0]]
    if (one !== undefined && other !== undefined) draft.conflict ??= `it has the MAC ${one.value} (${placeText(one.at)}) and ${other.value} (${placeText(other.at)})`
  }
  if (draft.ip === undefined) draft.ip = ip
  else if (ip !== undefined && ip.value !== draft.ip.value && kind === 'wanted') {
    draft.conflict ??= `it has the address ${formatIpv4(draft.ip.value)} (${placeText(draft.ip.at)}) and ${formatIpv4(ip.value)} (${placeText(ip.at)})`
  }
  draft.role ??= role
  if (cloud !== undefined) draft.cloud ??= cloud
}

/** Two machines of one address, and addresses outside of the networks that the lists speak of. */
function claims (hosts: readonly Draft[], lists: readonly HostList[]): void {
  const networks = lists.flatMap(list => list.networks)
  const withinOf = lookUp(networks)
  const macs = new Map<Mac, Draft>()
  const ips = new Map<Ipv4, Draft>()
  for (const host of hosts) {
    for (const mac of host.macs) {
      const other = macs.get(mac.value)
      if (other === undefined) macs.set(mac.value, host)
      else if (other !== host) both(host, other, `the MAC ${mac.value}`)
    }
    const { ip } = host
    // A name alone, as in /etc/hosts, may be one more for an address.
    if (ip === undefined || host.macs.length === 0) continue
    const other = ips.get(ip.value)
    if (other === undefined) ips.set(ip.value, host)
    else both(host, other, `the address ${formatIpv4(ip.value)}`)
    const within = withinOf(ip.value)
    if (networks[0] !== undefined && within === undefined) {
      const [{ value, at }] = networks
      host.conflict ??= `the address ${formatIpv4(ip.value)} (${placeText(ip.at)}) is outside of ${formatSubnet(value)} (${placeText(at)})`
    } else if (within !== undefined && within.value.prefix < 31 && [within.value.network, within.value.broadcast].includes(ip.value)) {
      host.conflict ??= `${formatIpv4(ip.value)} (${placeText(ip.at)}) is the network's own address, or its broadcast address`
    }
  }
}

/** The network of an address, at the cost of one look for each length of prefix. */
function lookUp (networks: ReadonlyArray<Fact<Subnet>>): (ip: Ipv4) => Fact<Subnet> | undefined {
  const byPrefix = new Map<number, Map<Ipv4, Fact<Subnet>>>()
  for (const network of networks) {
    const { prefix } = network.value
    byPrefix.set(prefix, (byPrefix.get(prefix) ?? new Map<Ipv4, Fact<Subnet>>()).set(network.value.network, network))
  }
  const longestFirst = [...byPrefix].sort(([a], [b]) => b - a)
  return ip => longestFirst.map(([prefix, found]) => found.get((ip & maskOf(prefix)) >>> 0)).find(network => network !== undefined)
}

function both (host: Draft, other: Draft, what: string): void {
  const [first, second] = [other.places[0], host.places[0]]
  if (first === undefined || second === undefined) return
  host.conflict ??= `${what} is ${other.name?.value ?? 'another host'}'s too (${placeText(first)})`
  other.conflict ??= `${what} is ${host.name?.value ?? 'another host'}'s too (${placeText(second)})`
}
