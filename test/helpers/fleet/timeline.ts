// Time that passes from event to event, for many processes in one: each has a clock of its own, which may be off, can be stopped for a
// while (SIGSTOP) and killed. What happens, and in which order, is told by the seed alone.
import type { Clock, Timer } from '../../../src/base/clock.js'

/** Somebody whose events happen, later or never. */
export class Process {
  alive = true
  /** Nothing of it happens before. */
  #pausedUntil = 0
  #late: Partial<Record<Arrival, number>> = {}

  /** Stops it until a time. What arrived meanwhile is read in its own order, but a socket before or after the other, `late` milliseconds. */
  pause (until: number, late: Partial<Record<Arrival, number>> = {}): void {
    this.#pausedUntil = until
    this.#late = late
  }

  /** When something of it happens that would at this time. */
  next (at: number, arrival: Arrival | undefined): number {
    return Math.max(at, this.#pausedUntil + (arrival === undefined ? 0 : this.#late[arrival] ?? 0))
  }
}

/** What comes by a socket. */
export type Arrival = 'datagram' | 'stream'

interface Event { at: number, readonly order: number, readonly owner: Process | undefined, readonly arrival: Arrival | undefined, readonly fire: () => void, cancelled: boolean }

export class Timeline {
  /** Milliseconds; the true time. */
  now = 1_700_000_000_000
  #order = 0
  readonly #heap: Event[] = []

  after (milliseconds: number, fire: () => void, owner?: Process, arrival?: Arrival): Timer {
    const event: Event = { at: this.now + Math.max(0, milliseconds), order: this.#order++, owner, arrival, fire, cancelled: false }
    this.#push(event)
    return { cancel: () => { event.cancelled = true } }
  }

  /** The clock of a process that believes to be so many milliseconds ahead. */
  clock (owner: Process, skew: number): Clock {
    return {
      now: () => this.now + skew,
      after: (milliseconds, fire) => this.after(milliseconds, fire, owner),
      every: (milliseconds, fire) => {
        let timer: Timer
        const again = (): void => {
          timer = this.after(milliseconds, () => {
            again()
            fire()
          }, owner)
        }
        again()
        return { cancel: () => { timer.cancel() } }
      }
    }
  }

  /** Until the time is `end`; what each event sets going has its turn before the next. */
  async run (end: number): Promise<void> {
    for (let event = this.#heap[0]; event !== undefined && event.at <= end; event = this.#heap[0]) {
      this.#pop()
      const { owner } = event
      if (event.cancelled || owner?.alive === false) continue
      const next = owner?.next(event.at, event.arrival) ?? event.at
      if (next > event.at) {
        event.at = next
        this.#push(event)
        continue
      }
      this.now = Math.max(this.now, event.at)
      event.fire()
      if (owner === undefined) continue
      // Promises, and what waits for the next turn of the event loop as a batch of leases does.
      await nextTurn()
      await nextTurn()
    }
    this.now = end
  }

  #push (event: Event): void {
    const heap = this.#heap
    let at = heap.push(event) - 1
    while (at > 0) {
      const up = (at - 1) >> 1
      if (!isBefore(event, heap[up]!)) break
      heap[at] = heap[up]!
      at = up
    }
    heap[at] = event
  }

  #pop (): void {
    const heap = this.#heap
    const last = heap.pop()!
    if (heap.length === 0) return
    let at = 0
    for (;;) {
      let down = 2 * at + 1
      if (down >= heap.length) break
      if (down + 1 < heap.length && isBefore(heap[down + 1]!, heap[down]!)) down++
      if (!isBefore(heap[down]!, last)) break
      heap[at] = heap[down]!
      at = down
    }
    heap[at] = last
  }
}

const isBefore = (one: Event, other: Event): boolean => one.at < other.at || (one.at === other.at && one.order < other.order)
const nextTurn = (): Promise<void> => new Promise(resolve => { setImmediate(resolve) })
