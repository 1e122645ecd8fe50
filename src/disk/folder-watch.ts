// Sees outside edits of the data folder. The only user of chokidar, which watches what comes and goes at the top of it; what
// happens to the files in a folder is taken from the kernel's watch on that folder. Chokidar would keep a watch for each
// file (20,000 files cost 100 MB and a second at start), or else list a folder and stat every file in it again for each
// edit (half a core while 10,000 groups are edited; measured, chokidar 5).
//
// A watch holds on to a folder that was renamed away, so the folders' identities are looked at twice a second: after a
// swap the watches are made anew and everything is read again.
import { type FSWatcher as FolderWatch, watch as watchFolder } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type FSWatcher, watch } from 'chokidar'
import type { Clock, Timer } from '../base/clock.js'
import { errnoOf, messageOf } from '../base/errors.js'

export interface WatcherOptions {
  readonly root: string
  /** Folders below the root whose files matter, and those of the folders in them. */
  readonly folders: readonly string[]
  readonly clock: Clock
  /** Files below the root that something happened to, or 'all' when everything has to be looked at. */
  readonly onEdit: (files: readonly string[] | 'all') => void
  readonly onError: (error: unknown) => void
}

/** How long edits are gathered before they are told, in milliseconds: an editor makes several out of one. */
const gather = 40
/** How often the folders' identities are compared, in milliseconds. */
const compare = 400
/** More edits than this at once are told as 'all'. */
const manyEdits = 200

/** Of what inotify(7) may have, by the error that tells of it: one for each process, and one for each folder. */
const bounds: ReadonlyMap<string, string> = new Map([['EMFILE', 'fs.inotify.max_user_instances'], ['ENOSPC', 'fs.inotify.max_user_watches']])

export class FolderWatcher {
  readonly #options: WatcherOptions
  readonly #timer: Timer
  #top: FSWatcher | undefined
  readonly #folders = new Map<string, FolderWatch>()
  #identity = ''
  #edited = new Set<string>()
  #all = false
  #gathering: Timer | undefined
  #comparing: Promise<void> | undefined
  #closed = false
  /** Why folders are not watched, as the last error had it; '' when all are. */
  #toldOf = ''

  private constructor (options: WatcherOptions) {
    this.#options = options
    this.#timer = options.clock.every(compare, () => {
      this.#comparing ??= this.#compare().catch(options.onError).finally(() => { this.#comparing = undefined })
    })
  }

  /** Resolves when every edit from now on is seen. */
  static async start (options: WatcherOptions): Promise<FolderWatcher> {
    const watcher = new FolderWatcher(options)
    watcher.#identity = await identityOf(options)
    await watcher.#watchTop()
    await watcher.refresh()
    return watcher
  }

  /** Watches folders that were made since, and lets go of those that are gone. */
  async refresh (): Promise<void> {
    const { root, folders, onError } = this.#options
    const found = new Set<string>()
    for (const folder of folders) await listFolders(root, folder, found)
    for (const [folder, watch] of this.#folders) if (!found.has(folder)) this.#release(folder, watch)
    let failed: unknown
    for (const folder of found) {
      if (this.#folders.has(folder) || this.#closed) continue
      try {
        const watch = watchFolder(join(root, folder), (_event, name) => { this.#tell(name === null ? 'all' : `${folder}/${name}`) })
        watch.on('error', error => {
          this.#release(folder, watch)
          onError(error)
        })
        this.#folders.set(folder, watch)
      } catch (error) {
        // Gone again, or the kernel has no watches left.
        failed = error
      }
    }
    if (failed === undefined) this.#toldOf = ''
    else this.#fail(failed)
  }

  async close (): Promise<void> {
    this.#closed = true
    this.#timer.cancel()
    this.#gathering?.cancel()
    await this.#comparing
    this.#releaseAll()
    await this.#top?.close()
  }

  async #watchTop (): Promise<void> {
    // Closed first: chokidar shares the kernel's watch between all that watch the same path, and that one has to go.
    await this.#top?.close()
    const top = watch(this.#options.root, { ignoreInitial: true, depth: 0 })
    this.#top = top
    top.on('addDir', () => { this.#onFolder() })
    top.on('unlinkDir', () => { this.#onFolder() })
    top.on('error', error => { this.#fail(error) })
    await new Promise<void>(resolve => { top.once('ready', resolve) })
  }

  /** Once, however many folders it is of and however often they are tried again. */
  #fail (error: unknown): void {
    const errno = errnoOf(error)
    if (errno !== '' && errno === this.#toldOf) return
    this.#toldOf = errno
    const bound = bounds.get(errno)
    const hint = bound === undefined ? '' : `; ${bound} (sysctl) bounds how many there may be`
    this.#options.onError(new Error(`what is edited is seen by the next look, and not at once: ${messageOf(error)}${hint}`, { cause: error }))
  }

  #release (folder: string, watch: FolderWatch): void {
    watch.close()
    this.#folders.delete(folder)
  }

  #releaseAll (): void {
    for (const [folder, watch] of this.#folders) this.#release(folder, watch)
  }

  /** A folder came or went, and may be back before anybody looks: no watch is to be trusted any more. */
  #onFolder (): void {
    this.#identity = ''
    this.#tell('all')
  }

  #tell (edit: string): void {
    if (this.#closed) return
    if (edit === 'all') this.#all = true
    else this.#edited.add(edit)
    this.#gathering ??= this.#options.clock.after(gather, () => {
      const files = this.#all || this.#edited.size > manyEdits ? 'all' : [...this.#edited]
      this.#gathering = undefined
      this.#edited = new Set()
      this.#all = false
      this.#options.onEdit(files)
    })
  }

  async #compare (): Promise<void> {
    const identity = await identityOf(this.#options)
    if (identity === this.#identity || this.#closed) return
    this.#identity = identity
    this.#releaseAll()
    await this.#watchTop()
    await this.refresh()
    this.#tell('all')
  }
}

/** One after the other: where the disk does not answer, each look holds a thread. */
async function identityOf ({ root, folders }: WatcherOptions): Promise<string> {
  const identities: string[] = []
  for (const path of [root, ...folders.map(f => join(root, f))]) {
    identities.push(await stat(path).then(({ dev, ino }) => `${dev}:${ino}`, () => 'missing'))
  }
  return identities.join(' ')
}

/** The folder and those in it; none when it is not there. */
async function listFolders (root: string, folder: string, found: Set<string>): Promise<void> {
  const entries = await readdir(join(root, folder), { withFileTypes: true }).catch(() => undefined)
  if (entries === undefined) return
  found.add(folder)
  for (const entry of entries) if (entry.isDirectory()) await listFolders(root, `${folder}/${entry.name}`, found)
}
