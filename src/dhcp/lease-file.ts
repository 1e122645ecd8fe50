// Leases on disk: appended and synced before an ACK leaves.
import type { Logger } from '../base/log.js'
import { JsonLines } from '../disk/json-lines.js'
import { formatIpv4, parseIpv4 } from '../net/ipv4.js'
import { parseMac } from '../net/mac.js'
import type { Lease, LeaseState } from './leases.js'

/** Where leases are kept. Another kind of store may stand behind it, so everything is asynchronous. */
export interface LeaseStore {
  /** What was kept, oldest change first; of one address the last counts. */
  readonly load: () => Promise<readonly Lease[]>
  /** Fulfilled when the lease would survive a power cut; rejected when it can't be kept. */
  readonly append: (lease: Lease) => Promise<void>
  readonly close: () => Promise<void>
}

export interface LeaseFileOptions {
  readonly path: string
  readonly log: Logger
  /** The leases to keep when the file is rewritten; offers among them are left out. */
  readonly current: () => Iterable<Lease>
  /** How many lines beyond twice the current leases make a rewrite worth it. */
  readonly slack?: number
  /** Called after each sync with its milliseconds and how many leases it served. */
  readonly onSync?: (milliseconds: number, leases: number) => void
}

export const leaseFile = ({ current, ...options }: LeaseFileOptions): JsonLines<Lease> => new JsonLines<Lease>({
  ...options,
  kind: 'lease',
  version: 1,
  format: formatLease,
  parse: parseLease,
  current: () => [...current()].filter(lease => lease.state !== 'offered')
})

export const formatLease = ({ ip, mac, state, since, expires, hostName, declines }: Lease): string =>
  JSON.stringify({ ip: formatIpv4(ip), mac, state, since, expires, hostname: hostName, declines })

const savedStates: ReadonlySet<unknown> = new Set<LeaseState>(['bound', 'declined', 'released'])

export function parseLease (line: string): Lease | undefined {
  let fields: Record<string, unknown>
  try {
    fields = Object(JSON.parse(line)) as Record<string, unknown>
  } catch {
    return undefined
  }
  const ip = typeof fields['ip'] === 'string' ? parseIpv4(fields['ip']) : undefined
  const mac = typeof fields['mac'] === 'string' ? parseMac(fields['mac']) : undefined
  const { state, since, expires, hostname, declines } = fields
  if (ip === undefined || mac === undefined || !savedStates.has(state)) return undefined
  if (!Number.isFinite(since) || !Number.isFinite(expires)) return undefined
  return {
    ip,
    mac,
    state: state as LeaseState,
    since: since as number,
    expires: expires as number,
    ...typeof hostname === 'string' && { hostName: hostname },
    ...typeof declines === 'number' && { declines }
  }
}
