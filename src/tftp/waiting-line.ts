// Requests that wait until there is a place for their transfer: those of machines that are known before all others, and of these the
// addresses in turn, so that one that asks for much stands in nobody's way. Bounded, of one address and in all: who has not asked for the
// longest time gives way. It asks again when it is still there, as all do that hear nothing.

/** Requests that wait: all machines of a large hall that are switched on at once; a NAT in front of a hall is one address. */
export const mostWaiting = { perAddress: 512, all: 10_000 } as const

/** Milliseconds after which a request is forgotten that was not repeated: pauses of clients double, few have one that is longer. */
export const forgottenAfter = 20_000

export interface WaitingItem {
  /** The client's address and port, and the address that it asked. */
  readonly key: string
  /** The client's. */
  readonly address: string
}

interface Entry<T> { readonly item: T, readonly asked: number }

/** Those of one kind. */
class Queue<T extends WaitingItem> {
  /** By key: the one that was not asked for the longest time is the first. */
  readonly #entries = new Map<string, Entry<T>>()
  /** By address, the next to be served first, and of each its requests as they came. */
  readonly #addresses = new Map<string, Set<string>>()

  get size (): number { return this.#entries.size }
  get oldest (): Entry<T> | undefined { return this.#entries.values().next().value }
  get (key: string): T | undefined { return this.#entries.get(key)?.item }
  waitingOf (address: string): number { return this.#addresses.get(address)?.size ?? 0 }

  put (item: T, asked: number): void {
    const { key, address } = item
    const own = this.#addresses.get(address) ?? new Set()
    this.#addresses.set(address, own.add(key))
    this.#entries.delete(key)
    this.#entries.set(key, { item, asked })
  }

  first (isFree: (address: string) => boolean): T | undefined {
    for (const [address, [key]] of this.#addresses) if (key !== undefined && isFree(address)) return this.get(key)
    return undefined
  }

  oldestOf (address: string): T | undefined {
    let oldest: Entry<T> | undefined
    for (const key of this.#addresses.get(address) ?? []) {
      const entry = this.#entries.get(key)
      if (entry !== undefined && (oldest === undefined || entry.asked < oldest.asked)) oldest = entry
    }
    return oldest?.item
  }

  remove ({ key, address }: T): void {
    this.#entries.delete(key)
    const own = this.#addresses.get(address)
    if (own?.delete(key) !== true) return
    // The others' turn comes first.
    this.#addresses.delete(address)
    if (own.size > 0) this.#addresses.set(address, own)
  }
}

export class WaitingLine<T extends WaitingItem> {
  readonly #forgottenAfter: number
  readonly #known = new Queue<T>()
  readonly #others = new Queue<T>()
  readonly #queues = [this.#known, this.#others] as const

  constructor (options: { readonly forgottenAfter?: number } = {}) { this.#forgottenAfter = options.forgottenAfter ?? forgottenAfter }

  get size (): number { return this.#known.size + this.#others.size }

  get (key: string): T | undefined { return this.#known.get(key) ?? this.#others.get(key) }

  /** One more, or one that is asked again, which keeps its turn. Gives the one that has to go for it. */
  put (item: T, isKnown: boolean, now: number): T | undefined {
    const before = this.#queues.find(queue => queue.get(item.key) !== undefined)
    const queue = before ?? (isKnown ? this.#known : this.#others)
    let goes: T | undefined
    if (before === undefined) {
      if (queue.waitingOf(item.address) >= mostWaiting.perAddress) goes = queue.oldestOf(item.address)
      else if (this.size >= mostWaiting.all) goes = (this.#others.oldest ?? this.#known.oldest)?.item
      if (goes !== undefined) this.remove(goes)
    }
    queue.put(item, now)
    return goes
  }

  /** The next whose address is free to have a transfer. */
  first (isFree: (address: string) => boolean): T | undefined {
    return this.#known.first(isFree) ?? this.#others.first(isFree)
  }

  remove (item: T): void { for (const queue of this.#queues) queue.remove(item) }

  /** Takes out those that were not asked again for too long. */
  forget (now: number): T[] {
    const gone: T[] = []
    for (const queue of this.#queues) {
      for (let entry = queue.oldest; entry !== undefined && Math.abs(now - entry.asked) >= this.#forgottenAfter; entry = queue.oldest) {
        gone.push(entry.item)
        queue.remove(entry.item)
      }
    }
    return gone
  }
}
