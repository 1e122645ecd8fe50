// Token buckets: one for each of many keys, or one alone. A bucket fills at a steady rate up to its size, and each thing
// done takes one token out. Buckets nobody used for a while are forgotten, so that made-up keys can't fill the memory.

export interface Rate {
  /** How many at once after a pause. */
  readonly burst: number
  readonly perSecond: number
}

export class TokenBucket {
  readonly #rate: Rate
  #tokens: number
  #at: number

  constructor (rate: Rate, now: number) {
    this.#rate = rate
    this.#tokens = rate.burst
    this.#at = now
  }

  /** Whether one more may be done at `now` (epoch milliseconds); a clock set back fills nothing. */
  take (now: number): boolean {
    const { burst, perSecond } = this.#rate
    this.#tokens = Math.min(burst, this.#tokens + Math.max(0, now - this.#at) * perSecond / 1000)
    this.#at = now
    if (this.#tokens < 1) return false
    this.#tokens--
    return true
  }
}

/** A bucket for each key. Two generations of at most `most` keys: those not used through a whole one start full again. */
export class RateLimiter<Key> {
  readonly #rate: Rate
  readonly #most: number
  #young = new Map<Key, TokenBucket>()
  #old = new Map<Key, TokenBucket>()

  constructor (rate: Rate, most: number) {
    this.#rate = rate
    this.#most = most
  }

  get size (): number { return this.#young.size + this.#old.size }

  take (key: Key, now: number): boolean {
    const bucket = this.#young.get(key) ?? this.#bring(key, now)
    return bucket.take(now)
  }

  #bring (key: Key, now: number): TokenBucket {
    const bucket = this.#old.get(key) ?? new TokenBucket(this.#rate, now)
    if (this.#young.size >= this.#most) {
      this.#old = this.#young
      this.#young = new Map()
    }
    this.#young.set(key, bucket)
    return bucket
  }
}
