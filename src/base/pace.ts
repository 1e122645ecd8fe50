// Shares the turns of the event loop: so many milliseconds of each go into answers to requests, whoever asks for how many at once,
// and the rest waits for the next turn, in order. Between them DHCP and TFTP are heard.

export interface PaceOptions {
  /** Milliseconds of a turn. */
  readonly budget?: number
  /** Milliseconds of a clock that nobody sets. */
  readonly steady?: () => number
  /** Has `next` called in the next turn. */
  readonly nextTurn?: (next: () => void) => void
  /** Where the error of something ends that waited. */
  readonly onError?: (error: unknown) => void
}

interface Task { readonly run: () => void, readonly cost: number }

export class Pace {
  readonly #options: Required<PaceOptions>
  #waiting: Task[] = []
  #spent = 0
  #scheduled = false

  constructor (options: PaceOptions = {}) {
    const nextTurn = (next: () => void): void => { setImmediate(next) }
    this.#options = { budget: 8, steady: () => performance.now(), nextTurn, onError: error => { throw error }, ...options }
  }

  get waiting (): number { return this.#waiting.length }

  /**
   * Runs the task now, if this turn has time for it and nothing waits, else in a later turn. `cost` are milliseconds that it
   * causes elsewhere in the turn.
   */
  run (task: () => void, cost = 0): void {
    if (this.#waiting.length > 0 || this.#spent >= this.#options.budget) this.#waiting.push({ run: task, cost })
    else this.#spend(task, cost)
    this.#schedule()
  }

  /** The same for what has a value. */
  work<T> (task: () => T, cost = 0): Promise<T> {
    return new Promise((resolve, reject) => {
      this.run(() => {
        try {
          resolve(task())
        } catch (error) {
          reject(error instanceof Error ? error : new Error(String(error)))
        }
      }, cost)
    })
  }

  #spend (task: () => void, cost: number): void {
    const { steady } = this.#options
    const began = steady()
    try {
      task()
    } finally {
      this.#spent += steady() - began + cost
    }
  }

  #schedule (): void {
    if (this.#scheduled) return
    this.#scheduled = true
    this.#options.nextTurn(() => { this.#turn() })
  }

  #turn (): void {
    this.#scheduled = false
    this.#spent = 0
    let done = 0
    try {
      while (done < this.#waiting.length && this.#spent < this.#options.budget) {
        const { run, cost } = this.#waiting[done++]!
        try {
          this.#spend(run, cost)
        } catch (error) {
          this.#options.onError(error)
        }
      }
    } finally {
      this.#waiting = this.#waiting.slice(done)
      if (this.#spent > 0 || this.#waiting.length > 0) this.#schedule()
    }
  }
}
