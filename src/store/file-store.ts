// The store as a folder of files, laid out as Matchbox's data directory: groups/*.json, profiles/*.json, ignition/,
// cloud/, generic/. Everything is held in memory; a put writes the file first. A file that cannot be used is a problem,
// and what it held before stays in force.
import type { Stats } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import type { Clock, Timer } from '../base/clock.js'
import { AppError, errnoOf, messageOf } from '../base/errors.js'
import { KeyedMutex } from '../base/keyed-mutex.js'
import type { Logger } from '../base/log.js'
import type { Group } from '../matchbox/group.js'
import type { Profile } from '../matchbox/profile.js'
import {
  type Change, type ConfigKind, type OpenStore, type Problem, type Snapshot, type StoreSource, assertSafeName, configKinds, sharedKinds
} from '../matchbox/store.js'
import { removeFile, temporaryPrefix, writeFileAtomic } from '../disk/atomic-file.js'
import { FolderWatcher } from '../disk/folder-watch.js'
import { isFolder, listDataFolder } from './data-folder.js'
import { bytesOf, fileOf, folders, objectOf, placeOf } from './object-files.js'
import { isReadable, readNow, stampAt, stampOf } from './stored-file.js'
import { type Kind, StoreMemory, type StoredObject } from './store-memory.js'

export interface FileStoreOptions {
  /** The data folder; one that is missing is an empty store with a problem, and is seen when it comes. */
  readonly dataPath: string
  /** Milliseconds for which machines still read what was deleted; 0 for not at all. */
  readonly tombstoneMs: number
  readonly clock: Clock
  readonly log: Logger
  /** Whether outside edits are seen. */
  readonly watch: boolean
}

/** Loads the folder; resolves when everything that can be read is in the snapshot and edits are seen. */
export async function openFileStore (options: FileStoreOptions): Promise<OpenStore> {
  const store = new FolderStore(options)
  await store.start()
  return store
}

/** A file as it was last seen. */
interface FileRecord {
  /** Changes whenever the file does. */
  readonly stamp: string
  readonly bytes: Buffer | undefined
  readonly problem: string | undefined
  /** What is in force because of the file, now or since before it broke. */
  readonly object: StoredObject | undefined
}

const readsAtOnce = 64
/**
 * Milliseconds a file at most for which the start reads file after file and waits: a disk that is this quick has read 10,000 of them
 * before as many promises are made (measured: 0.3 s of CPU instead of 1.1). From one that is slower several are read at a time.
 */
const quick = 2
/** Milliseconds between two looks at what no event tells of. */
const lookEvery = 3000
/** Milliseconds that a file which was just made empty has to be written before that is a problem. */
const timeToFill = 1000
/** Milliseconds in which what is read in numbers is gathered: whoever hears of a change goes through all groups. */
const gatherFor = 250
/** As many of them are put in force at once, in some 5 ms. */
const mostGathered = 500
/** All files are looked at so seldom that looking takes no more than one part in this of the time. */
const lookShare = 50

/** Of a folder of the data folder, or of one in it. */
const kindOf = (folder: string): Kind | undefined =>
  ([['groups', 'group'], ['profiles', 'profile'], ...[...configKinds, ...sharedKinds].map(kind => [kind, kind] as const)] as const)
    .find(([top]) => folder === top || folder.startsWith(`${top}/`))?.[1]
/** Throws AppError id_invalid. */
function checkedFileOf (kind: Kind, name: string): string {
  assertSafeName(name, kind === 'group' || kind === 'profile' ? '.json' : '')
  if (name.startsWith(temporaryPrefix)) throw new AppError('id_invalid', `names that begin with ${temporaryPrefix} are those of unfinished files`)
  return fileOf(kind, name)
}

type ObjectName = Pick<StoredObject, 'kind' | 'name'>

class FolderStore implements OpenStore {
  readonly #options: FileStoreOptions
  readonly #memory: StoreMemory
  readonly #records = new Map<string, FileRecord>()
  readonly #perFile = new KeyedMutex()
  /** Folders that could not be listed, '.' for the data folder itself. */
  #folderProblems: ReadonlyMap<string, string> = new Map()
  #watcher: FolderWatcher | undefined
  #rescan: Promise<void> = Promise.resolve()
  /** A look at all files has yet to begin, which sees every edit until then. */
  #allQueued = false
  /** Read and not yet in force, by file, while many are read. */
  #gathered: Map<string, StoredObject> | undefined
  /** Files reached through a link, of whose edits no event tells. */
  #linked: ReadonlySet<string> = new Set()
  #looking: Timer | undefined
  /** Files that are empty and were so made just now. */
  readonly #unfilled = new Set<string>()
  #filling: Timer | undefined
  /** Everything has been read once. */
  #isOpen = false
  #closed = false

  constructor (options: FileStoreOptions) {
    this.#options = options
    this.#memory = new StoreMemory(options)
  }

  get snapshot (): Snapshot { return this.#memory.snapshot }

  async start (): Promise<void> {
    const { dataPath, clock, log, watch } = this.#options
    // Watching first, so that an edit while everything is read is not missed.
    if (watch) {
      this.#watcher = await FolderWatcher.start({
        root: dataPath,
        folders,
        clock,
        onEdit: files => { this.#onEdit(files) },
        onError: error => { log.warn({ err: messageOf(error) }, 'store.watch') }
      })
    }
    const began = clock.now()
    await this.#readAll({ first: true })
    this.#isOpen = true
    if (watch) this.#lookAgain((clock.now() - began) * lookShare)
    const { groups, profiles, configs } = this.snapshot
    log.info({
      path: dataPath,
      groups: groups.size,
      profiles: profiles.size,
      configs: configs.ignition.size + configs.cloud.size + configs.generic.size,
      problems: this.problems().length
    }, 'store.open')
  }

  async close (): Promise<void> {
    this.#closed = true
    this.#looking?.cancel()
    this.#filling?.cancel()
    await this.#watcher?.close()
    await this.#rescan
    await this.#perFile.idle()
    this.#memory.close()
  }

  onChange (listener: (changes: readonly Change[]) => void): () => void { return this.#memory.onChange(listener) }

  problems (): readonly Problem[] {
    const found: Problem[] = [...this.#folderProblems].map(([folder, message]) =>
      ({ kind: kindOf(folder), name: undefined, where: folder, message }))
    for (const [file, { problem }] of this.#records) {
      if (problem !== undefined) found.push({ kind: placeOf(file)?.kind, name: placeOf(file)?.name, where: file, message: problem })
    }
    return found
  }

  * sources (): Iterable<StoreSource> {
    for (const [where, { bytes }] of this.#records) {
      const place = placeOf(where)
      if (place !== undefined) yield { ...place, where, bytes }
    }
  }

  async rescan (): Promise<void> {
    this.#onEdit('all')
    await this.#rescan
  }

  putGroup (group: Group): Promise<void> { return this.#put({ kind: 'group', name: group.id, value: group }) }
  putProfile (profile: Profile): Promise<void> { return this.#put({ kind: 'profile', name: profile.id, value: profile }) }
  putConfig (kind: ConfigKind, name: string, content: Buffer): Promise<void> {
    return this.#put({ kind, name, value: { kind, name, content } })
  }

  deleteGroup (id: string): Promise<void> { return this.#delete('group', id) }
  deleteProfile (id: string): Promise<void> { return this.#delete('profile', id) }
  deleteConfig (kind: ConfigKind, name: string): Promise<void> { return this.#delete(kind, name) }

  async #put (object: StoredObject): Promise<void> {
    const { kind, name } = object
    const file = checkedFileOf(kind, name)
    const path = join(this.#options.dataPath, file)
    const bytes = bytesOf(object)
    await this.#perFile.run(file, async () => {
      const before = this.#records.get(file)
      if (before?.object !== undefined && before.problem === undefined && bytesOf(before.object).equals(bytes) &&
        await stampAt(path) === before.stamp) return
      await writeFileAtomic(path, bytes)
      this.#records.set(file, { stamp: await stampAt(path), bytes, problem: undefined, object })
      this.#gathered?.delete(file)
      this.#memory.tell([this.#memory.put(object)])
    })
  }

  async #delete (kind: Kind, name: string): Promise<void> {
    const file = checkedFileOf(kind, name)
    await this.#perFile.run(file, async () => {
      await removeFile(join(this.#options.dataPath, file))
      this.#forget(file)
    })
  }

  /** Drops what a file said, now that the file is gone. */
  #forget (file: string): void {
    const object = this.#records.get(file)?.object
    this.#records.delete(file)
    this.#gathered?.delete(file)
    if (object !== undefined) this.#memory.tell(this.#memory.delete(object.kind, object.name))
  }

  /**
   * Events are not enough where a link's target changes, a file is mounted over, or another machine writes to a shared folder:
   * files that are known to be such are looked at every few seconds, all others too when the time allows. `owed` is how many
   * milliseconds have to pass before that.
   */
  #lookAgain (owed: number): void {
    const { clock } = this.#options
    this.#looking = clock.after(lookEvery, () => {
      const all = owed <= lookEvery
      this.#rescan = this.#rescan.then(async () => {
        const started = clock.now()
        if (all) await this.#readAll({ first: false })
        else await this.#readSome([...this.#linked], { always: false })
        if (!this.#closed) this.#lookAgain(all ? (clock.now() - started) * lookShare : owed - lookEvery)
      }).catch((error: unknown) => {
        this.#options.log.warn({ err: messageOf(error) }, 'store.reload')
        if (!this.#closed) this.#lookAgain(0)
      })
    })
  }

  #onEdit (files: readonly string[] | 'all'): void {
    if (files === 'all' && this.#allQueued) return
    this.#allQueued ||= files === 'all'
    this.#rescan = this.#rescan.then(async () => {
      if (files === 'all') this.#allQueued = false
      if (this.#closed) return
      if (files === 'all' || !await this.#readEdited(files)) await this.#readAll({ first: false })
    }).catch((error: unknown) => { this.#options.log.warn({ err: messageOf(error) }, 'store.reload') })
  }

  /** Reads the files named; false when one of them is not a plain file, so that only looking everywhere helps. */
  async #readEdited (files: readonly string[]): Promise<boolean> {
    for (const file of files) {
      const known = placeOf(file)
      if (await isFolder(join(this.#options.dataPath, file))) return false
      if (known !== undefined) await this.#read(file, { always: true })
    }
    return true
  }

  async #readAll ({ first }: { readonly first: boolean }): Promise<void> {
    if (!first) await this.#watcher?.refresh()
    const { dataPath, clock, log } = this.#options
    const known = this.#folderProblems
    const { files, linked, problems } = await listDataFolder(dataPath, clock)
    this.#folderProblems = problems
    this.#linked = linked
    for (const [folder, problem] of this.#folderProblems) {
      if (known.get(folder) !== problem) log.warn({ path: join(dataPath, folder), problem }, 'store.unreadable')
    }
    // What comes in the order of its name is put behind the others.
    if (first) await this.#readFirst([...files].sort())
    else await this.#readSome([...files, ...[...this.#records.keys()].filter(file => !files.has(file))], { always: false })
  }

  /** While nobody is served yet: file after file, for as long as the disk is quick. */
  async #readFirst (files: readonly string[]): Promise<void> {
    /** Batches that are read side by side, since one was slow; twice as many after the next that is: the machine may only be busy. */
    let [aside, penalty] = [0, 1]
    for (let i = 0; i < files.length; i += readsAtOnce) {
      const batch = files.slice(i, i + readsAtOnce)
      if (aside-- > 0) {
        await Promise.all(batch.map(file => this.#read(file, { always: true })))
        continue
      }
      const began = performance.now()
      const busy = batch.filter(file => !this.#readNow(file))
      if (performance.now() - began > quick * readsAtOnce) [aside, penalty] = [penalty, penalty * 2]
      for (const file of busy) await this.#read(file, { always: true })
      await setImmediate()
    }
  }

  async #readSome (files: readonly string[], { always }: { readonly always: boolean }): Promise<void> {
    const { clock } = this.#options
    this.#gathered = files.length > readsAtOnce ? new Map() : undefined
    try {
      let told = clock.now()
      for (let i = 0; i < files.length; i += readsAtOnce) {
        await Promise.all(files.slice(i, i + readsAtOnce).map(file => this.#read(file, { always })))
        if (Math.abs(clock.now() - told) < gatherFor && (this.#gathered?.size ?? 0) < mostGathered) continue
        this.#enforceGathered()
        told = clock.now()
      }
    } finally {
      this.#enforceGathered()
      this.#gathered = undefined
    }
  }

  #enforceGathered (): void {
    const changes = [...this.#gathered?.values() ?? []].map(object => this.#memory.put(object))
    this.#gathered?.clear()
    this.#memory.tell(changes)
  }

  async #read (file: string, { always }: { readonly always: boolean }): Promise<void> {
    const place = placeOf(file)
    if (place === undefined) return
    await this.#perFile.run(file, async () => {
      const path = join(this.#options.dataPath, file)
      try {
        const stats = await stat(path)
        if (!always && this.#records.get(file)?.stamp === stampOf(stats)) return
        this.#found(file, place, stats, isReadable(stats) ? await readFile(path) : undefined)
      } catch (error) {
        this.#failed(file, error)
      }
    })
  }

  /** The same at once, whatever is known of the file; false while something else is done to it. */
  #readNow (file: string): boolean {
    const place = placeOf(file)
    if (place === undefined) return true
    if (this.#perFile.isBusy(file)) return false
    try {
      const { stats, bytes } = readNow(`${this.#options.dataPath}/${file}`)
      this.#found(file, place, stats, bytes)
    } catch (error) {
      this.#failed(file, error)
    }
    return true
  }

  #failed (file: string, error: unknown): void {
    if (['ENOENT', 'ENOTDIR'].includes(errnoOf(error))) this.#forget(file)
    else this.#break(file, '', undefined, messageOf(error))
  }

  /** What is at a file's place; without `bytes` it is no file. */
  #found (file: string, place: ObjectName, stats: Stats, bytes: Buffer | undefined): void {
    if (bytes === undefined) {
      this.#forget(file)
      return
    }
    if (bytes.length === 0 && this.#isBeingFilled(place, stats)) {
      this.#unfilled.add(file)
      this.#filling ??= this.#options.clock.after(timeToFill, () => { this.#lookAtUnfilled() })
      return
    }
    const stamp = stampOf(stats)
    const before = this.#records.get(file)
    if (before?.bytes?.equals(bytes) === true) this.#records.set(file, { ...before, stamp })
    else this.#take(file, place, stamp, bytes)
  }

  /** cp(1) and editors make a file, or empty it, and then write it: what it said before holds until they have had time to. */
  #isBeingFilled ({ kind }: ObjectName, { mtimeMs }: Stats): boolean {
    return this.#isOpen && (kind === 'group' || kind === 'profile') && Math.abs(this.#options.clock.now() - mtimeMs) < timeToFill
  }

  /** Those that are empty still are told of now. */
  #lookAtUnfilled (): void {
    const files = [...this.#unfilled]
    this.#unfilled.clear()
    this.#filling = undefined
    this.#onEdit(files)
  }

  #take (file: string, { kind, name }: ObjectName, stamp: string, bytes: Buffer): void {
    let object: StoredObject
    try {
      object = objectOf(kind, name, bytes)
    } catch (error) {
      this.#break(file, stamp, bytes, messageOf(error))
      return
    }
    this.#records.set(file, { stamp, bytes, problem: undefined, object })
    if (this.#gathered === undefined) this.#memory.tell([this.#memory.put(object)])
    else this.#gathered.set(file, object)
    this.#options.log.debug({ file }, 'store.reload')
  }

  #break (file: string, stamp: string, bytes: Buffer | undefined, problem: string): void {
    const before = this.#records.get(file)
    const object = before?.object
    this.#records.set(file, { stamp, bytes, problem, object })
    // What cannot be read is tried again at each look, and there may be thousands of them.
    if (bytes === undefined && before?.problem === problem) return
    this.#options.log.warn({ file, problem, kept: object !== undefined }, 'store.problem')
  }
}
