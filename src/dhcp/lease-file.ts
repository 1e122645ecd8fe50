// Leases on disk: appended and synced before an ACK leaves. The file is this process's alone, so that what it refuses is a mistake
// of ours; a store that others write to as well refuses for the same reason.
import type { Logger } from '../base/log.js'
import { JsonLines } from '../disk/json-lines.js'
import { lineFormats } from '../disk/state-formats.js'
import { formatIpv4, type Ipv4, parseIpv4 } from '../net/ipv4.js'
import { parseMac } from '../net/mac.js'
import { type Disposal, isHeldBy, type LeaseStore, type Proposal } from './lease-store.js'
import { isOffer, type Lease, type LeaseState, sane } from './leases.js'

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

export class LeaseFile implements LeaseStore {
  readonly #lines: JsonLines<Lease>
  readonly #current: () => readonly Lease[]
  /** What the file holds, or will as soon as it is written. */
  #kept: Map<Ipv4, Lease> = new Map()

  constructor ({ current, ...options }: LeaseFileOptions) {
    this.#current = () => [...current()].filter(lease => !isOffer(lease))
    this.#lines = new JsonLines<Lease>({ ...options, kind: 'lease', version: lineFormats.lease.version, format: formatLease, parse: parseLease, current: this.#current })
  }

  async load (now: number): Promise<readonly Lease[]> {
    const leases = (await this.#lines.load()).map(lease => sane(lease, now))
    this.#keepOnly(leases)
    return leases
  }

  async propose (proposal: Proposal): Promise<Disposal> {
    const { lease } = proposal
    const before = this.#kept.get(lease.ip)
    if (isHeldBy(before, proposal)) return { kind: 'refused', holder: before }
    this.#kept.set(lease.ip, lease)
    try {
      await this.#lines.append(lease)
      return { kind: 'kept' }
    } catch (error) {
      if (this.#kept.get(lease.ip) === lease) {
        if (before === undefined) this.#kept.delete(lease.ip)
        else this.#kept.set(lease.ip, before)
      }
      throw error
    }
  }

  /** Writes the file anew when somebody has removed or changed it. */
  verify (): Promise<void> { return this.#lines.verify() }

  /** All leases are others now: what is in memory is what is kept. */
  async rewrite (): Promise<void> {
    this.#keepOnly(this.#current())
    await this.#lines.rewrite()
  }

  close (): Promise<void> { return this.#lines.close() }

  #keepOnly (leases: readonly Lease[]): void { this.#kept = new Map(leases.map(lease => [lease.ip, lease])) }
}

export const formatLease = ({ ip, mac, state, since, expires, hostName, declines }: Lease): string =>
  JSON.stringify({ ip: formatIpv4(ip), mac, state, since, expires, hostname: hostName, declines })

const savedStates: ReadonlySet<unknown> = new Set<LeaseState>(['bound', 'declined', 'released'])
const sharedStates: ReadonlySet<unknown> = new Set<LeaseState>(['offered', 'bound', 'declined', 'released'])

export const parseLease = (line: string): Lease | undefined => parseWith(line, savedStates)

/** Offers are kept too where several servers give addresses of one range. */
export const parseSharedLease = (line: string): Lease | undefined => parseWith(line, sharedStates)

function parseWith (line: string, states: ReadonlySet<unknown>): Lease | undefined {
  let fields: Record<string, unknown>
  try {
    fields = Object(JSON.parse(line)) as Record<string, unknown>
  } catch {
    return undefined
  }
  const ip = typeof fields['ip'] === 'string' ? parseIpv4(fields['ip']) : undefined
  const mac = typeof fields['mac'] === 'string' ? parseMac(fields['mac']) : undefined
  const { state, since, expires, hostname, declines } = fields
  if (ip === undefined || mac === undefined || !states.has(state)) return undefined
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
