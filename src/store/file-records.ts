// What each file of the data folder said when it was last seen: in force, or a problem beside what it said before. What is read in
// numbers is gathered, and in force together.
import type { Stats } from 'node:fs'
import type { Clock, Timer } from '../base/clock.js'
import { errnoOf, messageOf } from '../base/errors.js'
import type { Logger } from '../base/log.js'
import type { ObjectProblem, Problem, StoreSource } from '../matchbox/store.js'
import { noFileText } from '../disk/whole-file.js'
import { objectOf, placeOf, problemOf } from './object-files.js'
import type { StoreMemory, StoredObject } from './store-memory.js'
import { stampOf } from './stored-file.js'

/** A file as it was last seen. */
export interface FileRecord {
  /** Changes whenever the file does. */
  readonly stamp: string
  readonly bytes: Buffer | undefined
  readonly problem: ObjectProblem | undefined
  /** What is in force because of the file, now or since before it broke. */
  readonly object: StoredObject | undefined
}

type ObjectName = Pick<StoredObject, 'kind' | 'name'>

export interface FileRecordsOptions {
  readonly memory: StoreMemory
  readonly clock: Clock
  readonly log: Logger
  /** Files that were empty, and have had the time to be written. */
  readonly onTimeUp: (files: readonly string[]) => void
}

/** Milliseconds that a file which was just made empty has to be written before that is a problem. */
const timeToFill = 1000

export class FileRecords {
  readonly #options: FileRecordsOptions
  readonly #memory: StoreMemory
  readonly #records = new Map<string, FileRecord>()
  /** Those of them that have a problem: whoever reaches HTTP asks for these as often as he likes. */
  readonly #broken = new Set<string>()
  /** Read and not yet in force, by file, while many are read. */
  #gathered: Map<string, StoredObject> | undefined
  /** Files that are empty and were so made just now. */
  readonly #unfilled = new Set<string>()
  #filling: Timer | undefined
  /** Everything has been read once. */
  isOpen = false

  constructor (options: FileRecordsOptions) {
    this.#options = options
    this.#memory = options.memory
  }

  get (file: string): FileRecord | undefined { return this.#records.get(file) }

  files (): readonly string[] { return [...this.#records.keys()] }

  * problems (): Iterable<Problem> {
    for (const file of this.#broken) {
      const problem = this.#records.get(file)?.problem
      if (problem !== undefined) yield { kind: placeOf(file)?.kind, name: placeOf(file)?.name, where: file, ...problem }
    }
  }

  * sources (): Iterable<StoreSource> {
    for (const [where, { bytes }] of this.#records) {
      const place = placeOf(where)
      if (place !== undefined) yield { ...place, where, bytes }
    }
  }

  /** What was written here: in force at once. */
  put (file: string, record: FileRecord & { readonly object: StoredObject }): void {
    this.#keep(file, record)
    this.#gathered?.delete(file)
    this.#memory.tell([this.#memory.put(record.object)])
  }

  /** Drops what a file said, now that the file is gone. */
  forget (file: string): void {
    const object = this.#records.get(file)?.object
    this.#records.delete(file)
    this.#broken.delete(file)
    this.#gathered?.delete(file)
    if (object !== undefined) this.#memory.tell(this.#memory.delete(object.kind, object.name))
  }

  /** From now on what is found is not in force before `enforceGathered`. */
  gather (): void { this.#gathered = new Map() }

  get gathered (): number { return this.#gathered?.size ?? 0 }

  enforceGathered (): void {
    const changes = [...this.#gathered?.values() ?? []].map(object => this.#memory.put(object))
    this.#gathered?.clear()
    this.#memory.tell(changes)
  }

  endGathering (): void {
    this.enforceGathered()
    this.#gathered = undefined
  }

  close (): void { this.#filling?.cancel() }

  failed (file: string, error: unknown): void {
    if (['ENOENT', 'ENOTDIR'].includes(errnoOf(error))) this.forget(file)
    else this.#break(file, '', undefined, { message: messageOf(error) })
  }

  /** What is at a file's place; without `bytes` it is no file. */
  found (file: string, place: ObjectName, stats: Stats, bytes: Buffer | undefined): void {
    if (bytes === undefined) {
      // Folders are passed over, by Matchbox too.
      if (stats.isDirectory()) this.forget(file)
      else this.#break(file, stampOf(stats), undefined, { message: noFileText })
      return
    }
    const { clock } = this.#options
    if (bytes.length === 0 && this.#isBeingFilled(place, stats)) {
      this.#unfilled.add(file)
      this.#filling ??= clock.after(timeToFill, () => { this.#lookAtUnfilled() })
      return
    }
    const stamp = stampOf(stats)
    const before = this.#records.get(file)
    if (before?.bytes?.equals(bytes) === true) this.#keep(file, { ...before, stamp })
    else this.#take(file, place, stamp, bytes)
  }

  /** cp(1) and editors make a file, or empty it, and then write it: what it said before holds until they have had time to. */
  #isBeingFilled ({ kind }: ObjectName, { mtimeMs }: Stats): boolean {
    return this.isOpen && (kind === 'group' || kind === 'profile') && Math.abs(this.#options.clock.now() - mtimeMs) < timeToFill
  }

  /** Those that are empty still are told of now. */
  #lookAtUnfilled (): void {
    const files = [...this.#unfilled]
    this.#unfilled.clear()
    this.#filling = undefined
    this.#options.onTimeUp(files)
  }

  #take (file: string, { kind, name }: ObjectName, stamp: string, bytes: Buffer): void {
    let object: StoredObject
    try {
      object = objectOf(kind, name, bytes)
    } catch (error) {
      this.#break(file, stamp, bytes, problemOf(error))
      return
    }
    this.#keep(file, { stamp, bytes, problem: undefined, object })
    if (this.#gathered === undefined) this.#memory.tell([this.#memory.put(object)])
    else this.#gathered.set(file, object)
    this.#options.log.debug({ file }, 'store.reload')
  }

  #keep (file: string, record: FileRecord): void {
    this.#records.set(file, record)
    if (record.problem === undefined) this.#broken.delete(file)
    else this.#broken.add(file)
  }

  #break (file: string, stamp: string, bytes: Buffer | undefined, problem: ObjectProblem): void {
    const before = this.#records.get(file)
    const object = before?.object
    this.#keep(file, { stamp, bytes, problem, object })
    // What cannot be read is tried again at each look, and there may be thousands of them.
    if (bytes === undefined && before?.problem?.message === problem.message) return
    this.#options.log.warn({ file, problem: problem.message, kept: object !== undefined }, 'store.problem')
  }
}
