// Which files of a data folder are the store's: those of its folders and of folders in these, also through links. What an interrupted
// write left behind is removed on the way.
import { constants } from 'node:fs'
import { access, readdir, realpath, stat, unlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import type { Clock } from '../base/clock.js'
import { errnoOf, messageOf } from '../base/errors.js'
import { temporaryPrefix } from '../disk/atomic-file.js'
import { remedyFor } from '../disk/denied.js'
import { noFolder } from '../disk/no-folder.js'
import { folders, placeOf } from './object-files.js'

export interface DataFolder {
  /** Below the data folder: `groups/a.json`. */
  readonly files: ReadonlySet<string>
  /** Those of them that were reached through a link, or are no files: no event in the folders that are watched tells of their edits. */
  readonly linked: ReadonlySet<string>
  /** Why a folder could not be listed, '.' for the data folder itself. */
  readonly problems: ReadonlyMap<string, string>
  /** Whether the data folder itself is not there. */
  readonly isMissing: boolean
}

/** Milliseconds after which nobody writes a temporary file any more. */
const longestWrite = 60_000
/** As many links may lead into one another. */
const mostLinks = 8
/** Names of a folder that are looked at in one turn of the event loop. */
const namesAtOnce = 1000

/** Asks the disk, in turn with others. */
export type AskDisk = <T>(operation: () => Promise<T>) => Promise<T>

/** Why nothing in it can be looked at; undefined where it can be, and where it is missing. */
async function amissWith (dataPath: string, ask: AskDisk): Promise<string | undefined> {
  try {
    if (!(await ask(() => stat(dataPath))).isDirectory()) return await noFolder(dataPath)
    await ask(() => access(dataPath, constants.X_OK))
    return undefined
  } catch (error) {
    if (errnoOf(error) === 'ENOTDIR') return await noFolder(dataPath)
    return errnoOf(error) === 'EACCES' ? `${messageOf(error)}${remedyFor(dataPath, error)}` : undefined
  }
}

/** What cannot be listed is among the problems; never rejects. */
export async function listDataFolder (dataPath: string, clock: Pick<Clock, 'now'>, ask: AskDisk = operation => operation()): Promise<DataFolder> {
  const walk = new Walk(dataPath, clock, ask)
  const amiss = await amissWith(dataPath, ask)
  if (amiss !== undefined) return { files: new Set(), linked: new Set(), problems: new Map([['.', `the data folder cannot be read: ${amiss}`]]), isMissing: false }
  for (const folder of folders) await walk.list(folder, [])
  const { files, linked, problems } = walk
  let isMissing = false
  if (files.size === 0) {
    await ask(() => stat(dataPath)).catch((error: unknown) => {
      isMissing = errnoOf(error) === 'ENOENT'
      problems.set('.', `the data folder cannot be read: ${isMissing ? `there is no ${dataPath}: mkdir -p ${dataPath} makes it, or let data_path name the folder that has groups/ and profiles/` : `${messageOf(error)}${remedyFor(dataPath, error)}`}`)
    })
  }
  return { files, linked, problems, isMissing }
}

export const isFolder = async (path: string): Promise<boolean> => stat(path).then(s => s.isDirectory(), () => false)
/** Whether a folder is the other one or lies in it. */
const isInside = (folder: string, other: string): boolean => folder === other || folder.startsWith(`${other}/`)

class Walk {
  readonly #dataPath: string
  readonly #clock: Pick<Clock, 'now'>
  readonly #ask: AskDisk
  readonly files = new Set<string>()
  readonly linked = new Set<string>()
  readonly problems = new Map<string, string>()

  constructor (dataPath: string, clock: Pick<Clock, 'now'>, ask: AskDisk) {
    this.#dataPath = dataPath
    this.#clock = clock
    this.#ask = ask
  }

  /** `through` are the folders that links on the way led to: one that leads back is not followed. */
  async list (folder: string, through: readonly string[]): Promise<void> {
    const path = join(this.#dataPath, folder)
    const entries = await this.#ask(() => readdir(path, { withFileTypes: true })).catch((error: unknown) => {
      if (errnoOf(error) === 'ENOENT') return []
      this.problems.set(folder, `the folder cannot be read: ${messageOf(error)}${remedyFor(path, error)}`)
      return []
    })
    for (const [index, entry] of entries.entries()) {
      if (index % namesAtOnce === namesAtOnce - 1) await setImmediate()
      const file = `${folder}/${entry.name}`
      if (entry.name.startsWith(temporaryPrefix)) {
        await this.#removeLeft(join(path, entry.name))
      } else if (entry.isDirectory()) {
        // Kubernetes swaps a mounted folder through a hidden one beside its links.
        if (folder !== 'groups' && !entry.name.startsWith('..')) await this.list(file, through)
      } else if (entry.isSymbolicLink() && folder !== 'groups' && !entry.name.startsWith('..') && await this.#ask(() => isFolder(join(path, entry.name)))) {
        const target = await this.#ask(() => realpath(join(path, entry.name))).catch(() => undefined)
        if (target === undefined || isInside(await this.#ask(() => realpath(path)).catch(() => path), target)) continue
        if (through.length < mostLinks && !through.includes(target)) await this.list(file, [...through, target])
      } else if (placeOf(file) !== undefined) {
        this.files.add(file)
        if (!entry.isFile() || through.length > 0) this.linked.add(file)
      }
    }
  }

  /** A file that is being written now may be another process's: a command beside the service, or the service beside a command. */
  async #removeLeft (path: string): Promise<void> {
    const [stats, folder] = await Promise.all([stat(path), stat(dirname(path))].map(async found => await found.catch(() => undefined)))
    if (stats === undefined || folder === undefined || this.#clock.now() - stats.mtimeMs < longestWrite) return
    // The clock of the file system may be another one than ours: by its own, something was written here long after this file.
    if (folder.mtimeMs - stats.mtimeMs < longestWrite) return
    await unlink(path).catch(() => {})
  }
}
