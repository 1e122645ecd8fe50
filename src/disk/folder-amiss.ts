// Why a folder cannot be used: looked at once, or again and again, since a disk or a mount may fail later (EIO, ESTALE) and come back.
import { constants } from 'node:fs'
import { access, opendir } from 'node:fs/promises'
import { setTimeout } from 'node:timers/promises'
import { errnoOf } from '../base/errors.js'
import { remedyFor } from './denied.js'
import { silenceOf } from './disk-turns.js'
import { noFolder } from './no-folder.js'

export type FolderUse = 'read' | 'written'
export type FolderLook = (path: string) => Promise<string | undefined>

/** Why nothing below it can be read, or written; undefined where it can be, and where it is missing, which may come later. */
export async function folderAmiss (path: string, use: FolderUse = 'read'): Promise<string | undefined> {
  return await inTime(path, lookAt(path, use))
}

async function lookAt (path: string, use: FolderUse): Promise<string | undefined> {
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
export function oneAtATime (): FolderLook {
  let looking: Promise<string | undefined> | undefined
  return async path => {
    looking ??= lookAt(path, 'read').finally(() => { looking = undefined })
    return await inTime(path, looking)
  }
}
