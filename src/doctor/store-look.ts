// The store looked at for check and doctor: that of a configuration, or a folder alone, as whoever keeps one under version control
// has it.
import { existsSync, opendirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { AppError, errnoOf } from '../base/errors.js'
import type { Logger } from '../base/log.js'
import { isClustered, type LoadedConfig } from '../config/load.js'
import { configKinds } from '../matchbox/store.js'
import { homesOf } from '../wiring/homes.js'
import { isOwnHost } from '../wiring/own-hosts.js'
import type { Ground } from '../wiring/ground.js'
import { openSnippets, openStore } from '../wiring/looking.js'
import type { Finding } from './finding.js'
import { lintStore } from './store-lint.js'
import { storeFinding } from './store-rules.js'

const anySnippets: ReadonlyMap<string, string> = new Map([['updates', '""']])

/** Of a store of which nothing was read there is nothing to say: why that is so is told with the cluster. */
export function lintOf ({ loaded, config, homes, store, cluster }: Pick<Ground, 'loaded' | 'config' | 'homes' | 'store' | 'cluster'>): readonly Finding[] {
  if (cluster !== undefined && cluster.state.standing.age === undefined) return []
  return [...isClustered(config) ? [] : otherFolder(loaded), ...lintStore({
    store,
    dataPath: isClustered(config) ? `etcd:${config.cluster.etcd.prefix}` : config.data_path,
    dataKey: loaded.keyAt(['data_path']),
    assetsPath: config.assets_path,
    // Left unwritten, it is where images come when there are any; that it is missing is a note of doctor's.
    assetsKey: loaded.isWritten(['assets_path']) ? loaded.keyAt(['assets_path']) : undefined,
    isOwn: isOwnHost(config, homes),
    ownSnippets: openSnippets(config)
  })]
}

/** One that has something in it and nothing of a store, as the one above or below it; one that is empty has yet to be filled. */
function otherFolder ({ config: { data_path: path }, keyAt }: LoadedConfig): readonly Finding[] {
  if (storeFolders.some(name => mayBeThere(join(path, name))) || isEmpty(path)) return []
  return [{ ...storeFinding('no-store', { file: path }, `${keyAt(['data_path'])}: ${path} ${noStore}`), place: undefined }]
}

/** So is one that can't be read, which is told by itself. */
function isEmpty (path: string): boolean {
  try {
    const folder = opendirSync(path)
    try {
      return folder.readSync() === null
    } finally {
      folder.closeSync()
    }
  } catch {
    return true
  }
}

const storeFolders = ['groups', 'profiles', ...configKinds]
const noStore = `is no store: there is none of ${storeFolders.join(', ')} in it`

/** The store of a configuration that may be wrong elsewhere. */
export async function lintConfigured (loaded: LoadedConfig, log: Logger): Promise<readonly Finding[]> {
  const { config } = loaded
  const store = await openStore(config, log)
  try {
    return lintOf({ loaded, config, homes: homesOf(config), store, cluster: undefined })
  } finally {
    await store.close()
  }
}

/** Whether it is there, or whoever looks may not know. */
function mayBeThere (path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false }) !== undefined
  } catch (error) {
    return ['EACCES', 'EPERM'].includes(errnoOf(error))
  }
}

/** A folder, with the images in its `assets` if there are any: whatever this machine is configured for does not count. */
export async function lintFolder (folder: string, log: Logger): Promise<readonly Finding[]> {
  if (!existsSync(folder)) throw new AppError('read_failed', `there is no folder ${folder}`)
  const store = await openStore({ data_path: folder }, log)
  try {
    // What the program itself lets configs call depends on a configuration, which there is none of.
    if (!storeFolders.some(name => mayBeThere(join(folder, name)))) {
      return [storeFinding('no-store', { file: folder }, noStore)]
    }
    return lintStore({ store, dataPath: folder, assetsPath: join(folder, 'assets'), isOwn: () => false, ownSnippets: () => anySnippets })
  } finally {
    await store.close()
  }
}
