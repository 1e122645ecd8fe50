// Tokens for guarded configs: a machine's script carries one, and its config is given out only to whoever brings it, in
// time and a few times. A token proves itself (RFC 2104): nothing has to be remembered for those that are never used, and
// a restart between script and config does no harm. How often each was used is kept elsewhere (guard-use-file,
// cluster/guard-uses).
import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import { counted } from '../base/units.js'
import type { GuardLimits } from '../matchbox/guard.js'
import type { Mac } from '../net/mac.js'

/** Why a token is not taken, in words for the machine's record. */
export type TokenRefusal = string

/** How often a token was used, and when it ends, in milliseconds of the same clock. */
export interface GuardUse { readonly name: string, readonly count: number, readonly until: number }

/** Tells a token from others, and is of no use to whoever reads it. */
export const nameOfToken = (token: string): string => createHash('sha256').update(token).digest('hex').slice(0, 32)

/** Octets of the authentication code that are sent: 128 bits, as RFC 2104 section 5 advises at least half. */
const codeOctets = 16
/** Tokens whose use is counted at once: only those that were good get counted, so only as many as scripts were served. */
const mostCounted = 65_536

/** What is said of a token that was used as often as it may be. */
export const usedUp = (count: number): TokenRefusal =>
  `the guard token was used ${counted(count, 'time')} already, which is all that guard_count allows: the machine has to fetch its script again`

export class GuardTokens {
  readonly #secret: Buffer
  /** By the name of their token, in the order of first use. */
  readonly #used = new Map<string, GuardUse>()

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
  check (mac: Mac, token: string | undefined, now: number, window: number, slack = 0): TokenRefusal | { readonly made: number } {
    if (token === undefined || token === '') return 'the request carries no guard token: the address in the kernel arguments was not made by the machine\'s own script'
    const [, time = '', code = ''] = /^([0-9a-z]{1,11})-([A-Za-z0-9_-]{22})$/.exec(token) ?? []
    const given = Buffer.from(code, 'base64url')
    // The last letter of base64 has bits to spare: spelled otherwise it would be another token, with uses of its own.
    const isPlain = given.length === codeOctets && given.toString('base64url') === code
    if (!isPlain || !timingSafeEqual(given, this.#code(mac, time))) return 'the guard token is not one that was given to this machine'
    const made = parseInt(time, 36)
    // One of the future, which there should be none of, ends no later than one of now.
    const age = Math.abs(now - made)
    if (age > window + slack) return `the guard token is ${Math.round(age / 1000)} s old, and guard_window is ${Math.round(window / 1000)} s: the machine has to fetch its script again`
    return { made }
  }

  /** Counts a use and gives undefined, or says why the token is not taken. */
  take (mac: Mac, token: string | undefined, now: number, { window, count }: GuardLimits): TokenRefusal | undefined {
    const checked = this.check(mac, token, now, window)
    if (typeof checked === 'string' || token === undefined) return typeof checked === 'string' ? checked : undefined
    this.#forget(now)
    const name = nameOfToken(token)
    const used = this.#used.get(name)
    if ((used?.count ?? 0) >= count) return usedUp(count)
    this.#used.set(name, { name, count: (used?.count ?? 0) + 1, until: used?.until ?? checked.made + window })
    return undefined
  }

  get uses (): Iterable<GuardUse> { return this.#used.values() }

  useOf (token: string): GuardUse | undefined { return this.#used.get(nameOfToken(token)) }

  /** What was kept of a token before a restart. */
  know (use: GuardUse): void { this.#used.set(use.name, use) }

  /** A use that came to nothing. */
  giveBack (token: string): void {
    const used = this.useOf(token)
    if (used === undefined) return
    if (used.count <= 1) this.#used.delete(used.name)
    else this.#used.set(used.name, { ...used, count: used.count - 1 })
  }

  #code (mac: Mac, time: string): Buffer {
    return createHmac('sha256', this.#secret).update(`${mac} ${time}`).digest().subarray(0, codeOctets)
  }

  #forget (now: number): void {
    for (const [token, { until }] of this.#used) {
      if (until >= now && this.#used.size < mostCounted) return
      this.#used.delete(token)
    }
  }
}
