// Files on disk, looked up in an ordered list of folders.
//
// A name never leaves its folder (file-name.ts). A symbolic link is followed when it ends inside one of the folders
// that are served, any of them: people link pxelinux.0 from their own folder to where the distribution put it; a link
// that ends elsewhere is refused, so that a stray one cannot hand out /etc/shadow. A link in a folder of the distribution's own
// may lead anywhere: Debian has /usr/lib/ipxe/ipxe.lkrn in /boot. Only regular files are served.
import { constants, type Stats } from 'node:fs'
import { type FileHandle, open, readlink, realpath, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve, sep } from 'node:path'
import type { Clock } from '../base/clock.js'
import { AppError, errnoOf } from '../base/errors.js'
import type { FileCache } from './file-cache.js'
import type { FileSource, OpenFile } from './open-file.js'

export interface StoredFilesOptions {
  /** Folders in the order they are searched; one that does not exist (yet) is passed over. */
  readonly roots: readonly string[]
  /** Folders of the distribution: links may lead into them, and from them anywhere. */
  readonly trusted?: readonly string[]
  readonly cache: FileCache
  readonly clock: Clock
}

/** Large files are read from disk in pieces of this many bytes, each cut into blocks. */
const pieceBytes = 64 * 1024

/** A file written this short a time ago may be written again without its times changing (they advance in ticks). */
const settledAfter = 50

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

async function readFully (handle: FileHandle, position: number, length: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(length)
  let filled = 0
  while (filled < length) {
    const { bytesRead } = await handle.read(bytes, filled, length - filled, position + filled)
    if (bytesRead === 0) throw new Error('the file got shorter while it was read')
    filled += bytesRead
  }
  return bytes
}

async function regular (path: string, handle: FileHandle): Promise<Stats> {
  const found = await handle.stat()
  if (!found.isFile()) throw new AppError('permission_denied', `${path} is not a regular file`)
  return found
}

class DiskFile implements OpenFile {
  readonly path: string
  readonly size: number
  readonly #handle: FileHandle
  #piece: Buffer = Buffer.alloc(0)
  #pieceStart = 0

  constructor (path: string, size: number, handle: FileHandle) {
    this.path = path
    this.size = size
    this.#handle = handle
  }

  read (position: number, length: number): Buffer | Promise<Buffer> {
    const start = position - this.#pieceStart
    if (start >= 0 && start + length <= this.#piece.length) return this.#piece.subarray(start, start + length)
    return this.#load(position, length)
  }

  async close (): Promise<void> { await this.#handle.close() }

  async #load (position: number, length: number): Promise<Buffer> {
    this.#piece = await readFully(this.#handle, position, Math.min(this.size - position, Math.max(length, pieceBytes)))
    this.#pieceStart = position
    return this.#piece.subarray(0, length)
  }
}

interface Found { readonly path: string, readonly look: Stats }

class StoredFiles implements FileSource {
  readonly #roots: readonly string[]
  readonly #trusted: readonly string[]
  readonly #cache: FileCache
  readonly #clock: Clock
  /** Small files that are being read, by path: whoever asks meanwhile waits for the same read. */
  readonly #loading = new Map<string, Promise<void>>()
  /** Files found by name since `#lookedFrom`. */
  readonly #found = new Map<string, Found>()
  #lookedFrom = -Infinity

  constructor ({ roots, trusted = [], cache, clock }: StoredFilesOptions) {
    this.#roots = roots
    this.#trusted = trusted
    this.#cache = cache
    this.#clock = clock
  }

  async open (name: string): Promise<OpenFile | undefined> {
    if (name === '') return undefined
    const now = this.#clock.now()
    if (Math.abs(now - this.#lookedFrom) >= lookHolds) {
      this.#found.clear()
      this.#lookedFrom = now
    }
    const before = this.#found.get(name)
    const kept = before === undefined ? undefined : this.#cache.open(before.path, before.look)
    if (kept !== undefined) return kept
    const found = await this.#look(name)
    if (found === undefined) return undefined
    const file = await this.#openCached(found.path, found.look)
    this.#found.set(name, found)
    return file
  }

  async #look (name: string): Promise<Found | undefined> {
    for (const root of this.#roots) {
      const path = join(root, name)
      const look = await unlessMissing(stat(path))
      if (look?.isFile() === true) return { path, look }
    }
    return undefined
  }

  async #openCached (path: string, found: Stats): Promise<OpenFile | undefined> {
    const kept = this.#cache.open(path, found)
    if (kept !== undefined) return kept
    const settled = this.#clock.now() - found.mtimeMs > settledAfter
    if (!settled || !this.#cache.hasRoom(found.size)) return await this.#openDisk(path)
    let loading = this.#loading.get(path)
    if (loading === undefined) {
      loading = this.#load(path).finally(() => { this.#loading.delete(path) })
      this.#loading.set(path, loading)
    }
    await loading
    return this.#cache.open(path, found) ?? await this.#openDisk(path)
  }

  async #load (path: string): Promise<void> {
    const handle = await this.#openHandle(path)
    try {
      const now = await regular(path, handle)
      if (!this.#cache.hasRoom(now.size)) return
      const content = await readFully(handle, 0, now.size)
      if (this.#cache.hasRoom(now.size)) this.#cache.add(path, now, content)
    } finally {
      await handle.close()
    }
  }

  async #openDisk (path: string): Promise<OpenFile> {
    const handle = await this.#openHandle(path)
    try {
      return new DiskFile(path, (await regular(path, handle)).size, handle)
    } catch (error) {
      await handle.close()
      throw error
    }
  }

  async #openHandle (path: string): Promise<FileHandle> {
    const target = await realpath(path)
    if (!await isBelow([...this.#roots, ...this.#trusted], target) && !await this.#passesTrusted(path)) {
      throw new AppError('permission_denied', `${path} is a link to ${target}, which is in none of the folders that are served: copy the file or link within them`)
    }
    // A pipe put there since would make a plain open wait for its writer.
    return await open(target, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
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
