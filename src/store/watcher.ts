// Sees outside edits of the data folder. The only user of chokidar, which watches the folders and not each file: with a
// watch per file, 20,000 files cost 100 MB and a second at start (measured, chokidar 5); the kernel reports what happens
// to a folder's files on the folder's own watch, which chokidar hands on as its `raw` event.
//
// A watch holds on to a folder that was renamed away, so the folders' identities are looked at twice a second: after a
// swap the watches are made anew and everything is read again.
import { stat } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { type FSWatcher, watch } from 'chokidar'
import type { Clock, Timer } from '../clock.js'

export interface WatcherOptions {
  readonly root: string
  /** Folders below the root whose replacement matters. */
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

export class FolderWatcher {
  readonly #options: WatcherOptions
  readonly #timer: Timer
  #watcher: FSWatcher
  #identity: string
  #edited = new Set<string>()
  #all = false
  #gathering: Timer | undefined
  #comparing: Promise<void> | undefined
  #closed = false

  private constructor (options: WatcherOptions, watcher: FSWatcher, identity: string) {
    this.#options = options
    this.#watcher = watcher
    this.#identity = identity
    this.#listen(watcher)
    this.#timer = options.clock.every(compare, () => {
      this.#comparing ??= this.#compare().catch(options.onError).finally(() => { this.#comparing = undefined })
    })
  }

  /** Resolves when every edit from now on is seen. */
  static async start (options: WatcherOptions): Promise<FolderWatcher> {
    const identity = await identityOf(options)
    return new FolderWatcher(options, await watchFolders(options.root), identity)
  }

  async close (): Promise<void> {
    this.#closed = true
    this.#timer.cancel()
    this.#gathering?.cancel()
    await this.#comparing
    await this.#watcher.close()
  }

  #listen (watcher: FSWatcher): void {
    watcher.on('raw', (_event, name, details: unknown) => { this.#onRaw(name, details) })
    watcher.on('addDir', () => { this.#onFolder() })
    watcher.on('unlinkDir', () => { this.#onFolder() })
    watcher.on('error', this.#options.onError)
  }

  #onRaw (name: string, details: unknown): void {
    const folder = typeof details === 'object' && details !== null && 'watchedPath' in details ? details.watchedPath : undefined
    if (typeof folder !== 'string' || typeof name !== 'string') {
      this.#tell('all')
      return
    }
    const file = relative(this.#options.root, join(folder, name)).split(sep).join('/')
    // At the top there are only folders, and one that comes or goes is a swap.
    if (file.includes('/')) this.#tell(file)
    else this.#onFolder()
  }

  /** A folder came or went, and may be back before anybody looks: chokidar's watches are no longer to be trusted. */
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
    // Closed first: chokidar shares the kernel's watch between all that watch the same path, and that one has to go.
    await this.#watcher.close()
    this.#watcher = await watchFolders(this.#options.root)
    this.#listen(this.#watcher)
    this.#tell('all')
  }
}

async function identityOf ({ root, folders }: WatcherOptions): Promise<string> {
  const identities = await Promise.all([root, ...folders.map(f => join(root, f))].map(async path => {
    try {
      const { dev, ino } = await stat(path)
      return `${dev}:${ino}`
    } catch {
      return 'missing'
    }
  }))
  return identities.join(' ')
}

async function watchFolders (root: string): Promise<FSWatcher> {
  const watcher = watch(root, { ignoreInitial: true, ignored: (_path, stats) => stats?.isFile() === true })
  await new Promise<void>(resolve => { watcher.once('ready', resolve) })
  return watcher
}
