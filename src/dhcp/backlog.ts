// What waits while more arrives than can be answered. Goodput has to level off then, not fall: an answer that comes too late
// is work for nothing, and a REQUEST that is lost has cost a DISCOVER and an offer already. So REQUESTs and the rest go
// first, DISCOVERs of machines with a reservation among them, and are never dropped for a stranger's DISCOVER; of those the
// newest goes first, whose machine waits for it still, and the oldest is dropped, whose machine asks again. All this is told
// undecoded.
import { headerLength } from './constants.js'

/** Milliseconds after which a DISCOVER is not worth an answer: its machine has given this try up, or been answered elsewhere. */
const stale = 200
/** DISCOVERs that may wait. */
export const mostDiscovers = 512
/** Other messages that may wait: nobody but a flood sends so many before one is looked at. */
export const mostOthers = 4096

interface Waiting<T> { readonly item: T, readonly at: number }

export class Backlog<T> {
  readonly #others: Array<Waiting<T>> = []
  #othersTaken = 0
  /** The oldest first; `#oldest` is the first that counts. */
  #discovers: Array<Waiting<T>> = []
  #oldest = 0

  get size (): number { return this.#others.length - this.#othersTaken + this.#discovers.length - this.#oldest }

  /** One more, at `now` (milliseconds of a clock that nobody sets); false when it, or an older one in its place, is dropped. */
  push (item: T, isDiscover: boolean, now: number): boolean {
    if (!isDiscover) {
      if (this.#others.length - this.#othersTaken >= mostOthers) return false
      this.#others.push({ item, at: now })
      return true
    }
    this.#discovers.push({ item, at: now })
    if (this.#discovers.length - this.#oldest <= mostDiscovers) return true
    this.#oldest++
    this.#tidy()
    return false
  }

  /** The next to answer; undefined when nothing waits. */
  take (): T | undefined {
    const other = this.#others[this.#othersTaken]
    if (other !== undefined) {
      this.#othersTaken++
      if (this.#othersTaken === this.#others.length) this.#othersTaken = this.#others.length = 0
      return other.item
    }
    return this.#discovers.length > this.#oldest ? this.#discovers.pop()?.item : undefined
  }

  /** Drops the DISCOVERs that are stale at `now`, and says how many. */
  expire (now: number): number {
    const before = this.#oldest
    while (this.#oldest < this.#discovers.length && now - this.#discovers[this.#oldest]!.at > stale) this.#oldest++
    const dropped = this.#oldest - before
    this.#tidy()
    return dropped
  }

  #tidy (): void {
    if (this.#oldest < this.#discovers.length && this.#oldest < mostDiscovers) return
    this.#discovers = this.#discovers.slice(this.#oldest)
    this.#oldest = 0
  }
}

const messageType = 53
const discover = 1

/** Whether a datagram is a DISCOVER, found out without decoding it; option 53 is among the first in every client's message. */
export function isDiscover (data: Buffer): boolean {
  for (let at = headerLength, options = 0; at + 2 < data.length && options < 16;) {
    const code = data[at]!
    if (code === 0) {
      at++
      continue
    }
    if (code === messageType) return data[at + 2] === discover
    at += 2 + data[at + 1]!
    options++
  }
  return false
}
