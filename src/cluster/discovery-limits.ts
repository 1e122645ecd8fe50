// What a stranger can make discovery hold, and whose token gives way to a new one.
import { AppError } from '../base/errors.js'
import type { DiscoveryToken } from './discovery-store.js'

export const discoveryLimits = {
  tokens: 10_000,
  tokensPerAddress: 100,
  largestSize: 100,
  /** Members below one token; etcd itself asks first whether there is room. */
  members: 200,
  /** Below all tokens that a network asked for, and below all that anybody asked for: each may have two kilobytes. */
  membersPerAddress: 2000,
  membersOfAll: 20_000,
  valueOctets: 2048,
  /** Writes that wait for the disk. */
  waitingWrites: 1000,
  /** Milliseconds after which a token that nobody uses is forgotten. */
  unused: 30 * 24 * 3600_000
} as const

/** Members of a new cluster; undefined for what is no such number. */
export function sizeIn (text: string): number | undefined {
  const size = /^\d{1,4}$/.test(text) ? Number(text) : 0
  return size >= 1 && size <= discoveryLimits.largestSize ? size : undefined
}

/**
 * What gives way to a new token of a network; undefined where there is room. A network that has its share gives way to itself, with what
 * nobody joined for the longest time; when all are taken, the network with most tokens loses one to who has fewer. Throws AppError
 * discovery_full.
 */
export function givesWay (tokens: ReadonlyMap<string, DiscoveryToken>, from: string, most: number): string | undefined {
  const asked = [...tokens.values()].filter(({ cluster }) => cluster === '')
  const own = asked.filter(known => known.from === from)
  const isFull = tokens.size >= most
  const hasItsShare = own.length >= discoveryLimits.tokensPerAddress
  if (!hasItsShare && !isFull) return undefined
  const heaviest = hasItsShare ? own : heaviestOf(asked, own)
  const least = heaviest.filter(({ members }) => !hasItsShare || members.size === 0)
    .reduce<DiscoveryToken | undefined>((a, b) => a === undefined || isLess(b, a) ? b : a, undefined)
  if (least === undefined) throw new AppError('discovery_full', `there are too many discovery tokens: ${own.length} of ${from}, ${tokens.size} in all`)
  return least.token
}

/**
 * What gives way to one more member below a token that somebody asked for; undefined where there is room. A network whose tokens have its
 * share has to do with those; when all members are taken, the network with most loses the token that was used longest ago. Throws
 * AppError discovery_full.
 */
export function givesWayToMember (tokens: ReadonlyMap<string, DiscoveryToken>, joined: DiscoveryToken, most: number): string | undefined {
  if (joined.cluster !== '') return undefined
  const asked = [...tokens.values()].filter(({ cluster }) => cluster === '')
  const own = asked.filter(({ from }) => from === joined.from)
  const full = (): never => { throw new AppError('discovery_full', `too many members have joined: ${membersOf(own)} by tokens of ${joined.from}, ${membersOf(asked)} in all`) }
  if (membersOf(own) >= discoveryLimits.membersPerAddress) full()
  if (membersOf(asked) < most) return undefined
  const heaviest = heaviestOf(asked, own, membersOf).filter(({ token, members }) => token !== joined.token && members.size > 0)
  return (heaviest.reduce<DiscoveryToken | undefined>((a, b) => a === undefined || b.used < a.used ? b : a, undefined) ?? full()).token
}

const membersOf = (tokens: readonly DiscoveryToken[]): number => tokens.reduce((sum, { members }) => sum + members.size, 0)

type Weight = (tokens: readonly DiscoveryToken[]) => number

function heaviestOf (
  asked: readonly DiscoveryToken[], own: readonly DiscoveryToken[], weight: Weight = those => those.length
): readonly DiscoveryToken[] {
  const byNetwork = new Map<string, DiscoveryToken[]>()
  for (const known of asked) {
    const those = byNetwork.get(known.from)
    if (those === undefined) byNetwork.set(known.from, [known])
    else those.push(known)
  }
  return [...byNetwork.values()].reduce((most, those) => weight(those) > weight(most) ? those : most, own)
}

/** Whether one is missed less: nobody joined it, or it was used longer ago. */
const isLess = (a: DiscoveryToken, b: DiscoveryToken): boolean =>
  (a.members.size === 0) === (b.members.size === 0) ? a.used < b.used : a.members.size === 0
