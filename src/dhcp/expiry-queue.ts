// A binary heap of addresses by the time their lease ends, so that the longest-expired address of a full range is found
// without looking at all of them. A lease that changed leaves its old entry behind; whoever pops skips it.
import type { Ipv4 } from '../net/ipv4.js'

export interface Expiry { readonly ip: Ipv4, readonly at: number }

export class ExpiryQueue<Entry extends { readonly at: number } = Expiry> {
  readonly #heap: Entry[] = []

  get size (): number { return this.#heap.length }

  peek (): Entry | undefined { return this.#heap[0] }

  push (entry: Entry): void {
    const heap = this.#heap
    let at = heap.push(entry) - 1
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (heap[parent]!.at <= entry.at) break
      heap[at] = heap[parent]!
      at = parent
    }
    heap[at] = entry
  }

  pop (): Entry | undefined {
    const heap = this.#heap
    const first = heap[0]
    const last = heap.pop()
    if (heap.length === 0 || last === undefined) return first
    let at = 0
    for (;;) {
      let child = at * 2 + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && heap[child + 1]!.at < heap[child]!.at) child++
      if (heap[child]!.at >= last.at) break
      heap[at] = heap[child]!
      at = child
    }
    heap[at] = last
    return first
  }

  /** From the earliest on; takes none out. Nothing may be put in or taken out meanwhile. */
  * inOrder (): Generator<Entry> {
    const heap = this.#heap
    // An entry is no earlier than the one above it: only those whose parent was given can be next.
    const next = new ExpiryQueue<{ readonly at: number, readonly index: number }>()
    const add = (index: number): void => { if (index < heap.length) next.push({ at: heap[index]!.at, index }) }
    add(0)
    for (let found = next.pop(); found !== undefined; found = next.pop()) {
      yield heap[found.index]!
      add(2 * found.index + 1)
      add(2 * found.index + 2)
    }
  }
}
