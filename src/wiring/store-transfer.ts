// The configured store for commands that carry all of it elsewhere or fill it: a folder of files, or etcd.
import { systemClock } from '../base/clock.js'
import type { Logger } from '../base/log.js'
import { isClustered, type LoadedConfig } from '../config/load.js'
import { openFileStore } from '../store/file-store.js'
import { filesOf, writeFiles } from '../store/folder-files.js'
import type { Move, ObjectFiles } from '../store/moves.js'
import type { OpenStore } from '../matchbox/store.js'

export interface Shelf {
  /** The place for a person. */
  readonly where: string
  readonly files: ObjectFiles
  /** What of it cannot be used, and is carried all the same. */
  readonly problems: readonly string[]
  /** Throws AppError message_too_large when the shelf can never take them. */
  readonly check: (moves: readonly Move[]) => void
  /** Makes the moves; AppError says how far it came. */
  readonly write: (moves: readonly Move[]) => Promise<void>
  readonly close: () => Promise<void>
}

interface Opening { readonly log: Logger, readonly fill: boolean }

/** With `fill`, what is not there yet is made. The caller closes it. */
export async function openShelf (loaded: LoadedConfig, { log, fill }: Opening): Promise<Shelf> {
  const { config } = loaded
  if (!isClustered(config)) return await openFolder(config.data_path, { log, fill })
  const [{ openCluster, storeOf }, { assertFits, writeToEtcd }] = await Promise.all([import('./cluster.js'), import('../store/etcd-files.js')])
  const onProblem = (error: unknown): never => { throw error }
  const cluster = await openCluster(loaded, { clock: systemClock, log, live: false, writes: fill, onProblem })
  const store = storeOf(cluster, { tombstoneMs: 0, clock: systemClock, log })
  const close = async (): Promise<void> => {
    await store.close()
    await cluster.close()
  }
  return await shelf(store, {
    where: `etcd ${config.cluster.etcd.prefix}`,
    check: assertFits,
    write: moves => writeToEtcd(cluster.state, moves),
    close
  })
}

/** A folder of files: with `fill` one that is missing is empty. */
export async function openFolder (path: string, { log, fill }: Opening): Promise<Shelf> {
  const store = await openFileStore({ dataPath: path, tombstoneMs: 0, clock: systemClock, log, watch: false })
  const missing = fill && store.problems().length > 0 && [...store.sources()].length === 0 && !await isThere(path)
  const seen = missing ? { sources: () => [], problems: () => [], close: store.close.bind(store) } : store
  return await shelf(seen, { where: path, check: () => {}, write: moves => writeFiles(path, moves), close: () => store.close() })
}

async function isThere (path: string): Promise<boolean> {
  const { lstat } = await import('node:fs/promises')
  return await lstat(path).then(() => true, () => false)
}

async function shelf (store: Pick<OpenStore, 'sources' | 'problems' | 'close'>, rest: Omit<Shelf, 'files' | 'problems'>): Promise<Shelf> {
  try {
    return { ...rest, files: filesOf(store), problems: store.problems().map(({ where, message }) => `${where}: ${message}`) }
  } catch (error) {
    await rest.close()
    throw error
  }
}
