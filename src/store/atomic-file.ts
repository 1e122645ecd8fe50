// Files replaced whole: a temporary file beside the target, fsync, rename, fsync of the folder. Whoever reads the name sees
// the old bytes or the new ones, after a power cut too; when the promise is fulfilled the new ones are on disk.
import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { open, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { AppError, errnoOf, messageOf } from '../errors.js'

/** Names of unfinished files begin so; a watcher leaves them alone, and one left by a crash may be deleted. */
export const temporaryPrefix = '.core-provisioner-'

/** Writes `data` to `path`, whose folder must exist. `mode` is the new file's permissions before umask. */
export async function replaceFile (path: string, data: Uint8Array | string, mode = 0o644): Promise<void> {
  const temporary = join(dirname(path), `${temporaryPrefix}${randomBytes(8).toString('hex')}`)
  try {
    const file = await open(temporary, 'wx', mode)
    try {
      await file.writeFile(data)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, path)
    await syncFolder(dirname(path))
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {})
    throw writeError(path, error)
  }
}

/** Removes `path`, durably; false when it was not there. */
export async function removeFile (path: string): Promise<boolean> {
  try {
    await rm(path)
    await syncFolder(dirname(path))
    return true
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false
    throw writeError(path, error)
  }
}

/** Makes renames and removals in the folder durable. */
export async function syncFolder (folder: string): Promise<void> {
  const handle = await open(folder, constants.O_RDONLY | constants.O_DIRECTORY)
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** What went wrong with a write, as a person should read it. */
export function writeError (path: string, error: unknown): AppError {
  const errno = errnoOf(error)
  if (errno === 'ENOSPC' || errno === 'EDQUOT') return new AppError('disk_full', `cannot write ${path}: no space is left on its disk`, { cause: error })
  return new AppError('write_failed', `cannot write ${path}: ${messageOf(error)}`, { cause: error })
}
