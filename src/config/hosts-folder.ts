// The files of hosts.d: lists of reservations that other programs write, read together in the order of their names. A file is read
// again when it has changed, and only then.
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../base/clock.js'
import { errnoOf, messageOf } from '../base/errors.js'
import { remedyFor } from '../disk/denied.js'
import { FolderWatcher } from '../disk/folder-watch.js'
import { makeFolder } from '../disk/make-folder.js'
import { readWhole } from '../disk/whole-file.js'
import { parseReservationFile, type ReservationEntry, type ReservationFile } from './reservation-file.js'

interface HostsFile { readonly stamp: string, readonly found: ReservationFile }

export interface HostsWatch {
  readonly clock: Clock
  readonly onEdit: () => void
  /** The kernel does not tell of edits; the looks at the files go on. */
  readonly onError: (error: unknown) => void
}

/** Milliseconds between two looks at the files themselves. */
const lookEvery = 3000

export class HostsFolder {
  readonly #folder: string
  #read = new Map<string, HostsFile>()
  /** What the folder looked like when it was last read. */
  #stamp = ''

  constructor (folder: string) { this.#folder = folder }

  /** A folder that is not there holds nothing; what can't be read is a problem, and the rest counts. */
  async read (): Promise<ReservationFile> {
    const entries: ReservationEntry[] = []
    const problems: string[] = []
    const names = await this.#names().catch((error: unknown) => {
      problems.push(`${this.#folder}: ${messageOf(error)}${remedyFor(this.#folder, error)}`)
      return []
    })
    const read = new Map<string, HostsFile>()
    const stamps: string[] = []
    for (const name of names) {
      const path = join(this.#folder, name)
      const stamp = await stampOf(path)
      stamps.push(stamp)
      try {
        const known = this.#read.get(name)
        const found = known?.stamp === stamp ? known.found : parseReservationFile(path, (await readWhole(path, 'lists')).toString())
        read.set(name, { stamp, found })
        for (const entry of found.entries) entries.push(entry)
        problems.push(...found.problems)
      } catch (error) {
        problems.push(`${path}: ${messageOf(error)}${remedyFor(path, error)}`)
      }
    }
    this.#read = read
    this.#stamp = stampOfAll(names, stamps)
    return { entries, problems }
  }

  /** Makes the folder where it is missing; resolves, with how to stop, when every edit is told from now on. */
  async watch ({ clock, onEdit, onError }: HostsWatch): Promise<() => Promise<void>> {
    await makeFolder(this.#folder)
    // The files stand in the folder itself.
    const watcher = await FolderWatcher.start({ root: this.#folder, folders: ['.'], clock, onEdit, onError })
    // Events are not enough where a link's target changes, a file is mounted over, or another machine writes to a shared folder.
    const looking = clock.every(lookEvery, () => {
      this.hasChanged().then(changed => { if (changed) onEdit() }).catch(onError)
    })
    return async () => {
      looking.cancel()
      await watcher.close()
    }
  }

  /** Whether it looks otherwise than when it was last read: links and mounts change without an event. */
  async hasChanged (): Promise<boolean> {
    const names = await this.#names().catch(() => [])
    return stampOfAll(names, await Promise.all(names.map(name => stampOf(join(this.#folder, name))))) !== this.#stamp
  }

  async #names (): Promise<readonly string[]> {
    try {
      return (await readdir(this.#folder)).filter(name => name.endsWith('.yaml') && !name.startsWith('.')).sort()
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return []
      throw error
    }
  }
}

const stampOfAll = (names: readonly string[], stamps: readonly string[]): string => JSON.stringify([names, stamps])

const stampOf = async (path: string): Promise<string> =>
  stat(path).then(s => `${s.dev}:${s.ino}:${s.size}:${s.mtimeMs}:${s.ctimeMs}`, (error: unknown) => errnoOf(error))
