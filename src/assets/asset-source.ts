// Files under /assets/, found as Go's http.Dir finds them, from memory where the cache keeps them.
import { constants } from 'node:fs'
import { type FileHandle, open, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { AppError, errnoOf } from '../base/errors.js'
import { DiskFile, Readers } from '../disk/disk-file.js'
import type { DiskTurns } from '../disk/disk-turns.js'
import type { FileCache } from '../disk/file-cache.js'
import { type OpenedFile, openedFile, secondsOf, unreadable } from '../disk/file-identity.js'
import type { OpenFile } from '../disk/open-file.js'
import { compareStrings, goBytes, goString } from '../go/string.js'

export interface AssetFile {
  readonly kind: 'file'
  readonly file: OpenFile
}

export interface AssetFolder {
  readonly kind: 'folder'
  /** Seconds since the epoch; undefined for a folder without a time. */
  readonly modified: number | undefined
  /** Names of what is in it; folders, but not links to folders, end in a slash. Rejects as DiskTurns do. */
  list: () => Promise<readonly string[]>
}

/** As Go's server maps what went wrong with a file. */
export interface AssetFailure {
  readonly kind: 'failure'
  readonly status: 403 | 404 | 500
  /** What is amiss with the disk, for people; none for what is not there, or was never a name of a file. */
  readonly problem?: string | undefined
}

export interface AssetSource {
  /** `path` is clean and starts with a slash. Where it has to wait, and nobody wants it any more then, nothing is looked at. */
  open: (path: string, isWanted?: () => boolean) => Promise<AssetFile | AssetFolder | AssetFailure>
}

/** Where the image mirror downloads to (mirror/layout): nothing in there has been verified. */
const unverified = '.partial'

/** Of names that are no text, their octets. */
type AssetPlace = string | Buffer

/** What a path leads to, for all who asked for it before it was looked at. */
type Found =
  | { readonly kind: 'file', readonly identity: OpenedFile, readonly handle: FileHandle, readonly place: AssetPlace, /** Who have it open. */ readers: number }
  | { readonly kind: 'folder', readonly modified: number | undefined, readonly place: AssetPlace }
  | AssetFailure

/** Those who wait until a path is looked at, and whether each of them still wants it. */
interface SharedLook {
  readonly isWanted: Array<() => boolean>
  readonly found: Promise<Found>
}

const always = (): boolean => true

/** What is asked together is answered together, in one turn of the event loop: some 100 microseconds each. */
const mostTogether = 32

export class DiskAssets implements AssetSource {
  readonly #root: string
  readonly #cache: FileCache | undefined
  readonly #turns: DiskTurns | undefined
  readonly #readers = new Readers()
  /** By path: a rack asks for one file a thousand times, and what was asked for before a look can be told by it. */
  readonly #looks = new Map<string, SharedLook>()

  constructor (root: string, cache?: FileCache, turns?: DiskTurns) {
    this.#root = root
    this.#cache = cache
    this.#turns = turns
  }

  async open (path: string, isWanted = always): Promise<AssetFile | AssetFolder | AssetFailure> {
    if (path.includes('\0')) return failure(500)
    if (path.split('/').includes(unverified)) return failure(404)
    const full = join(this.#root, '/') + path.slice(1)
    try {
      const found = await this.#ask(full, isWanted)
      if (found.kind === 'failure') return found
      if (found.kind === 'file') return { kind: 'file', file: this.#reader(found, full) }
      const { modified, place } = found
      return { kind: 'folder', modified, list: () => this.#inTurn(() => listFolder(place), isWanted) }
    } catch (error) {
      if (!(error instanceof AppError)) throw error
      return failure(500, isWanted() ? error.message : undefined)
    }
  }

  #inTurn<T> (operation: () => Promise<T>, isWanted: () => boolean): Promise<T> {
    return this.#turns?.take(operation, isWanted) ?? operation()
  }

  #ask (full: string, isWanted: () => boolean): Promise<Found> {
    const others = this.#looks.get(full)
    if (others !== undefined && others.isWanted.length < mostTogether) {
      others.isWanted.push(isWanted)
      return others.found
    }
    const wanted = [isWanted]
    let isOver = false
    const over = (): void => {
      isOver = true
      if (this.#looks.get(full)?.isWanted === wanted) this.#looks.delete(full)
    }
    const find = (): Promise<Found> => {
      // Who asks from now on may mean what is put there meanwhile.
      over()
      return this.#find(full, wanted.length)
    }
    const found = this.#inTurn(find, () => {
      const isWantedByAny = wanted.some(isWanted => isWanted())
      if (!isWantedByAny) over()
      return isWantedByAny
    })
    if (!isOver) {
      this.#looks.set(full, { isWanted: wanted, found })
      found.catch(() => { if (!isOver) over() })
    }
    return found
  }

  async #find (full: string, readers: number): Promise<Found> {
    const place = full.isWellFormed() ? full : goBytes(full)
    try {
      // A device or a pipe would block or never end.
      const found = await stat(place)
      if (found.isDirectory()) return { kind: 'folder', modified: secondsOf(found.mtimeMs), place }
      return found.isFile() ? await openFile(place, full, readers) : noFile(full)
    } catch (error) {
      const errno = errnoOf(error)
      const status = await statusOf(errno, full)
      return failure(status, status === 404 || errno === 'ENAMETOOLONG' ? undefined : unreadable(full, errno))
    }
  }

  /** One of those who have it open: the last closes it. */
  #reader (found: Extract<Found, { kind: 'file' }>, full: string): DiskFile {
    const { handle, identity, place } = found
    const close = async (): Promise<void> => {
      if (--found.readers === 0) await (this.#turns?.owe(() => handle.close()) ?? handle.close())
    }
    return new DiskFile({ handle, close, identity, path: full, place, cache: this.#cache, readers: this.#readers, turns: this.#turns })
  }
}

async function openFile (place: AssetPlace, full: string, readers: number): Promise<Found> {
  // The path may lead to something else by now: what was opened says what it is.
  const handle = await open(place, constants.O_RDONLY | constants.O_NONBLOCK)
  try {
    const looked = await handle.stat({ bigint: true })
    if (looked.isFile()) return { kind: 'file', identity: openedFile(looked), handle, place, readers }
  } catch (error) {
    await handle.close()
    throw error
  }
  await handle.close()
  return noFile(full)
}

const failure = (status: AssetFailure['status'], problem?: string): AssetFailure => ({ kind: 'failure', status, problem })
const noFile = (full: string): AssetFailure => failure(500, `${full} is no file but a pipe, a socket or a device`)

async function statusOf (errno: string, full: string): Promise<AssetFailure['status']> {
  if (errno === 'ENOENT') return 404
  if (errno === 'EACCES' || errno === 'EPERM') return 403
  // What lies below a file is not there, whatever the system calls that.
  for (let end = full.indexOf('/', 1); end > 0; end = full.indexOf('/', end + 1)) {
    const parent = await stat(goBytes(full.slice(0, end))).catch(() => undefined)
    if (parent === undefined) break
    if (!parent.isDirectory()) return 404
  }
  return 500
}

async function listFolder (place: AssetPlace): Promise<readonly string[]> {
  const entries = await readdir(place, { withFileTypes: true, encoding: 'buffer' })
  const names = entries.map(entry => ({ name: goString(entry.name), folder: entry.isDirectory() }))
  // In order before the slash is added.
  return names.filter(({ name }) => name !== unverified).sort((a, b) => compareStrings(a.name, b.name)).map(({ name, folder }) => folder ? `${name}/` : name)
}
