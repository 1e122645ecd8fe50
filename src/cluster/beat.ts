// A look at whether etcd is there, every two seconds and one at a time; after one that failed sooner at first: a member that restarts is
// back in a moment.
import type { Clock, Timer } from '../base/clock.js'
import { unwaited } from '../base/errors.js'

export interface BeatOptions {
  readonly clock: Clock
  /** From 0 to 1, so that several do not all come back at once. */
  readonly random?: (() => number) | undefined
  /** false: after one that failed nothing is tried again. */
  readonly repeats: boolean
  readonly look: () => Promise<void>
  readonly onFailure: (error: unknown) => void
}

/** Milliseconds. */
const every = 2000
const shortestPause = 200
const longestPause = 5000

export class Beat {
  readonly #options: BeatOptions
  #timers: Timer[] = []
  #pause = shortestPause
  #isLooking = false
  #closed = false
  /** The look that is under way, or the last. */
  working: Promise<void> = Promise.resolve()

  constructor (options: BeatOptions) { this.#options = options }

  start (): void { this.#timers = [this.#options.clock.every(every, () => { unwaited(this.now()) })] }

  /** One more, unless one is under way. Never rejects. */
  async now (): Promise<void> {
    if (this.#isLooking || this.#closed) return
    this.#isLooking = true
    const work = (async () => {
      try {
        await this.#options.look()
        this.#pause = shortestPause
      } catch (error) {
        this.#options.onFailure(error)
        this.#again()
      } finally {
        this.#isLooking = false
      }
    })()
    this.working = work
    await work
  }

  /** `working` may still be under way. */
  close (): void {
    this.#closed = true
    for (const timer of this.#timers) timer.cancel()
  }

  #again (): void {
    const { clock, random = Math.random, repeats } = this.#options
    if (this.#closed || !repeats || this.#pause >= every) return
    const timer = clock.after(Math.floor(this.#pause * (1 + random())), () => {
      this.#timers = this.#timers.filter(other => other !== timer)
      unwaited(this.now())
    })
    this.#timers.push(timer)
    this.#pause = Math.min(longestPause, this.#pause * 2)
  }
}
