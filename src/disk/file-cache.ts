// Files in memory. Machines of one rack ask for the same kernel, initrd or loader at the same time: each piece of a file is
// read once, by whoever comes to it first, and all others are given that memory, also while it is still being read. Whole
// pieces are used again rather than left to the garbage collector: what is counted is all there is.
import type { Clock } from '../base/clock.js'
import { type FileIdentity, identityKey, isSettled } from './file-identity.js'
import type { FilePiece } from './open-file.js'

/** Bytes of the pieces that a file is kept in; its last one takes what it needs. */
export const pieceBytes = 1024 * 1024

/** Milliseconds after which a reader that took nothing (a machine that was switched off) keeps its file in memory no longer. */
const stalledAfter = 5000

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

export interface FileCacheOptions {
  /** Bytes for all files together; 0 for no cache. */
  readonly memory: number
  /** Bytes of the files that are kept: smaller ones cost next to nothing to read, larger ones would push out all others. */
  readonly smallest?: number
  readonly largest?: number
  readonly clock: Clock
}

/** A file that is kept, as one reader sees it. */
export interface CachedFile {
  /**
   * The piece at `index * pieceBytes`, read by `read` when it is not there; undefined when there is no room for it.
   * Rejects when `read`, or that of whoever reads it already, rejects.
   */
  piece: (index: number, read: ReadInto) => FilePiece | Promise<FilePiece> | undefined
  close: () => void
}

/** All of a file, which stays in memory until it is closed. */
export interface HeldFile {
  /** The rest of the piece that `position` lies in. */
  bytes: (position: number) => Buffer
  close: () => void
}

export class FileCache {
  readonly #options: Required<FileCacheOptions>
  /** The one used longest ago first. */
  readonly #entries = new Map<string, Entry>()
  /** Whole pieces that hold nothing. */
  readonly #free: Buffer[] = []
  /** Bytes of all slots and of `#free`. */
  #allocated = 0
  #hits = 0
  #misses = 0

  constructor ({ memory, smallest = 0, largest = memory, clock }: FileCacheOptions) {
    this.#options = { memory, smallest, largest: Math.min(largest, memory), clock }
  }

  /** Memory that holds files now. */
  get bytes (): number { return this.#allocated - this.#free.length * pieceBytes }
  /** Pieces that came from memory, and pieces that had to be read. */
  get hits (): number { return this.#hits }
  get misses (): number { return this.#misses }

  /** Whether such a file is kept. */
  keeps (identity: FileIdentity): boolean {
    const { memory, smallest, largest, clock } = this.#options
    return memory > 0 && identity.size >= smallest && identity.size <= largest && isSettled(identity, clock.now())
  }

  /** The file's place in the cache; undefined for one that is not kept. */
  open (identity: FileIdentity): CachedFile | undefined {
    if (!this.keeps(identity)) return undefined
    const key = identityKey(identity)
    const entry = this.#entries.get(key) ?? { key, size: Number(identity.size), slots: new Map<number, Slot>(), readers: 0, used: 0 }
    entry.readers++
    this.#touch(entry)
    return {
      piece: (index, read) => this.#piece(entry, index, read),
      close: this.#closer(entry)
    }
  }

  /** The file, when all of it is in memory now. */
  hold (identity: FileIdentity): HeldFile | undefined {
    const entry = this.#entries.get(identityKey(identity))
    if (entry === undefined || entry.slots.size < Math.ceil(entry.size / pieceBytes)) return undefined
    const slots = [...entry.slots.values()]
    if (slots.some(({ loading }) => loading !== undefined)) return undefined
    entry.readers++
    this.#touch(entry)
    this.#hits += slots.length
    for (const slot of slots) slot.users++
    const leave = this.#closer(entry)
    let held = true
    return {
      bytes: position => entry.slots.get(Math.floor(position / pieceBytes))?.memory.subarray(position % pieceBytes) ?? Buffer.alloc(0),
      close: () => {
        if (held) for (const slot of slots) slot.users--
        held = false
        leave()
      }
    }
  }

  #closer (entry: Entry): () => void {
    let open = true
    return () => {
      if (open) entry.readers--
      open = false
      this.#forgetIfEmpty(entry)
    }
  }

  #touch (entry: Entry): void {
    entry.used = this.#options.clock.now()
    this.#entries.delete(entry.key)
    this.#entries.set(entry.key, entry)
  }

  #piece (entry: Entry, index: number, read: ReadInto): FilePiece | Promise<FilePiece> | undefined {
    this.#touch(entry)
    let slot = entry.slots.get(index)
    if (slot === undefined) {
      this.#misses++
      slot = this.#claim(entry, Math.min(pieceBytes, entry.size - index * pieceBytes))
      if (slot === undefined) return undefined
      this.#load(entry, index, slot, read)
    } else {
      this.#hits++
    }
    slot.users++
    return this.#lend(entry, index, slot)
  }

  #lend (entry: Entry, index: number, slot: Slot): FilePiece | Promise<FilePiece> {
    const release = (): void => {
      slot.users--
      // Its bytes could not be read, and the last one who waited for them has been told.
      if (slot.users === 0 && entry.slots.get(index) !== slot) this.#giveBack(slot.memory)
    }
    if (slot.loading === undefined) return { bytes: slot.memory, release }
    return slot.loading.then(() => ({ bytes: slot.memory, release }), (error: unknown) => {
      release()
      throw error
    })
  }

  #load (entry: Entry, index: number, slot: Slot, read: ReadInto): void {
    entry.slots.set(index, slot)
    slot.loading = read(slot.memory, index * pieceBytes).then(() => {
      slot.loading = undefined
    }, (error: unknown) => {
      entry.slots.delete(index)
      throw error
    })
  }

  /** Memory for a piece: unused, or that of the file used longest ago; undefined when all of it is in use. */
  #claim (forEntry: Entry, bytes: number): Slot | undefined {
    let memory = bytes === pieceBytes ? this.#free.pop() : undefined
    while (memory === undefined && this.#allocated + bytes > this.#options.memory) {
      // A whole piece that nobody uses makes way for a part of one.
      const unused = this.#free.pop() ?? this.#evict(forEntry)
      if (unused === undefined) return undefined
      if (unused.length === bytes) memory = unused
      else this.#allocated -= unused.length
    }
    if (memory === undefined) {
      memory = Buffer.allocUnsafeSlow(bytes)
      this.#allocated += bytes
    }
    return { memory, users: 0, loading: undefined }
  }

  #giveBack (memory: Buffer): void {
    if (memory.length === pieceBytes) this.#free.push(memory)
    else this.#allocated -= memory.length
  }

  #evict (forEntry: Entry): Buffer | undefined {
    const stalled = this.#options.clock.now() - stalledAfter
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
