// Which address to look at while no new machine comes, so that the first one that does waits for no look either. One every two seconds, in
// turn: the kernel asks three times by ARP for an address that nobody has, and a network's administrator is to see neither a burst nor a
// sweep. A handful is kept looked at as an offer needs it (looks-ahead.ts), for machines that are switched on one by one. The others up to
// what is looked at ahead were found free a few minutes ago: the first newcomer has them asked after all at once, and of such an address a
// short silence is enough.
import type { Ipv4 } from '../net/ipv4.js'
import { mostAhead } from './looks-ahead.js'

/** Milliseconds from one to the next. */
export const idleEvery = 2000

/** So many of the addresses that are given next have a look that counts. */
export const handful = 16

/** And so many one that found them free lately. */
export const mostIdle = mostAhead

/** Milliseconds after which such a look is made anew: before it counts no more, and before it is forgotten. */
const renewed = { handful: 50_000, others: 240_000 } as const

/**
 * The address to look at at `now` of those that are `upcoming`, the next one first; undefined when each was looked at lately. `begunAt`:
 * when the look at an address began that is remembered, epoch milliseconds.
 */
export function nextIdleLook (upcoming: readonly Ipv4[], begunAt: (ip: Ipv4) => number | undefined, now: number): Ipv4 | undefined {
  const oldest = (addresses: readonly Ipv4[], after: number): Ipv4 | undefined => {
    let found: { readonly ip: Ipv4, readonly age: number } | undefined
    for (const ip of addresses) {
      const at = begunAt(ip)
      // A clock that was set back makes every look one of the future.
      const age = at === undefined || at > now ? Infinity : now - at
      if (age >= after && age > (found?.age ?? 0)) found = { ip, age }
    }
    return found?.ip
  }
  return oldest(upcoming.slice(0, handful), renewed.handful) ?? oldest(upcoming.slice(handful, mostIdle), renewed.others)
}
