// Why a folder that the configuration names cannot be used: found at the start, and looked at again while the service runs, since a disk
// or a mount may fail later (EIO, ESTALE) and come back.
import { constants } from 'node:fs'
import { access, opendir } from 'node:fs/promises'
import { setTimeout } from 'node:timers/promises'
import { bootFolders } from '../base/bundled.js'
import { errnoOf, unwaited } from '../base/errors.js'
import type { LoadedConfig } from '../config/load.js'
import { remedyFor } from '../disk/denied.js'
import { silenceOf } from '../disk/disk-turns.js'
import { noFolder } from '../disk/no-folder.js'
import type { RunningParts } from './running-parts.js'

type Use = 'read' | 'written'
type Look = (path: string) => Promise<string | undefined>

/** Why nothing below it can be read, or written; undefined where it can be, and where it is missing, which may come later. */
export async function folderAmiss (path: string, use: Use = 'read'): Promise<string | undefined> {
  return await inTime(path, lookAt(path, use))
}

async function lookAt (path: string, use: Use): Promise<string | undefined> {
  try {
    await (await opendir(path)).close()
    if (use === 'written') await access(path, constants.W_OK | constants.X_OK)
    return undefined
  } catch (error) {
    const errno = errnoOf(error)
    // A disk that is read-only keeps nobody from booting.
    if (errno === 'ENOENT' || errno === 'EROFS') return undefined
    return errno === 'ENOTDIR' ? await noFolder(path) : `${path} cannot be ${use} (${errno})${remedyFor(path, error)}`
  }
}

/** Milliseconds for a look. */
const patience = 5000

const inTime = async (path: string, look: Promise<string | undefined>): Promise<string | undefined> =>
  await Promise.race([look, setTimeout(patience, silenceOf(path), { ref: false })])

/** Looks at a folder again and again: one look at a time, since one that hangs holds a thread. */
function oneAtATime (): Look {
  let looking: Promise<string | undefined> | undefined
  return async path => {
    looking ??= lookAt(path, 'read').finally(() => { looking = undefined })
    return await inTime(path, looking)
  }
}

/** The same of state_path, with its place: serve does not start. */
export async function stateAmiss ({ config, keyAt }: Pick<LoadedConfig, 'config' | 'keyAt'>): Promise<string | undefined> {
  const amiss = await folderAmiss(config.state_path, 'written')
  return amiss === undefined ? undefined : `${keyAt(['state_path'])}: ${amiss}`
}

type Loaded = Pick<LoadedConfig, 'config' | 'keyAt'>

/** One that is missing may come later, and is a note of doctor's; what stands in its place serves nothing. */
export async function assetsAmiss ({ config, keyAt }: Loaded, look: Look = folderAmiss): Promise<string | undefined> {
  const { assets_path: path } = config
  const amiss = path === '' ? undefined : await look(path)
  return amiss === undefined ? undefined : `${keyAt(['assets_path'])}: ${amiss}: nothing below /assets/ is served`
}

/** The same of the loaders' folder. */
export async function loadersAmiss ({ config, keyAt }: Loaded, look: Look = folderAmiss): Promise<string | undefined> {
  const amiss = await look(config.tftp.root)
  return amiss === undefined ? undefined : `${keyAt(['tftp', 'root'])}: ${amiss}: loaders come from ${bootFolders().join(', ')} alone`
}

/** Milliseconds between two looks. */
const lookEvery = 30_000

/**
 * What of these is amiss now, in place of what `warnings` says of the start; told in the log as it comes and goes.
 */
export function watchFolders (
  { loaded, clock, log, onClose }: Pick<RunningParts, 'loaded' | 'clock' | 'log' | 'onClose'>, warnings: readonly string[]
): () => readonly string[] {
  const looks = [assetsAmiss, ...loaded.config.tftp.address === null ? [] : [loadersAmiss]].map(amiss => ({ amiss, look: oneAtATime() }))
  const atStart = new Set<string>()
  let now: readonly string[] = []
  let looking: Promise<void> | undefined
  const look = async (isFirst: boolean): Promise<void> => {
    const found = (await Promise.all(looks.map(async ({ amiss, look }) => await amiss(loaded, look)))).filter(text => text !== undefined)
    for (const warning of found) {
      if (isFirst && warnings.includes(warning)) atStart.add(warning)
      else if (!now.includes(warning)) log.warn({ warning }, 'folder.amiss')
    }
    for (const warning of now) if (!found.includes(warning)) log.info({ warning }, 'folder.well')
    now = found
  }
  const begin = (isFirst: boolean): void => {
    if (looking !== undefined) return
    looking = look(isFirst).finally(() => { looking = undefined })
    unwaited(looking)
  }
  begin(true)
  const timer = clock.every(lookEvery, () => { begin(false) })
  onClose(async () => { timer.cancel() })
  return () => [...warnings.filter(warning => !atStart.has(warning)), ...now]
}
