// The folders that the configuration names, and why one cannot be used: found at the start, and looked at again while the service runs.
import { bootFolders } from '../base/bundled.js'
import type { LoadedConfig } from '../config/load.js'
import { folderAmiss, type FolderLook, oneAtATime } from '../disk/folder-amiss.js'
import { FolderWarnings } from '../disk/folder-warnings.js'
import type { RunningParts } from './running-parts.js'

type Loaded = Pick<LoadedConfig, 'config' | 'keyAt'>

/** Of state_path, with its place: serve does not start. */
export async function stateAmiss ({ config, keyAt }: Loaded): Promise<string | undefined> {
  const amiss = await folderAmiss(config.state_path, 'written')
  return amiss === undefined ? undefined : `${keyAt(['state_path'])}: ${amiss}`
}

/** One that is missing may come later, and is a note of doctor's; what stands in its place serves nothing. */
export async function assetsAmiss ({ config, keyAt }: Loaded, look: FolderLook = folderAmiss): Promise<string | undefined> {
  const { assets_path: path } = config
  const amiss = path === '' ? undefined : await look(path)
  return amiss === undefined ? undefined : `${keyAt(['assets_path'])}: ${amiss}: nothing below /assets/ is served`
}

/** The same of the loaders' folder. */
export async function loadersAmiss ({ config, keyAt }: Loaded, look: FolderLook = folderAmiss): Promise<string | undefined> {
  const amiss = await look(config.tftp.root)
  return amiss === undefined ? undefined : `${keyAt(['tftp', 'root'])}: ${amiss}: loaders come from ${bootFolders().join(', ')} alone`
}

interface WatchedParts extends Pick<RunningParts, 'loaded' | 'clock' | 'log' | 'onClose'> {
  /** What of loaders is amiss. */
  readonly loaders?: (() => Promise<readonly string[]>) | undefined
}

/** What of these is amiss now, in place of what `warnings` says of the start. */
export function watchFolders (
  { loaded, clock, log, onClose, loaders }: WatchedParts, warnings: readonly string[]
): () => readonly string[] {
  const looks = [assetsAmiss, ...loaded.config.tftp.address === null ? [] : [loadersAmiss]].map(amiss => {
    const look = oneAtATime()
    return async () => await amiss(loaded, look)
  })
  const folders = new FolderWarnings({ looks: loaders === undefined ? looks : [...looks, loaders], atStart: warnings, clock, log })
  onClose(async () => { folders.close() })
  return () => folders.all
}
