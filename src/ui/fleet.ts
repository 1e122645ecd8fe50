// What the whole fleet did in the last day, a figure a minute, from counters that only grow: a ring of one day, and nothing on disk.

/** Counts since the service started, and one that goes up and down. */
export interface FleetCounts {
  /** Boots that ended with a config or an installed system. */
  readonly finished: number
  /** That were told to start from their disk. */
  readonly disk: number
  /** That ended with nothing of the kind. */
  readonly failed: number
  /** Octets sent to machines by HTTP and TFTP. */
  readonly octets: number
  /** TFTP packets that were sent more than once. */
  readonly resent: number
  /** In force now. */
  readonly leases: number
}

export const minutesKept = 1440
const keys = ['finished', 'disk', 'failed', 'octets', 'resent', 'leases'] as const satisfies ReadonlyArray<keyof FleetCounts>

/** What was counted between two moments; of leases how many there were at most. */
export interface FleetSpan extends FleetCounts {
  /** Epoch milliseconds of its beginning. */
  readonly from: number
  readonly minutes: number
  /** Of its minutes, the one with the most octets. */
  readonly mostOctets: number
}

export class Fleet {
  /** Minute by minute; a minute's place is its number since the epoch, modulo the size. */
  readonly #values = new Float64Array(minutesKept * keys.length)
  readonly #minuteAt = new Float64Array(minutesKept).fill(-1)
  #before: FleetCounts | undefined
  /** Epoch milliseconds; undefined before the first figure. */
  #since: number | undefined

  get since (): number | undefined { return this.#since }

  /** To be called about once a minute. What was counted since the call before is told of the minute that ends at `at`. */
  add (counts: FleetCounts, at: number): void {
    const before = this.#before
    this.#before = counts
    this.#since ??= at
    if (before === undefined) return
    const minute = Math.floor(at / 60_000)
    const place = minute % minutesKept
    // Two in one minute add up.
    const isSame = this.#minuteAt[place] === minute
    this.#minuteAt[place] = minute
    keys.forEach((key, column) => {
      const index = place * keys.length + column
      const value = key === 'leases' ? counts.leases : Math.max(0, counts[key] - before[key])
      this.#values[index] = key === 'leases' ? Math.max(value, isSame ? this.#values[index]! : 0) : value + (isSame ? this.#values[index]! : 0)
    })
  }

  /** The last `count` spans of so many minutes each, the last of them with the minute of `now` in it. */
  spans (now: number, count: number, minutes: number): readonly FleetSpan[] {
    const last = Math.floor(now / 60_000 / minutes)
    return Array.from({ length: count }, (_, at) => this.#span((last - count + 1 + at) * minutes, minutes))
  }

  #span (first: number, minutes: number): FleetSpan {
    const span = { from: first * 60_000, minutes, finished: 0, disk: 0, failed: 0, octets: 0, resent: 0, leases: 0, mostOctets: 0 }
    for (let minute = first; minute < first + minutes; minute++) {
      const place = minute % minutesKept
      if (this.#minuteAt[place] !== minute) continue
      keys.forEach((key, column) => {
        const value = this.#values[place * keys.length + column]!
        span[key] = key === 'leases' ? Math.max(span.leases, value) : span[key] + value
        if (key === 'octets') span.mostOctets = Math.max(span.mostOctets, value)
      })
    }
    return span
  }
}
