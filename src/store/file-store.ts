// The store as a folder of files, laid out as Matchbox's data directory: groups/*.json, profiles/*.json, ignition/,
// cloud/, generic/. Everything is held in memory; a put writes the file first. A file that cannot be used is a problem,
// and what it held before stays in force.
import { join } from 'node:path'
import type { Clock, Timer } from '../base/clock.js'
import { AppError, messageOf } from '../base/errors.js'
import { KeyedMutex } from '../base/keyed-mutex.js'
import type { Logger } from '../base/log.js'
import type { Group } from '../matchbox/group.js'
import type { Profile } from '../matchbox/profile.js'
import {
  type StoreChange, type ConfigKind, type OpenStore, type Problem, type Snapshot, type StoreSource
} from '../matchbox/store.js'
import { removeFile, writeFileAtomic } from '../disk/atomic-file.js'
import { silenceOf } from '../disk/disk-turns.js'
import { FolderWatcher } from '../disk/folder-watch.js'
import { isFolder, listDataFolder } from './data-folder.js'
import { FileRecords } from './file-records.js'
import { readFirst, readsAtOnce } from './first-reading.js'
import { FolderDisk } from './folder-disk.js'
import { bytesOf, checkedFileOf, folders, kindOf, placeOf } from './object-files.js'
import { readLater, readNow, stampAt } from './stored-file.js'
import { type ObjectKind, StoreMemory, type StoredObject } from './store-memory.js'

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

/**
 * Loads the folder; resolves when everything that can be read is in the snapshot and edits are seen. Where the disk does not answer it
 * resolves without, and does the rest as soon as it answers.
 */
export async function openFileStore (options: FileStoreOptions): Promise<OpenStore> {
  const store = new FolderStore(options)
  await store.start()
  return store
}

/** Milliseconds between two looks at what no event tells of. */
const lookEvery = 3000
/** Milliseconds in which what is read in numbers is gathered: whoever hears of a change goes through all groups. */
const gatherFor = 250
/** As many of them are put in force at once, in some 5 ms on a slow machine (measured: 500 took 33). */
const mostGathered = 100
/** All files are looked at so seldom that looking takes no more than one part in this of the time. */
const lookShare = 50

class FolderStore implements OpenStore {
  readonly #options: FileStoreOptions
  readonly #memory: StoreMemory
  readonly #records: FileRecords
  readonly #perFile = new KeyedMutex()
  readonly #disk: FolderDisk
  /** Folders that could not be listed, '.' for the data folder itself. */
  #folderProblems: ReadonlyMap<string, string> = new Map()
  #isMissing = false
  #watcher: FolderWatcher | undefined
  #rescan: Promise<void> = Promise.resolve()
  /** A look at all files has yet to begin, which sees every edit until then. */
  #allQueued = false
  /** Files reached through a link and what is no file, of whose edits no event tells. */
  #linked: ReadonlySet<string> = new Set()
  /** Those of them that their disk was asked for, and has not given yet. */
  readonly #unanswered = new Set<string>()
  /** The first reading has come to its end. */
  #isRead = false
  /** Machines are served since before that: nothing is read at once any more. */
  #isLate = false
  #looking: Timer | undefined
  #closed = false

  constructor (options: FileStoreOptions) {
    this.#options = options
    this.#disk = new FolderDisk({ ...options, onSilence: problem => { options.log.warn({ path: options.dataPath, problem }, 'store.unreadable') } })
    this.#memory = new StoreMemory(options)
    this.#records = new FileRecords({ ...options, memory: this.#memory, onTimeUp: files => { this.#onEdit(files) } })
  }

  get snapshot (): Snapshot { return this.#memory.snapshot }

  async start (): Promise<void> {
    if (this.#options.watch) this.#disk.watch()
    const opened = this.#open()
    // What is edited meanwhile is seen after it.
    this.#rescan = opened.catch((error: unknown) => { if (this.#isLate) this.#options.log.error({ err: messageOf(error) }, 'store.unread') })
    this.#isLate = !await this.#disk.untilSilent(opened)
  }

  async #open (): Promise<void> {
    const { dataPath, clock, log, watch } = this.#options
    // Before anything is asked of it that can't be given up.
    await this.#disk.read(() => stampAt(dataPath))
    // Watching first, so that an edit while everything is read is not missed.
    if (watch) {
      const watcher = await this.#disk.read(() => FolderWatcher.start({
        root: dataPath,
        folders,
        clock,
        onEdit: files => { this.#onEdit(files) },
        onError: error => { log.warn({ err: messageOf(error) }, 'store.watch') }
      }))
      if (this.#closed) return await watcher.close()
      this.#watcher = watcher
    }
    const began = clock.now()
    await this.#readAll({ first: true })
    this.#isRead = true
    this.#records.isOpen = true
    if (watch && !this.#closed) this.#lookAgain((clock.now() - began) * lookShare)
    const { groups: { size: groups }, profiles: { size: profiles }, configs: of } = this.snapshot
    const configs = of.ignition.size + of.cloud.size + of.generic.size
    log.info({ path: dataPath, groups, profiles, configs, problems: this.problems().length }, 'store.open')
  }

  async close (): Promise<void> {
    this.#closed = true
    this.#looking?.cancel()
    this.#disk.close()
    this.#records.close()
    // A disk that is silent is not waited for: who writes to it is told when it was written.
    await this.#disk.untilSilent(this.#end())
    this.#memory.close()
  }

  async #end (): Promise<void> {
    await this.#watcher?.close()
    await this.#rescan
    await this.#perFile.idle()
  }

  onChange (listener: (changes: readonly StoreChange[]) => void): () => void { return this.#memory.onChange(listener) }

  problems (): readonly Problem[] {
    const folders: Problem[] = [...this.#folderProblems].map(([folder, message]) =>
      ({ kind: kindOf(folder), name: undefined, where: folder, message, ...folder === '.' && this.#isMissing && { isMissing: true } }))
    const silence = this.#disk.silence ?? this.unread()
    const silent: Problem[] = silence === undefined ? [] : [{ kind: undefined, name: undefined, where: '.', message: silence }]
    return [...silent, ...folders, ...this.#records.problems()]
  }

  unread (): string | undefined {
    return this.#isLate && !this.#isRead ? this.#disk.silence ?? `${this.#options.dataPath} is being read, now that it answers` : undefined
  }

  sources (): Iterable<StoreSource> { return this.#records.sources() }

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
    await this.#perFile.run(file, () => this.#disk.write(async () => {
      const before = this.#records.get(file)
      if (before?.object !== undefined && before.problem === undefined && bytesOf(before.object).equals(bytes) &&
        await stampAt(path) === before.stamp) return
      await writeFileAtomic(path, bytes)
      this.#records.put(file, { stamp: await stampAt(path), bytes, problem: undefined, object })
    }))
  }

  async #delete (kind: ObjectKind, name: string): Promise<void> {
    const file = checkedFileOf(kind, name)
    await this.#perFile.run(file, () => this.#disk.write(async () => {
      await removeFile(join(this.#options.dataPath, file))
      this.#records.forget(file)
    }))
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
    if (!first) await this.#disk.read(async () => { await this.#watcher?.refresh() })
    const { dataPath, clock, log } = this.#options
    const known = this.#folderProblems
    const { files, linked, problems, isMissing } = await listDataFolder(dataPath, clock, operation => this.#disk.read(operation))
    this.#folderProblems = problems
    this.#isMissing = isMissing
    this.#linked = linked
    for (const [folder, problem] of this.#folderProblems) {
      if (known.get(folder) !== problem) log.warn({ path: join(dataPath, folder), problem }, 'store.unreadable')
    }
    // What comes in the order of its name is put behind the others.
    if (!first || this.#isLate) {
      return await this.#readSome([...files, ...this.#records.files().filter(file => !files.has(file))], { always: false })
    }
    const read = (file: string): Promise<void> => this.#read(file, { always: true })
    await readFirst([...files].sort(), { isLinked: file => this.#linked.has(file), readNow: file => this.#readNow(file), read })
  }

  async #readSome (files: readonly string[], { always }: { readonly always: boolean }): Promise<void> {
    const { clock } = this.#options
    if (files.length > readsAtOnce) this.#records.gather()
    try {
      let told = clock.now()
      for (let i = 0; i < files.length; i += readsAtOnce) {
        await Promise.all(files.slice(i, i + readsAtOnce).map(file => this.#read(file, { always })))
        if (Math.abs(clock.now() - told) < gatherFor && this.#records.gathered < mostGathered) continue
        this.#records.enforceGathered()
        told = clock.now()
      }
    } finally {
      this.#records.endGathering()
    }
  }

  async #read (file: string, { always }: { readonly always: boolean }): Promise<void> {
    const place = placeOf(file)
    if (place === undefined) return
    const path = join(this.#options.dataPath, file)
    const look = async (): Promise<void> => {
      try {
        const found = await readLater(path, always ? undefined : this.#records.get(file)?.stamp)
        if (found !== undefined) this.#records.found(file, place, found.stats, found.bytes)
      } catch (error) {
        this.#records.failed(file, error)
      }
    }
    if (!this.#linked.has(file)) return await this.#perFile.run(file, () => this.#disk.read(look))
    // One that was asked for and does not come is not asked for again.
    if (this.#unanswered.has(file) && this.#disk.isLinkSilent) return
    this.#unanswered.add(file)
    const isAnswered = await this.#disk.readLinked(() => this.#perFile.run(file, look).finally(() => { this.#unanswered.delete(file) }))
    if (!isAnswered) this.#records.failed(file, new AppError('read_failed', silenceOf(path)))
  }

  /** The same at once, whatever is known of the file; false while something else is done to it. */
  #readNow (file: string): boolean {
    const place = placeOf(file)
    if (place === undefined) return true
    if (this.#perFile.isBusy(file)) return false
    try {
      const { stats, bytes } = readNow(`${this.#options.dataPath}/${file}`)
      this.#records.found(file, place, stats, bytes)
    } catch (error) {
      this.#records.failed(file, error)
    }
    return true
  }
}
