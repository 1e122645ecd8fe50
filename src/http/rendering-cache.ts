// What was made for earlier requests, so that a rack that boots at once is not rendered twice. A machine asks with the same
// query each time, and what it gets changes only with the store: so answers are kept by document and raw query, for as long
// as the provisioner's version stays, and dropped whole when it changes.
//
// Whoever can send a request can invent queries. What was asked for once is kept apart from what was asked for again
// (a segmented LRU), so queries that never come back push out only one another.
import type { Labels } from '../matchbox/select.js'
import type { Rendering } from '../matchbox/provisioner.js'

/** A document made for a machine, with what was read from its query. */
export interface MachineDocument {
  readonly labels: Labels
  readonly rendering: Rendering
}

export interface CacheLimits {
  /** Bytes of what was asked for once, and of what was asked for again. */
  readonly once: number
  readonly again: number
  /** The longest key, and the largest document. */
  readonly key: number
  readonly body: number
}

const defaultLimits: CacheLimits = { once: 32 * 2 ** 20, again: 32 * 2 ** 20, key: 2048, body: 2 ** 20 }

/** What an entry takes beside its key and document, in bytes: labels, objects, its places in the maps. */
const overhead = 1024

interface Entry { readonly made: MachineDocument, readonly bytes: number }

export class RenderingCache {
  readonly #limits: CacheLimits
  readonly #once: Segment
  readonly #again: Segment
  #version: unknown

  constructor (limits: Partial<CacheLimits> = {}) {
    this.#limits = { ...defaultLimits, ...limits }
    this.#once = new Segment(this.#limits.once)
    this.#again = new Segment(this.#limits.again)
  }

  /** Bytes held. */
  get bytes (): number { return this.#once.bytes + this.#again.bytes }

  get (key: string, version: unknown): MachineDocument | undefined {
    if (version !== this.#version) {
      this.#version = version
      this.#once.clear()
      this.#again.clear()
      return undefined
    }
    const entry = this.#again.take(key) ?? this.#once.take(key)
    if (entry === undefined) return undefined
    // It moves up to what was asked for again. What makes room for it there moves down, and may still come up once more.
    for (const [oldKey, old] of this.#again.put(key, entry)) this.#once.put(oldKey, old)
    return entry.made
  }

  /** Keeps what was made after `get` did not find it. What fits no machine is not worth it, what is one machine's at one moment wrong. */
  put (key: string, made: MachineDocument): void {
    const { group, body, report, personal } = made.rendering
    const size = (body?.length ?? 0) + report.reduce((sum, line) => sum + line.length, 0)
    if (group === undefined || personal || key.length > this.#limits.key || size > this.#limits.body) return
    this.#once.put(key, { made, bytes: size + 2 * key.length + overhead })
  }
}

/** Entries in the order of their last use, up to a number of bytes. */
class Segment {
  readonly #limit: number
  readonly #entries = new Map<string, Entry>()
  bytes = 0

  constructor (limit: number) { this.#limit = limit }

  take (key: string): Entry | undefined {
    const entry = this.#entries.get(key)
    if (entry === undefined) return undefined
    this.#entries.delete(key)
    this.bytes -= entry.bytes
    return entry
  }

  /** Gives back what had to go. */
  put (key: string, entry: Entry): ReadonlyArray<readonly [string, Entry]> {
    this.#entries.set(key, entry)
    this.bytes += entry.bytes
    if (this.bytes <= this.#limit) return nothing
    const gone: Array<readonly [string, Entry]> = []
    for (const oldest of this.#entries) {
      if (this.bytes <= this.#limit) break
      this.#entries.delete(oldest[0])
      this.bytes -= oldest[1].bytes
      gone.push(oldest)
    }
    return gone
  }

  clear (): void {
    this.#entries.clear()
    this.bytes = 0
  }
}

const nothing: readonly never[] = []
