// Whether another DHCP server answers on the interface: asked as a client, before this one listens. Two servers give a machine
// whichever answer comes first, which is a boot that works now and then.
// A server that denies machines it does not know may stay unseen here; the running service sees it when a machine takes its offer.
import { AppError, messageOf, unwaited } from '../base/errors.js'
import type { Logger } from '../base/log.js'
import { contains, formatIpv4, type Ipv4, type Subnet } from '../net/ipv4.js'
import type { Mac } from '../net/mac.js'
import type { BindOptions } from '../net/udp.js'
import type { DhcpEvent } from './dhcp-event.js'
import { isActive, type Lease } from './leases.js'
import { askServers, type ServerQuestion } from './server-question.js'

export interface OtherServersOptions extends Omit<ServerQuestion, 'own' | 'as' | 'enough'> {
  /** The interface's address. */
  readonly server: Ipv4
  /** This service's addresses on all its interfaces: two of them may be on one wire. */
  readonly ours?: readonly Ipv4[]
}

/** The server identifiers of those that answered; the first one ends it. Rejects as askServers does. */
export async function findOtherServers ({ server, ours = [server], ...question }: OtherServersOptions): Promise<readonly Ipv4[]> {
  const isOther = (answer: { readonly server: Ipv4 }): boolean => !ours.includes(answer.server)
  const answers = await askServers({ ...question, own: server, as: 'client', enough: isOther })
  return [...new Set(answers.filter(isOther).map(answer => answer.server))]
}

export interface LookForOthers {
  readonly interfaceName: string
  /** Port 68 on the interface. */
  readonly bind: BindOptions
  /** The interface's hardware address. */
  readonly mac: Mac
  readonly ours?: readonly Ipv4[]
  readonly allowed: boolean
}

/**
 * Whether machines on one of the networks hold leases that run at `now` (epoch milliseconds): a server that comes back to them was there
 * before whoever answers there now. To stay away until it is alone would let anybody who answers once end its machines' boots.
 */
export function hasLeasesOn (leases: Iterable<Lease>, networks: readonly Subnet[], now: number): boolean {
  for (const lease of leases) if (lease.state === 'bound' && isActive(lease, now) && networks.some(network => contains(network, lease.ip))) return true
  return false
}

type Asker = Pick<OtherServersOptions, 'network' | 'server' | 'clock'> & { readonly log: Logger, readonly onEvent: (event: DhcpEvent) => void }

/** Milliseconds for which another server that was seen may be there still. */
const inDoubtFor = 60 * 60_000

/**
 * What is known of other servers. The look at the start is waited for where nobody else may answer; where others may, it goes on beside the
 * work.
 */
export class OtherServers {
  readonly #ended = new AbortController()
  #looking: Promise<void> | undefined
  #isLooking = false
  #seenAt = -Infinity

  /** Whether this one is known to be alone at `now`, epoch milliseconds. */
  isAlone (now: number): boolean { return !this.#isLooking && Math.abs(now - this.#seenAt) > inDoubtFor }

  /** Another one was heard of. */
  seen (now: number): void { this.#seenAt = now }

  async start (look: LookForOthers, asker: Asker): Promise<void> {
    const onEvent = (event: DhcpEvent): void => {
      this.seen(asker.clock.now())
      asker.onEvent(event)
    }
    this.#isLooking = true
    this.#looking = refuseBesideOthers(look, { ...asker, onEvent }, this.#ended.signal).finally(() => { this.#isLooking = false })
    if (look.allowed) unwaited(this.#looking)
    else await this.#looking
  }

  async end (): Promise<void> {
    this.#ended.abort()
    await this.#looking
  }
}

/** Tells of each server that answers; AppError `other_dhcp_server` when one does and is not allowed to. */
async function refuseBesideOthers (
  { interfaceName, bind, mac, ours = [], allowed }: LookForOthers,
  { network, server, clock, log, onEvent }: Asker,
  signal: AbortSignal
): Promise<void> {
  let found: readonly Ipv4[]
  try {
    found = await findOtherServers({ network, bind, mac, server, ours: [server, ...ours], clock, signal })
  } catch (error) {
    log.warn({ interface: interfaceName, error: messageOf(error) }, 'dhcp.others_unknown')
    return
  }
  for (const ip of found) {
    log.warn({ interface: interfaceName, ip: formatIpv4(ip) }, 'dhcp.other_server')
    onEvent({ kind: 'other_server', ip, mac, news: true })
  }
  if (found.length > 0 && !allowed) throw otherServersError(interfaceName, found)
}

export const otherServersError = (interfaceName: string, others: readonly Ipv4[]): AppError => new AppError('other_dhcp_server',
  `another DHCP server answers on ${interfaceName} (${others.map(formatIpv4).join(', ')}): turn it off, set dhcp.mode: proxy to work beside it, or set dhcp.allow_other_servers: true`)
