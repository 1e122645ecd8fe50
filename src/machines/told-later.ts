// What was seen of machines while others wait to be answered: a thousand that are switched on together ask within a moment, and a third of
// the work is what is recorded of each. Nobody waits for a line of a timeline, so it is told once they were answered. What is told of
// one machine is told in its order, and before anybody asks for that machine.
import type { Mac } from '../net/mac.js'

export interface ToldLaterOptions {
  /** Whether somebody waits to be answered. */
  readonly isBehind: () => boolean
  /** Milliseconds of a clock that nobody sets. */
  readonly steady?: () => number
  /** Has `next` called in the next turn of the event loop. */
  readonly nextTurn?: (next: () => void) => void
}

/** Things that may wait to be told, 1.5 KB each: a message, decoded. With one more those of the machine that waits longest are told. */
export const mostUntold = 4096
/** Milliseconds after which it is told, whoever waits. */
export const longestUntold = 250
/** Milliseconds of a turn that go into telling. */
const budget = 4

interface UntoldOfMachine { readonly since: number, readonly tasks: Array<() => void> }

export class ToldLater {
  readonly #options: Required<ToldLaterOptions>
  /** Who waits longest comes first. */
  readonly #machines = new Map<Mac, UntoldOfMachine>()
  #count = 0
  #scheduled = false

  constructor (options: ToldLaterOptions) {
    this.#options = { steady: () => performance.now(), nextTurn: next => { setImmediate(next) }, ...options }
  }

  /** Things that are not told yet. */
  get waiting (): number { return this.#count }

  /** Has `tell` called now, or when nobody waits any more. What throws in it ends with its turn. */
  later (mac: Mac, tell: () => void): void {
    if (!this.#options.isBehind()) {
      this.now(mac)
      tell()
      return
    }
    const known = this.#machines.get(mac)
    if (known === undefined) this.#machines.set(mac, { since: this.#options.steady(), tasks: [tell] })
    else known.tasks.push(tell)
    if (++this.#count > mostUntold) this.#tellOldest()
    this.#schedule()
  }

  /** Tells what is not told of the machine. */
  now (mac: Mac): void {
    const untold = this.#count === 0 ? undefined : this.#machines.get(mac)
    if (untold === undefined) return
    // Who is told may ask for the machine in turn.
    this.#machines.delete(mac)
    this.#count -= untold.tasks.length
    for (const tell of untold.tasks) tell()
  }

  /** Tells everything. */
  close (): void { while (this.#tellOldest() !== undefined); }

  #schedule (): void {
    if (this.#scheduled) return
    this.#scheduled = true
    this.#options.nextTurn(() => { this.#turn() })
  }

  #turn (): void {
    const { isBehind, steady } = this.#options
    this.#scheduled = false
    const began = steady()
    try {
      for (let now = began; now - began < budget; now = steady()) {
        const [oldest] = this.#machines.values()
        if (oldest === undefined || (isBehind() && now - oldest.since < longestUntold)) break
        this.#tellOldest()
      }
    } finally {
      if (this.#count > 0) this.#schedule()
    }
  }

  /** Whose was told; undefined when nothing is left. */
  #tellOldest (): Mac | undefined {
    const [mac] = this.#machines.keys()
    if (mac !== undefined) this.now(mac)
    return mac
  }
}
