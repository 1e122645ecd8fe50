// Why a folder that the configuration names cannot be used.
import { constants } from 'node:fs'
import { access, opendir } from 'node:fs/promises'
import { errnoOf } from '../base/errors.js'
import type { LoadedConfig } from '../config/load.js'
import { remedyFor } from '../disk/denied.js'
import { noFolder } from '../disk/no-folder.js'

/** Why nothing below it can be read, or written; undefined where it can be, and where it is missing, which may come later. */
export async function folderAmiss (path: string, use: 'read' | 'written' = 'read'): Promise<string | undefined> {
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

/** The same of state_path, with its place: serve does not start. */
export async function stateAmiss ({ config, keyAt }: Pick<LoadedConfig, 'config' | 'keyAt'>): Promise<string | undefined> {
  const amiss = await folderAmiss(config.state_path, 'written')
  return amiss === undefined ? undefined : `${keyAt(['state_path'])}: ${amiss}`
}
