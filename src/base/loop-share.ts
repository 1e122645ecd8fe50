// Long work of one kind shares the event loop: some milliseconds of a turn go into it, the rest waits for a turn to come. Counting
// what is done would not do: what a thousand take depends on the machine, and on how many of them there are already.
import { setImmediate } from 'node:timers/promises'

export interface LoopShareOptions {
  /** Milliseconds of a turn. */
  readonly budget?: number
  /** Milliseconds of a clock that nobody sets. */
  readonly steady?: () => number
  readonly nextTurn?: () => Promise<void>
}

export class LoopShare {
  readonly #options: Required<LoopShareOptions>
  #began: number

  constructor (options: LoopShareOptions = {}) {
    this.#options = { budget: 5, steady: () => performance.now(), nextTurn: () => setImmediate(), ...options }
    this.#began = this.#options.steady()
  }

  /** Whether the work has had its part of this turn, and is to wait for `next`. */
  get isOver (): boolean { return this.#options.steady() - this.#began >= this.#options.budget }

  /** Resolves in the next turn. */
  async next (): Promise<void> {
    await this.#options.nextTurn()
    this.#began = this.#options.steady()
  }
}
