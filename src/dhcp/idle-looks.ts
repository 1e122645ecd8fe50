// Which address to look at while no new machine comes, so that the first ones that do wait for no look either. One every half a second, in
// turn: the kernel asks three times by ARP for an address that nobody has, and switches that watch over ARP shut the port of who sends more
// than 15 requests a second.
import type { Ipv4 } from '../net/ipv4.js'
import { mostAhead } from './looks-ahead.js'

/** Milliseconds from one to the next. */
export const idleEvery = 500

/** So many of the addresses that are given next have a look that found them free lately. */
export const mostIdle = mostAhead

/** Milliseconds after which a look is made anew: before it is forgotten. */
const renewed = 240_000

/**
 * The address to look at at `now` of those that are `upcoming`, the next one first; undefined when each was looked at lately. `begunAt`:
 * when the look at an address began that is remembered, epoch milliseconds.
 */
export function nextIdleLook (upcoming: readonly Ipv4[], begunAt: (ip: Ipv4) => number | undefined, now: number): Ipv4 | undefined {
  let found: { readonly ip: Ipv4, readonly age: number } | undefined
  for (const ip of upcoming.slice(0, mostIdle)) {
    const at = begunAt(ip)
    // A clock that was set back makes every look one of the future.
    const age = at === undefined || at > now ? Infinity : now - at
    if (age >= renewed && age > (found?.age ?? 0)) found = { ip, age }
  }
  return found?.ip
}
