// Images in memory. Machines of one rack ask for the same kernel and initrd at the same time: each piece of a file is read
// once, by whoever comes to it first, and all others are given that memory, also while it is still being read. The memory is
// a fixed number of equal slots, which are used again rather than left to the garbage collector: what is counted is all
// there is.
import type { Clock } from '../base/clock.js'

/** Bytes of a slot, and of the pieces that a file is read in. */
export const pieceBytes = 1024 * 1024

/** A smaller file would waste most of its slot; reading it costs next to nothing. */
const smallestFile = pieceBytes / 4

/** Milliseconds after which a reader that took nothing (a machine that was switched off) keeps its file in memory no longer. */
const stalledAfter = 5000

/** A file written this short a time ago may be written again without its times changing: they advance in ticks. Milliseconds. */
const settledAfter = 50

/** Bytes that stay as they are until they are released. */
export interface Piece {
  readonly bytes: Buffer
  release: () => void
}

/** Which file, with which content. Another look at a path that gives another one means other bytes. */
export interface FileIdentity {
  readonly dev: bigint
  readonly ino: bigint
  readonly size: bigint
  readonly mtimeNs: bigint
  readonly ctimeNs: bigint
}

/** Fills memory with the bytes from `position`; rejects when they are not all to be had. */
export type ReadInto = (memory: Buffer, position: number) => Promise<void>

interface Slot {
  readonly memory: Buffer
  /** Who reads from it or waits for it. */
  users: number
  /** Settled as soon as its bytes are there; undefined from then on. */
  loading: Promise<void> | undefined
}

interface Entry {
  readonly key: string
  readonly size: number
  /** By their place in the file. */
  readonly slots: Map<number, Slot>
  readers: number
  /** When a piece was asked for last. */
  used: number
}

export interface AssetCacheOptions {
  /** Bytes for all files together; 0 for no cache. */
  readonly memory: number
  readonly clock: Clock
}

export class AssetCache {
  readonly #slots: number
  readonly #clock: Clock
  /** The one used longest ago first. */
  readonly #entries = new Map<string, Entry>()
  readonly #free: Buffer[] = []
  #allocated = 0
  #hits = 0
  #misses = 0

  constructor ({ memory, clock }: AssetCacheOptions) {
    this.#slots = Math.floor(memory / pieceBytes)
    this.#clock = clock
  }

  /** Memory that holds files now. */
  get bytes (): number { return (this.#allocated - this.#free.length) * pieceBytes }
  /** Pieces that came from memory, and pieces that had to be read. */
  get hits (): number { return this.#hits }
  get misses (): number { return this.#misses }

  /** The file's place in the cache; undefined for one that is not kept. */
  open (identity: FileIdentity): CachedFile | undefined {
    const size = Number(identity.size)
    const written = Number(identity.ctimeNs / 1_000_000n)
    if (size < smallestFile || size > this.#slots * pieceBytes || Math.abs(this.#clock.now() - written) < settledAfter) return undefined
    const key = [identity.dev, identity.ino, size, identity.mtimeNs, identity.ctimeNs].join(':')
    const entry = this.#entries.get(key) ?? { key, size, slots: new Map<number, Slot>(), readers: 0, used: 0 }
    entry.readers++
    this.#touch(entry)
    let open = true
    return {
      piece: (index, read) => this.#piece(entry, index, read),
      close: () => {
        if (open) entry.readers--
        open = false
        this.#forgetIfEmpty(entry)
      }
    }
  }

  #touch (entry: Entry): void {
    entry.used = this.#clock.now()
    this.#entries.delete(entry.key)
    this.#entries.set(entry.key, entry)
  }

  #piece (entry: Entry, index: number, read: ReadInto): Piece | Promise<Piece> | undefined {
    this.#touch(entry)
    let slot = entry.slots.get(index)
    if (slot === undefined) {
      this.#misses++
      slot = this.#claim(entry)
      if (slot === undefined) return undefined
      this.#load(entry, index, slot, read)
    } else {
      this.#hits++
    }
    slot.users++
    return this.#lend(entry, index, slot)
  }

  #lend (entry: Entry, index: number, slot: Slot): Piece | Promise<Piece> {
    const bytes = slot.memory.subarray(0, Math.min(pieceBytes, entry.size - index * pieceBytes))
    const release = (): void => {
      slot.users--
      // Its bytes could not be read, and the last one who waited for them has been told.
      if (slot.users === 0 && entry.slots.get(index) !== slot) this.#free.push(slot.memory)
    }
    if (slot.loading === undefined) return { bytes, release }
    return slot.loading.then(() => ({ bytes, release }), (error: unknown) => {
      release()
      throw error
    })
  }

  #load (entry: Entry, index: number, slot: Slot, read: ReadInto): void {
    const position = index * pieceBytes
    entry.slots.set(index, slot)
    slot.loading = read(slot.memory.subarray(0, Math.min(pieceBytes, entry.size - position)), position).then(() => {
      slot.loading = undefined
    }, (error: unknown) => {
      entry.slots.delete(index)
      throw error
    })
  }

  /** Memory for a piece: unused, or that of the file used longest ago; undefined when all of it is in use. */
  #claim (forEntry: Entry): Slot | undefined {
    let memory = this.#free.pop()
    if (memory === undefined && this.#allocated < this.#slots) {
      this.#allocated++
      memory = Buffer.allocUnsafeSlow(pieceBytes)
    }
    memory ??= this.#evict(forEntry)
    return memory === undefined ? undefined : { memory, users: 0, loading: undefined }
  }

  #evict (forEntry: Entry): Buffer | undefined {
    const stalled = this.#clock.now() - stalledAfter
    for (const entry of this.#entries.values()) {
      // Two files that do not fit together and are read at once would only push each other out.
      if (entry === forEntry || (entry.readers > 0 && entry.used > stalled)) continue
      for (const [index, slot] of entry.slots) {
        if (slot.users > 0) continue
        entry.slots.delete(index)
        this.#forgetIfEmpty(entry)
        return slot.memory
      }
    }
    return undefined
  }

  #forgetIfEmpty (entry: Entry): void {
    if (entry.readers === 0 && entry.slots.size === 0 && this.#entries.get(entry.key) === entry) this.#entries.delete(entry.key)
  }
}

/** A file that is kept, as one reader sees it. */
export interface CachedFile {
  /**
   * The piece at `index * pieceBytes`, read by `read` when it is not there; undefined when there is no room for it.
   * Rejects when `read`, or that of whoever reads it already, rejects.
   */
  piece: (index: number, read: ReadInto) => Piece | Promise<Piece> | undefined
  close: () => void
}
