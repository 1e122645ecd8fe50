// Files under /assets/, found as Go's http.Dir finds them, from memory where the cache keeps them.
import { constants } from 'node:fs'
import { open, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { errnoOf } from '../base/errors.js'
import type { AssetCache, Piece } from './asset-cache.js'
import { DiskFile, Readers } from './disk-file.js'

export interface AssetFile {
  readonly kind: 'file'
  /** The last part of the path that was opened, one character a byte. */
  readonly name: string
  readonly size: number
  /** Seconds since the epoch; undefined for a file without a time. */
  readonly modified: number | undefined
  /** The bytes at the start, `length` at most. */
  head: (length: number) => Promise<Buffer>
  /** The bytes from `position` on: one at least, `most` at most. May wait for a piece to be released. Rejects when the file changed. */
  piece: (position: number, most: number) => Piece | Promise<Piece>
  close: () => Promise<void>
}

export interface AssetFolder {
  readonly kind: 'folder'
  readonly modified: number | undefined
  /** Names of what is in it, one character a byte; folders, but not links to folders, end in a slash. */
  list: () => Promise<readonly string[]>
}

/** As Go's server maps what went wrong with a file. */
export type AssetFailure = { readonly kind: 'failure', readonly status: 403 | 404 | 500 }

export interface AssetSource {
  /** `path` is clean, starts with a slash and holds one character a byte. */
  open: (path: string) => Promise<AssetFile | AssetFolder | AssetFailure>
}

/** Where the image mirror downloads to (mirror/layout): nothing in there has been verified. */
const unverified = '.partial'

export class DiskAssets implements AssetSource {
  readonly #root: string
  readonly #cache: AssetCache | undefined
  readonly #readers = new Readers()

  constructor (root: string, cache?: AssetCache) {
    this.#root = root
    this.#cache = cache
  }

  async open (path: string): Promise<AssetFile | AssetFolder | AssetFailure> {
    if (path.includes('\0')) return failure(500)
    if (path.split('/').includes(unverified)) return failure(404)
    const full = Buffer.from(join(this.#root, '/')).toString('latin1') + path.slice(1)
    const place = Buffer.from(full, 'latin1')
    try {
      // A device or a pipe would block or never end.
      const found = await stat(place)
      if (found.isDirectory()) return { kind: 'folder', modified: secondsOf(found.mtimeMs), list: () => listFolder(place) }
      if (!found.isFile()) return failure(500)
      return await this.#openFile(place, path.slice(path.lastIndexOf('/') + 1))
    } catch (error) {
      return failure(await statusOf(errnoOf(error), full))
    }
  }

  async #openFile (place: Buffer, name: string): Promise<AssetFile | AssetFailure> {
    // The path may lead to something else by now: what was opened says what it is.
    const handle = await open(place, constants.O_RDONLY | constants.O_NONBLOCK)
    try {
      const stats = await handle.stat({ bigint: true })
      if (stats.isFile()) {
        const modified = secondsOf(Number(stats.mtimeMs))
        return new DiskFile({ handle, name, identity: stats, modified, cached: this.#cache?.open(stats), readers: this.#readers })
      }
    } catch (error) {
      await handle.close()
      throw error
    }
    await handle.close()
    return failure(500)
  }
}

/** Seconds since the epoch; a file at the epoch itself has no time. */
const secondsOf = (ms: number): number | undefined => ms === 0 ? undefined : Math.floor(ms / 1000)

const failure = (status: AssetFailure['status']): AssetFailure => ({ kind: 'failure', status })

async function statusOf (errno: string, full: string): Promise<AssetFailure['status']> {
  if (errno === 'ENOENT') return 404
  if (errno === 'EACCES' || errno === 'EPERM') return 403
  // What lies below a file is not there, whatever the system calls that.
  for (let end = full.indexOf('/', 1); end > 0; end = full.indexOf('/', end + 1)) {
    const parent = await stat(Buffer.from(full.slice(0, end), 'latin1')).catch(() => undefined)
    if (parent === undefined) break
    if (!parent.isDirectory()) return 404
  }
  return 500
}

async function listFolder (place: Buffer): Promise<readonly string[]> {
  const entries = await readdir(place, { withFileTypes: true, encoding: 'buffer' })
  const names = entries.filter(({ name }) => name.toString('latin1') !== unverified).map(entry => ({ name: entry.name.toString('latin1'), folder: entry.isDirectory() }))
  // By bytes, before the slash is added.
  return names.sort((a, b) => a.name < b.name ? -1 : 1).map(({ name, folder }) => folder ? `${name}/` : name)
}
