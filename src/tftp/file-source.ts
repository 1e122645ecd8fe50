// Where the files of a TFTP server come from: stored ones, looked up in an ordered list of folders, and ones that are made when
// asked for, put in order by the wiring.
//
// A name never leaves its folder (file-name.ts). A symbolic link is followed when it ends inside one of the folders
// that are served, any of them: people link pxelinux.0 from their own folder to where the distribution put it; a link
// that ends elsewhere is refused, so that a stray one cannot hand out /etc/shadow. A link in a folder of the distribution's own
// may lead anywhere: Debian has /usr/lib/ipxe/ipxe.lkrn in /boot. Only regular files are served.
import { type BigIntStats, constants } from 'node:fs'
import { type FileHandle, open, readlink, realpath, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve, sep } from 'node:path'
import type { Clock } from '../base/clock.js'
import { AppError, errnoOf } from '../base/errors.js'
import { DiskFile, Readers, readUnchanged } from '../disk/disk-file.js'
import type { DiskTurns } from '../disk/disk-turns.js'
import { type FileCache, type HeldFile, pieceBytes } from '../disk/file-cache.js'
import { identityKey, type OpenedFile, secondsOf } from '../disk/file-identity.js'
import type { OpenFile } from '../disk/open-file.js'

export interface FileRequest {
  /** The IPv4 address that asks. */
  readonly client: string
}

export interface FileSource {
  /** The file of a normalised name (file-name.ts), undefined when this source has none. Rejects when it may not be read. */
  open: (name: string, request: FileRequest) => Promise<OpenFile | undefined>
}

/** The first source that has the file is the one it comes from. */
export const firstOf = (sources: readonly FileSource[]): FileSource => ({
  open: async (name, request) => {
    for (const source of sources) {
      const file = await source.open(name, request)
      if (file !== undefined) return file
    }
    return undefined
  }
})

export interface StoredFilesOptions {
  /** Folders in the order they are searched; one that does not exist (yet) is passed over. */
  readonly roots: readonly string[]
  /** Folders of the distribution: links may lead into them, and from them anywhere. */
  readonly trusted?: readonly string[]
  readonly cache: FileCache
  /** Those who read without the cache. */
  readonly readers: Readers
  readonly clock: Clock
  /** At the disk that the folders are on. */
  readonly turns?: DiskTurns | undefined
}

/**
 * What a look at the folders found holds this long, in milliseconds: with a hundred machines that ask for one loader, a
 * look for each (a way through the thread pool and back) would cost as much as a third of sending it.
 */
const lookHolds = 20

const notThere: ReadonlySet<string> = new Set(['ENOENT', 'ENOTDIR', 'ELOOP', 'ENAMETOOLONG'])

async function unlessMissing<T> (asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked
  } catch (error) {
    if (notThere.has(errnoOf(error))) return undefined
    throw error
  }
}

async function regular (path: string, handle: FileHandle): Promise<OpenedFile> {
  const found = await handle.stat({ bigint: true })
  if (!found.isFile()) throw new AppError('permission_denied', `${path} is not a regular file`)
  return found
}

const heldFile = (path: string, look: BigIntStats, held: HeldFile): OpenFile => ({
  path,
  size: Number(look.size),
  modified: secondsOf(Number(look.mtimeMs)),
  get identity () { return identityKey(look) },
  piece: (position, most) => {
    const bytes = held.bytes(position)
    return { bytes: bytes.length > most ? bytes.subarray(0, most) : bytes, release: () => {} }
  },
  close: async () => { held.close() }
})

interface FoundFile { readonly path: string, readonly look: BigIntStats }

class StoredFiles implements FileSource {
  readonly #roots: readonly string[]
  readonly #trusted: readonly string[]
  readonly #cache: FileCache
  readonly #readers: Readers
  readonly #clock: Clock
  readonly #turns: DiskTurns | undefined
  /** Small files that are being read, by path: whoever asks meanwhile waits for the same read. */
  readonly #loading = new Map<string, Promise<void>>()
  /** Looks at the folders that are under way, by name. */
  readonly #looking = new Map<string, Promise<FoundFile | undefined>>()
  /** Files found by name since `#lookedFrom`. */
  readonly #found = new Map<string, FoundFile>()
  #lookedFrom = -Infinity

  constructor ({ roots, trusted = [], cache, readers, clock, turns }: StoredFilesOptions) {
    this.#roots = roots
    this.#trusted = trusted
    this.#cache = cache
    this.#readers = readers
    this.#clock = clock
    this.#turns = turns
  }

  async open (name: string): Promise<OpenFile | undefined> {
    if (name === '') return undefined
    const now = this.#clock.now()
    if (Math.abs(now - this.#lookedFrom) >= lookHolds) {
      this.#found.clear()
      this.#lookedFrom = now
    }
    const before = this.#found.get(name)
    const kept = before === undefined ? undefined : this.#kept(before)
    if (kept !== undefined) return kept
    const found = await this.#lookOnce(name)
    if (found === undefined) return undefined
    const file = this.#kept(found) ?? await this.#openFound(found)
    this.#found.set(name, found)
    return file
  }

  #inTurn<T> (operation: () => Promise<T>): Promise<T> { return this.#turns?.take(operation) ?? operation() }

  /** A rack asks for one loader within a millisecond: whoever asks while the folders are looked at hears what that look found. */
  async #lookOnce (name: string): Promise<FoundFile | undefined> {
    const before = this.#looking.get(name)
    if (before !== undefined) return await before
    const looking = this.#inTurn(() => this.#look(name)).finally(() => { this.#looking.delete(name) })
    this.#looking.set(name, looking)
    return await looking
  }

  /** Throws AppError permission_denied for a link that leads where nothing is served from. */
  async #look (name: string): Promise<FoundFile | undefined> {
    for (const root of this.#roots) {
      const path = join(root, name)
      const look = await unlessMissing(stat(path, { bigint: true }))
      if (look?.isFile() !== true) continue
      // Memory knows a file by its inode, which another link may lead to that is not to be followed.
      await this.#targetOf(path)
      return { path, look }
    }
    return undefined
  }

  #kept ({ path, look }: FoundFile): OpenFile | undefined {
    const held = this.#cache.hold(look)
    return held === undefined ? undefined : heldFile(path, look, held)
  }

  async #openFound (found: FoundFile): Promise<OpenFile> {
    const { path, look } = found
    const openDisk = (): Promise<OpenFile> => this.#inTurn(() => this.#openDisk(path))
    if (!this.#cache.keeps(look)) return await openDisk()
    let loading = this.#loading.get(path)
    if (loading === undefined) {
      loading = this.#inTurn(() => this.#load(path)).finally(() => { this.#loading.delete(path) })
      this.#loading.set(path, loading)
    }
    await loading
    return this.#kept(found) ?? await openDisk()
  }

  /** Brings all of a file into memory, if there is room. */
  async #load (path: string): Promise<void> {
    const handle = await this.#openHandle(path)
    try {
      const identity = await regular(path, handle)
      let seen = identity
      const cached = this.#cache.open(identity)
      if (cached === undefined) return
      const read = async (memory: Buffer, position: number): Promise<void> => {
        seen = await readUnchanged({ path, place: path, handle }, seen, memory, position)
      }
      try {
        for (let index = 0; index * pieceBytes < identity.size; index++) {
          const piece = await cached.piece(index, read)
          if (piece === undefined) return
          piece.release()
        }
      } finally {
        cached.close()
      }
    } finally {
      await handle.close()
    }
  }

  async #openDisk (path: string): Promise<OpenFile> {
    const handle = await this.#openHandle(path)
    try {
      const identity = await regular(path, handle)
      return new DiskFile({ handle, identity, path, cache: undefined, readers: this.#readers, turns: this.#turns })
    } catch (error) {
      await handle.close()
      throw error
    }
  }

  async #openHandle (path: string): Promise<FileHandle> {
    // A pipe put there since would make a plain open wait for its writer.
    return await open(await this.#targetOf(path), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  }

  /** Where a path leads. Throws AppError permission_denied when that is nowhere that may be served from. */
  async #targetOf (path: string): Promise<string> {
    const target = await realpath(path)
    if (!await isBelow([...this.#roots, ...this.#trusted], target) && !await this.#passesTrusted(path)) {
      throw new AppError('permission_denied', `${path} is a link to ${target}, which is in none of the folders that are served: copy the file or link within them`)
    }
    return target
  }

  /** Whether one of the links on the way stands in a folder of the distribution. */
  async #passesTrusted (path: string): Promise<boolean> {
    let at = path
    for (let hops = 0; hops < mostHops; hops++) {
      at = join(await realpath(dirname(at)), basename(at))
      if (await isBelow(this.#trusted, at)) return true
      const target = await readlink(at).catch(() => undefined)
      if (target === undefined) return false
      at = resolve(dirname(at), target)
    }
    return false
  }
}

/** The kernel follows no more either. */
const mostHops = 40

async function isBelow (folders: readonly string[], path: string): Promise<boolean> {
  for (const folder of folders) {
    const base = await unlessMissing(realpath(folder))
    if (base === undefined) continue
    if (path.startsWith(base.endsWith(sep) ? base : base + sep)) return true
  }
  return false
}

export const storedFiles = (options: StoredFilesOptions): FileSource => new StoredFiles(options)
