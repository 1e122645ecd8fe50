// The files of hosts.d: lists of reservations that other programs write, read together in the order of their names. A file is read
// again when it has changed, and only then.
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { errnoOf, messageOf } from '../base/errors.js'
import { remedyFor } from '../disk/denied.js'
import { readWhole } from '../disk/whole-file.js'
import { parseReservationFile, type ReservationEntry, type ReservationFile } from './reservation-file.js'

interface HostsFile { readonly stamp: string, readonly found: ReservationFile }

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
