// How many lines of the log strangers can cause. Of each event so many are written, of one sender and in all, the first at once; the
// others are counted, and how many they were is told once a minute. Machines that somebody named have rations of their own in all: who
// makes up machines leaves no named one's lines out.
import { networkOf } from '../net/ipv4.js'
import { type Rate, RateLimiter } from './rate-limit.js'

/** What was given (info) and what went wrong (warn, error): thousands of machines that boot at once are told of one by one. */
export const lineRates = {
  info: { perSender: { burst: 2000, perSecond: 20 }, inAll: { burst: 10_000, perSecond: 100 } },
  warn: { perSender: { burst: 60, perSecond: 1 }, inAll: { burst: 1000, perSecond: 10 } }
} as const satisfies Readonly<Record<string, { readonly perSender: Rate, readonly inAll: Rate }>>

/** Of senders nobody has heard of for longer, the next line is their first. */
const mostSenders = 4096

/** What whoever reaches a port can cause. Who calls the API has shown a certificate, and what it changes is always told. */
const ofStrangers = /^(?:dhcp|tftp|http|https|boot|machine|discovery|update)\.|^grpc\.(?!call$)/

/** Of an event, as it is told. */
export interface LeftOut {
  readonly event: string
  readonly lines: number
  /** Whose all of them are; absent where they are of several. */
  readonly from?: string
}

interface Rations {
  readonly perSender: RateLimiter<string>
  readonly inAll: RateLimiter<string>
}

export class LineRations {
  readonly #rations = { info: rationsOf(lineRates.info), warn: rationsOf(lineRates.warn) } as const
  #leftOut = new Map<string, { lines: number, from: string | undefined }>()
  #isNamed: (mac: string) => boolean = () => false

  /** Those that `isNamed` tells to be named, by the hardware address that a line has in `mac`. */
  countByThemselves (isNamed: (mac: string) => boolean): void { this.#isNamed = isNamed }

  /** Whether this line is to be written; if not, it is counted. */
  take (event: string, fields: object, level: 'info' | 'warn', now: number): boolean {
    if (!ofStrangers.test(event)) return true
    const from = senderOf(event, fields)
    const { perSender, inAll } = this.#rations[level]
    const { mac }: { readonly mac?: unknown } = fields
    const among = typeof mac === 'string' && this.#isNamed(mac) ? `${event} named` : event
    if (perSender.take(`${event} ${from}`, now) && inAll.take(among, now)) return true
    const before = this.#leftOut.get(event)
    this.#leftOut.set(event, { lines: (before?.lines ?? 0) + 1, from: before === undefined || before.from === from ? from : undefined })
    return false
  }

  /** What was left out since this was asked last. */
  leftOut (): readonly LeftOut[] {
    const all = [...this.#leftOut].map(([event, { lines, from }]) => ({ event, lines, ...from !== undefined && from !== '' && { from } }))
    this.#leftOut = new Map()
    return all
  }
}

const rationsOf = ({ perSender, inAll }: { readonly perSender: Rate, readonly inAll: Rate }): Rations =>
  ({ perSender: new RateLimiter(perSender, mostSenders), inAll: new RateLimiter(inAll, mostSenders) })

/**
 * In DHCP `ip` is what a machine is given. A hardware address is else what somebody says, an IP address where it comes from: of IPv6 the
 * network in which one host may make up as many as it likes.
 */
function senderOf (event: string, fields: object): string {
  const { mac, ip, peer }: { readonly mac?: unknown, readonly ip?: unknown, readonly peer?: unknown } = fields
  const at = typeof ip === 'string' ? ip : typeof peer === 'string' ? peer.replace(/:\d+$/, '') : undefined
  const named = typeof mac === 'string' ? mac : undefined
  if (event.startsWith('dhcp.')) return named ?? at ?? ''
  if (at === undefined) return named ?? ''
  const network = networkOf(at)
  return network.includes(':') ? `${network}::/64` : network
}
