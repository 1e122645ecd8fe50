// Whether a URL leads to a provisioner, this one or another that takes the same tokens: what machines are told, one of their addresses, or
// a name on a port of theirs, which only DNS could tell.
import { type Ipv4, parseIpv4 } from '../net/ipv4.js'
import { originsOf, type ProvisionerRecord, secureOriginsOf } from './other-provisioners.js'

export interface FleetPlace {
  /** What machines are told of this one: `http://10.0.0.2:8080`. */
  readonly origins: Iterable<string>
  readonly port: number
  /** undefined where it does not speak HTTPS. */
  readonly httpsPort: number | undefined
  readonly others: readonly ProvisionerRecord[]
  /** Whether this machine has the address. */
  readonly hasAddress: (ip: Ipv4) => boolean
}

export function leadsToFleet (url: URL, { origins, port: own, httpsPort, others, hasAddress }: FleetPlace): boolean {
  for (const origin of origins) if (url.host === new URL(origin).host) return true
  const isHttps = url.protocol === 'https:'
  const port = Number(url.port === '' ? isHttps ? 443 : 80 : url.port)
  const originsAt = (one: ProvisionerRecord): readonly string[] => isHttps ? secureOriginsOf(one, httpsPort) : originsOf(one)
  if (others.some(one => originsAt(one).includes(`${url.protocol}//${url.hostname}:${port}`))) return true
  if (port !== own && port !== httpsPort) return false
  const ip = parseIpv4(url.hostname)
  return ip === undefined || hasAddress(ip)
}
