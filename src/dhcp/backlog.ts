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
  readonly #known = new Line<{ readonly item: T, readonly key: string }>()
  readonly #ofKnown = new Map<string, number>()
  readonly #others = new Line<T>()
  /** The oldest first; `#oldest` is the first that counts. */
  #discovers: Array<QueuedItem<T>> = []
  #oldest = 0

  get size (): number { return this.#known.size + this.#others.size + this.#discovers.length - this.#oldest }
  /** Messages of machines that somebody named. */
  get known (): number { return this.#known.size }

  /** One more of a machine that somebody named, which `key` stands for; false when it is dropped. */
  pushKnown (item: T, key: string): boolean {
    const waiting = this.#ofKnown.get(key) ?? 0
    if (waiting >= mostOfKnown.each || this.#known.size >= mostOfKnown.all) return false
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
      if (this.#others.size >= mostOthers) return false
      this.#others.push(item)
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
    const known = this.#known.take()
    if (known !== undefined) {
      const waiting = this.#ofKnown.get(known.key)! - 1
      if (waiting === 0) this.#ofKnown.delete(known.key)
      else this.#ofKnown.set(known.key, waiting)
      return known.item
    }
    const other = this.#others.take()
    if (other !== undefined) return other
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

/** First in, first out. */
class Line<T> {
  #items: T[] = []
  #taken = 0

  get size (): number { return this.#items.length - this.#taken }

  push (item: T): void { this.#items.push(item) }

  take (): T | undefined {
    const item = this.#items[this.#taken]
    if (item === undefined) return undefined
    this.#taken++
    // What has been taken is let go of, now and then, however long the line stays.
    if (this.#taken === this.#items.length || this.#taken >= 4096) {
      this.#items = this.#items.slice(this.#taken)
      this.#taken = 0
    }
    return item
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
