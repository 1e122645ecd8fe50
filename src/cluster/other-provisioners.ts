// Which other provisioners machines are told of. What stands in a presence record was written by another process: it goes into scripts
// only as far as it is an address or a name that machines can use, and a few at most.
import { formatIpv4, type Ipv4, parseIpv4 } from '../net/ipv4.js'

/** What a provisioner writes down of itself for the others. */
export interface ProvisionerRecord {
  readonly name: string
  /** What it gives to machines for good: `http://10.0.0.2:8080`, or a name or floating address that several have. */
  readonly address: string
  /** Where it is by itself, on each of its networks. */
  readonly addresses: readonly string[]
  /** The port of its HTTPS, 0 for none; an older version says nothing of it. */
  readonly httpsPort?: number | undefined
}

export interface Standpoint {
  /** What this provisioner is called. */
  readonly name: string
  /** Its own origins. */
  readonly own: readonly string[]
  /** Whether an address is on the network of the machines that are told. */
  readonly isNear: (ip: Ipv4) => boolean
}

/** How many a script names beside its own. */
export const mostFallbacks = 3
/** How many addresses of one provisioner are looked at. */
export const mostAddresses = 8

/** In the order of their names from the own one on, so that the machines of one that died do not all go to the same. */
export function othersThan (
  { name, own, isNear }: Standpoint, present: readonly ProvisionerRecord[]
): ReadonlyArray<{ readonly origin: string, readonly told: string }> {
  const isLoopbackAllowed = own.every(isLoopback)
  const valid = (text: string): string | undefined => {
    const origin = machineOrigin(text)
    return origin === undefined || own.includes(origin) || (isLoopback(origin) && !isLoopbackAllowed) ? undefined : origin
  }
  const others = [...present].filter(one => one.name !== name).sort((a, b) => a.name < b.name ? -1 : 1)
  const first = others.findIndex(one => one.name > name)
  const inTurn = first < 0 ? others : [...others.slice(first), ...others.slice(0, first)]
  const found = inTurn.flatMap(({ address, addresses }) => {
    const direct = addresses.slice(0, mostAddresses).flatMap(text => valid(text) ?? [])
    const origin = direct.find(one => isNear(ipOf(one) ?? 0)) ?? direct[0] ?? valid(address)
    if (origin === undefined) return []
    // What it tells by default is one of its own addresses: then the one that is near.
    return [{ origin, told: addresses.includes(address) ? origin : machineOrigin(address) ?? origin }]
  })
  return found.filter(({ origin }, n) => found.findIndex(other => other.origin === origin) === n).slice(0, mostFallbacks)
}

/** All that a record tells machines of: `http://10.0.0.3:8080`. */
export const originsOf = ({ address, addresses }: ProvisionerRecord): readonly string[] =>
  [address, ...addresses.slice(0, mostAddresses)].flatMap(text => machineOrigin(text) ?? [])

/** The same over HTTPS; of one that does not say its port it is taken to be `alike`, since a fleet is set up alike. */
export const secureOriginsOf = (record: ProvisionerRecord, alike: number | undefined): readonly string[] => {
  const { httpsPort: port = alike ?? 0 } = record
  return port === 0 ? [] : originsOf(record).map(origin => `https://${hostOf(origin)}:${port}`)
}

/** An origin that can stand in a script: http, an address of a host or a name, and a port. */
export function machineOrigin (text: string): string | undefined {
  const [, host = '', port = ''] = /^http:\/\/([\w.-]{1,253}):(\d{1,5})$/.exec(text) ?? []
  if (Number(port) < 1 || Number(port) > 65535) return undefined
  const ip = parseIpv4(host)
  // "This" network, multicast and what is reserved (RFC 6890) are nobody's.
  if (ip !== undefined) return ip >>> 24 === 0 || ip >>> 24 >= 224 ? undefined : `http://${formatIpv4(ip)}:${Number(port)}`
  const labels = host.toLowerCase().split('.')
  const isName = labels.every(label => /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/.test(label)) && /[a-z]/.test(labels.at(-1)!)
  return isName ? `http://${labels.join('.')}:${Number(port)}` : undefined
}

const hostOf = (origin: string): string => /^http:\/\/([^:]+):/.exec(origin)?.[1] ?? ''
const ipOf = (origin: string): Ipv4 | undefined => parseIpv4(hostOf(origin))
const isLoopback = (origin: string): boolean => hostOf(origin) === 'localhost' || hostOf(origin).startsWith('127.')

/** The addresses that provisioners are at by themselves, as far as they are any. */
export const addressesOf = (present: readonly ProvisionerRecord[]): readonly Ipv4[] =>
  present.flatMap(({ address, addresses }) => [...addresses.slice(0, mostAddresses), address].flatMap(text => ipOf(text) ?? []))
