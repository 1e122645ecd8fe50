// When the mirror looks at its sources: an interval after the last time, give or take, so that many mirrors do not ask
// their publisher at once; sooner after a failure, at first.
import type { Clock, Timer } from '../base/clock.js'

export interface ScheduleOptions {
  /** Milliseconds. */
  readonly interval: number
  /** When the sources were last looked at, milliseconds since the epoch; undefined for never. */
  readonly last: number | undefined
  readonly clock: Clock
  /** 0 to 1. */
  readonly random: () => number
  /** Looks at the sources; false when something went wrong. Never throws. */
  readonly run: () => Promise<boolean>
}

/** The longest that a look is put off by chance, in milliseconds; a tenth of the interval where that is shorter. */
const longestJitter = 600_000
/** The wait after the first failure, in milliseconds: doubled after each further one, up to the interval. */
const firstRetry = 300_000

export class Schedule {
  readonly #options: ScheduleOptions
  #timer: Timer | undefined
  #running: Promise<void> = Promise.resolve()
  #failures = 0
  #closed = false

  constructor (options: ScheduleOptions) {
    this.#options = options
    const { last, clock, interval } = options
    // What was never looked at is not put off.
    this.#wait(last === undefined ? 0 : Math.max(0, last + interval - clock.now()) + this.#jitter())
  }

  /** Resolves when what is under way has ended. */
  async close (): Promise<void> {
    this.#closed = true
    this.#timer?.cancel()
    await this.#running
  }

  #jitter (): number {
    const { interval, random } = this.#options
    return random() * Math.min(longestJitter, interval / 10)
  }

  #wait (milliseconds: number): void {
    if (this.#closed) return
    this.#timer = this.#options.clock.after(milliseconds, () => { this.#running = this.#run() })
  }

  async #run (): Promise<void> {
    this.#failures = await this.#options.run() ? 0 : this.#failures + 1
    const { interval } = this.#options
    this.#wait((this.#failures === 0 ? interval : Math.min(interval, firstRetry * 2 ** (this.#failures - 1))) + this.#jitter())
  }
}
