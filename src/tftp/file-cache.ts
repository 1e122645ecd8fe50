// Small files kept in memory, so that a hundred machines that ask for the same loader cost one read.
import type { OpenFile } from './open-file.js'

/** What a file on disk looked like; another look means other content. */
export interface FileIdentity {
  readonly dev: number
  readonly ino: number
  readonly size: number
  readonly mtimeMs: number
  readonly ctimeMs: number
}

interface Entry {
  readonly identity: FileIdentity
  readonly content: Buffer
  /** Open files that read from it. */
  users: number
}

export interface CacheLimits {
  /** Bytes of all files together. */
  readonly total: number
  /** Bytes of the largest file that is kept. */
  readonly file: number
}

const same = (a: FileIdentity, b: FileIdentity): boolean =>
  a.dev === b.dev && a.ino === b.ino && a.size === b.size && a.mtimeMs === b.mtimeMs && a.ctimeMs === b.ctimeMs

export class FileCache {
  readonly #limits: CacheLimits
  /** By path, the one used longest ago first. */
  readonly #entries = new Map<string, Entry>()
  #bytes = 0

  constructor (limits: CacheLimits) { this.#limits = limits }

  /** Bytes held, files that are being read included. */
  get bytes (): number { return this.#bytes }

  /** The file as it is kept, or undefined when it is not, or not like that any more. */
  open (path: string, identity: FileIdentity): OpenFile | undefined {
    const entry = this.#entries.get(path)
    if (entry === undefined) return undefined
    if (!same(entry.identity, identity)) {
      this.#drop(path, entry)
      return undefined
    }
    this.#entries.delete(path)
    this.#entries.set(path, entry)
    return this.#use(path, entry)
  }

  /** Makes room for a file of `size` bytes, and says whether there is: files that are being read stay. */
  hasRoom (size: number): boolean {
    if (size > this.#limits.file) return false
    for (const [path, entry] of this.#entries) {
      if (this.#bytes + size <= this.#limits.total) break
      if (entry.users === 0) this.#drop(path, entry)
    }
    return this.#bytes + size <= this.#limits.total
  }

  add (path: string, identity: FileIdentity, content: Buffer): void {
    const before = this.#entries.get(path)
    if (before !== undefined) this.#drop(path, before)
    this.#entries.set(path, { identity, content, users: 0 })
    this.#bytes += content.length
  }

  #use (path: string, entry: Entry): OpenFile {
    entry.users++
    let open = true
    return {
      path,
      size: entry.content.length,
      read: (position, length) => entry.content.subarray(position, position + length),
      close: async () => {
        if (!open) return
        open = false
        entry.users--
        if (this.#entries.get(path) !== entry && entry.users === 0) this.#bytes -= entry.content.length
      }
    }
  }

  /** Forgets the entry; its bytes count until its last reader is done. */
  #drop (path: string, entry: Entry): void {
    this.#entries.delete(path)
    if (entry.users === 0) this.#bytes -= entry.content.length
  }
}
