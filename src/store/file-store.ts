// The store as a folder of files, laid out as Matchbox's data directory: groups/*.json, profiles/*.json, ignition/,
// cloud/, generic/. Everything is held in memory; a put writes the file first. A file that cannot be used is a problem,
// and what it held before stays in force.
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import type { Clock, Timer } from '../base/clock.js'
import { messageOf } from '../base/errors.js'
import { KeyedMutex } from '../base/keyed-mutex.js'
import type { Logger } from '../base/log.js'
import type { Group } from '../matchbox/group.js'
import type { Profile } from '../matchbox/profile.js'
import {
  type StoreChange, type ConfigKind, type OpenStore, type Problem, type Snapshot, type StoreSource
} from '../matchbox/store.js'
import { removeFile, writeFileAtomic } from '../disk/atomic-file.js'
import { FolderWatcher } from '../disk/folder-watch.js'
import { isFolder, listDataFolder } from './data-folder.js'
import { FileRecords } from './file-records.js'
import { FolderDisk } from './folder-disk.js'
import { bytesOf, checkedFileOf, folders, kindIn, placeOf } from './object-files.js'
import { isReadable, readNow, stampAt, stampOf } from './stored-file.js'
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

/** Loads the folder; resolves when everything that can be read is in the snapshot and edits are seen. */
export async function openFileStore (options: FileStoreOptions): Promise<OpenStore> {
  const store = new FolderStore(options)
  await store.start()
  return store
}

const readsAtOnce = 64
/**
 * Milliseconds a file at most for which the start reads file after file and waits: a disk that is this quick has read 10,000 of them
 * before as many promises are made (measured: 0.3 s of CPU instead of 1.1). From one that is slower several are read at a time.
 */
const quick = 2
/** Milliseconds between two looks at what no event tells of. */
const lookEvery = 3000
/** Milliseconds in which what is read in numbers is gathered: whoever hears of a change goes through all groups. */
const gatherFor = 250
/** As many of them are put in force at once, in some 5 ms. */
const mostGathered = 500
/** All files are looked at so seldom that looking takes no more than one part in this of the time. */
const lookShare = 50

/** Of a folder of the data folder, or of one in it. */
function kindOf (folder: string): ObjectKind | undefined {
  const top = folders.find(top => folder === top || folder.startsWith(`${top}/`))
  return top === undefined ? undefined : kindIn(top)
}

class FolderStore implements OpenStore {
  readonly #options: FileStoreOptions
  readonly #memory: StoreMemory
  readonly #records: FileRecords
  readonly #perFile = new KeyedMutex()
  readonly #disk: FolderDisk
  /** Folders that could not be listed, '.' for the data folder itself. */
  #folderProblems: ReadonlyMap<string, string> = new Map()
  #watcher: FolderWatcher | undefined
  #rescan: Promise<void> = Promise.resolve()
  /** A look at all files has yet to begin, which sees every edit until then. */
  #allQueued = false
  /** Files reached through a link, of whose edits no event tells. */
  #linked: ReadonlySet<string> = new Set()
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
    this.#records.isOpen = true
    if (watch) {
      this.#lookAgain((clock.now() - began) * lookShare)
      this.#disk.watch()
    }
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
    this.#disk.close()
    this.#records.close()
    await this.#watcher?.close()
    await this.#rescan
    await this.#perFile.idle()
    this.#memory.close()
  }

  onChange (listener: (changes: readonly StoreChange[]) => void): () => void { return this.#memory.onChange(listener) }

  problems (): readonly Problem[] {
    const folders: Problem[] = [...this.#folderProblems].map(([folder, message]) =>
      ({ kind: kindOf(folder), name: undefined, where: folder, message }))
    const { silence } = this.#disk
    const silent: Problem[] = silence === undefined ? [] : [{ kind: undefined, name: undefined, where: '.', message: silence }]
    return [...silent, ...folders, ...this.#records.problems()]
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
    else await this.#readSome([...files, ...this.#records.files().filter(file => !files.has(file))], { always: false })
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
    await this.#perFile.run(file, async () => {
      const path = join(this.#options.dataPath, file)
      try {
        const found = await this.#disk.read(async () => {
          const stats = await stat(path)
          const isKnown = !always && this.#records.get(file)?.stamp === stampOf(stats)
          return isKnown ? undefined : { stats, bytes: isReadable(stats) ? await readFile(path) : undefined }
        })
        if (found !== undefined) this.#records.found(file, place, found.stats, found.bytes)
      } catch (error) {
        this.#records.failed(file, error)
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
      this.#records.found(file, place, stats, bytes)
    } catch (error) {
      this.#records.failed(file, error)
    }
    return true
  }
}
