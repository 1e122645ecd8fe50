// Tokens for guarded configs: a machine's script carries one, and its config is given out only to whoever brings it, in
// time and a few times. A token proves itself (RFC 2104): nothing has to be remembered for those that are never used, and
// a restart between script and config does no harm.
import { createHmac, timingSafeEqual } from 'node:crypto'
import type { Mac } from '../net/mac.js'

/** Why a token is not taken, in words for the machine's record. */
export type Refusal = string

export interface GuardLimits {
  /** Milliseconds from the script to the last config. */
  readonly window: number
  /** How many times one token is good. */
  readonly count: number
}

/** Octets of the authentication code that are sent: 128 bits, as RFC 2104 section 5 advises at least half. */
const macOctets = 16
/** Tokens whose use is counted at once: only those that were good get counted, so only as many as scripts were served. */
const mostCounted = 65_536

export class GuardTokens {
  readonly #secret: Buffer
  /** By token, in the order of first use: how often it was used and when it ends. */
  readonly #used = new Map<string, { count: number, readonly until: number }>()

  /** `secret`: 32 octets that nobody else knows, the same after a restart. */
  constructor (secret: Buffer) { this.#secret = secret }

  /** `0mf3k2q8-<22 characters>`: made for that machine at that time (milliseconds of a clock that nobody sets). */
  mint (mac: Mac, now: number): string {
    const time = now.toString(36)
    return `${time}-${this.#code(mac, time).toString('base64url')}`
  }

  /**
   * Whether it was made for that machine in time, and when; how often it was used is another matter. `slack`: milliseconds that the
   * clock of whoever made it may be off.
   */
  check (mac: Mac, token: string | undefined, now: number, window: number, slack = 0): Refusal | { readonly made: number } {
    if (token === undefined || token === '') return 'the request carries no guard token: the address in the kernel arguments was not made by the machine\'s own script'
    const [, time = '', code = ''] = /^([0-9a-z]{1,11})-([A-Za-z0-9_-]{22})$/.exec(token) ?? []
    const given = Buffer.from(code, 'base64url')
    // The last letter of base64 has bits to spare: spelled otherwise it would be another token, with uses of its own.
    const isPlain = given.length === macOctets && given.toString('base64url') === code
    if (!isPlain || !timingSafeEqual(given, this.#code(mac, time))) return 'the guard token is not one that was given to this machine'
    const made = parseInt(time, 36)
    // One of the future, which there should be none of, ends no later than one of now.
    const age = Math.abs(now - made)
    if (age > window + slack) return `the guard token is ${Math.round(age / 1000)} s old, and guard_window is ${Math.round(window / 1000)} s: the machine has to fetch its script again`
    return { made }
  }

  /** Counts a use and gives undefined, or says why the token is not taken. */
  take (mac: Mac, token: string | undefined, now: number, { window, count }: GuardLimits): Refusal | undefined {
    const checked = this.check(mac, token, now, window)
    if (typeof checked === 'string' || token === undefined) return typeof checked === 'string' ? checked : undefined
    this.#forget(now)
    const used = this.#used.get(token)
    if ((used?.count ?? 0) >= count) return `the guard token was used ${count} times already, which is all that guard_count allows: the machine has to fetch its script again`
    if (used === undefined) this.#used.set(token, { count: 1, until: checked.made + window })
    else used.count++
    return undefined
  }

  #code (mac: Mac, time: string): Buffer {
    return createHmac('sha256', this.#secret).update(`${mac} ${time}`).digest().subarray(0, macOctets)
  }

  #forget (now: number): void {
    for (const [token, { until }] of this.#used) {
      if (until >= now && this.#used.size < mostCounted) return
      this.#used.delete(token)
    }
  }
}
