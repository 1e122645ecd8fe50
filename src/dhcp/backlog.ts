// What waits while more arrives than can be answered. Goodput has to level off then, not fall: an answer that comes too late
// is work for nothing, and a REQUEST that is lost has cost a DISCOVER and an offer already. So there are three lanes. Machines
// that somebody named go first, whatever they say, and nothing of theirs is dropped for a stranger. Then what strangers send
// but DISCOVERs, and these last; of them the newest goes first, whose machine waits for it still, and the oldest is dropped,
// whose machine asks again. All this is told undecoded.
import { headerLength } from './constants.js'

/** Milliseconds after which a stranger's DISCOVER is not worth an answer: its machine has given this try up, or been answered elsewhere. */
const stale = 200
/** DISCOVERs of strangers that may wait. */
export const mostDiscovers = 512
/** Other messages of strangers that may wait: nobody but a flood sends so many before one is looked at. */
export const mostOthers = 4096
/** Messages of machines that somebody named, of one and of all: whoever speaks in the name of one crowds out that one alone. */
export const mostOfKnown = { each: 8, all: 8192 } as const

interface QueuedItem<T> { readonly item: T, readonly at: number }

export class Backlog<T> {
  readonly #known: Array<{ readonly item: T, readonly key: string }> = []
  readonly #ofKnown = new Map<string, number>()
  readonly #others: T[] = []
  /** The oldest first. */
  readonly #discovers: Array<QueuedItem<T>> = []

  get size (): number { return this.#known.length + this.#others.length + this.#discovers.length }
  /** Messages of machines that somebody named. */
  get known (): number { return this.#known.length }

  /** One more of a machine that somebody named, which `key` stands for; false when it is dropped. */
  pushKnown (item: T, key: string): boolean {
    const waiting = this.#ofKnown.get(key) ?? 0
    if (waiting >= mostOfKnown.each || this.#known.length >= mostOfKnown.all) return false
    this.#ofKnown.set(key, waiting + 1)
    this.#known.push({ item, key })
    return true
  }

  /**
   * One more of a stranger, at `now` (milliseconds of a clock that nobody sets); false when it, or an older one in its place, is
   * dropped.
   */
  push (item: T, isDiscover: boolean, now: number): boolean {
    if (!isDiscover) {
      const hasRoom = this.#others.length < mostOthers
      if (hasRoom) this.#others.push(item)
      return hasRoom
    }
    const isFull = this.#discovers.push({ item, at: now }) > mostDiscovers
    if (isFull) this.#discovers.shift()
    return !isFull
  }

  /** The next to answer; undefined when nothing waits. */
  take (): T | undefined {
    const known = this.#known.shift()
    if (known !== undefined) {
      const waiting = this.#ofKnown.get(known.key)! - 1
      if (waiting === 0) this.#ofKnown.delete(known.key)
      else this.#ofKnown.set(known.key, waiting)
      return known.item
    }
    return this.#others.shift() ?? this.#discovers.pop()?.item
  }

  /** Drops the DISCOVERs that are stale at `now`, and says how many. */
  expire (now: number): number {
    const before = this.#discovers.length
    while (this.#discovers[0] !== undefined && now - this.#discovers[0].at > stale) this.#discovers.shift()
    return before - this.#discovers.length
  }
}

const messageType = 53
const discover = 1
const pad = 0
/** Options that are looked at. */
const mostOptions = 16

/** Whether a datagram is a DISCOVER, found out without decoding it; option 53 is among the first in every client's message. */
export function isDiscover (data: Buffer): boolean {
  for (let at = headerLength, options = 0; options < mostOptions; options++) {
    while (data[at] === pad) at++
    const [code, length = 0, value] = data.subarray(at, at + 3)
    if (value === undefined || code === messageType) return value === discover
    at += 2 + length
  }
  return false
}
