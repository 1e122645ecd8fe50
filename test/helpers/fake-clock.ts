// A clock that stands still until a test moves it; timers fire in the order of their times while it moves.
import type { Clock, Timer } from '../../src/base/clock.js'

interface Pending { readonly id: number, at: number, readonly period: number | undefined, readonly fire: () => void }

export class FakeClock implements Clock {
  #now: number
  #next = 0
  readonly #pending = new Map<number, Pending>()

  constructor (start = 1_700_000_000_000) { this.#now = start }

  now = (): number => this.#now
  after = (milliseconds: number, fire: () => void): Timer => this.#add(milliseconds, undefined, fire)
  every = (milliseconds: number, fire: () => void): Timer => this.#add(milliseconds, milliseconds, fire)

  /** How many timers have not fired: a closed thing leaves none. */
  get pending (): number { return this.#pending.size }

  /** Moves the time, firing what falls due on the way at its own time. */
  advance (milliseconds: number): void {
    const end = this.#now + milliseconds
    for (;;) {
      const due = [...this.#pending.values()].filter(p => p.at <= end).sort((a, b) => a.at - b.at || a.id - b.id)[0]
      if (due === undefined) break
      this.#now = Math.max(this.#now, due.at)
      if (due.period === undefined) this.#pending.delete(due.id)
      else due.at += Math.max(1, due.period)
      due.fire()
    }
    this.#now = end
  }

  #add (milliseconds: number, period: number | undefined, fire: () => void): Timer {
    const id = this.#next++
    this.#pending.set(id, { id, at: this.#now + milliseconds, period, fire })
    return { cancel: () => { this.#pending.delete(id) } }
  }
}
