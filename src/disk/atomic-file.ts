// Files that are replaced whole: whoever reads sees the old bytes or the new ones, also after a crash. The new bytes go
// to a temporary file beside the target, are forced to disk, take the target's name, and the folder is forced to disk.
import { randomBytes } from 'node:crypto'
import { type FileHandle, mkdir, open, rename, unlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { AppError, errnoOf, messageOf } from '../base/errors.js'

/** Temporary files start so; one that a crash left behind is nobody's and may be deleted. */
export const temporaryPrefix = '.core-provisioner-'

export interface AtomicFileOptions {
  /** Permissions of the new file, before the umask; 0644 by default. */
  readonly mode?: number
}

/**
 * Replaces `path` by `content`, making its folder when that is missing. Throws AppError disk_full (the old file is then
 * still there whole) or write_failed.
 */
export async function writeFileAtomic (
  path: string, content: Uint8Array | string, { mode = 0o644 }: AtomicFileOptions = {}
): Promise<void> {
  const folder = dirname(path)
  const temporary = join(folder, `${temporaryPrefix}${randomBytes(8).toString('hex')}.tmp`)
  try {
    const made = await mkdir(folder, { recursive: true })
    if (made !== undefined) await syncFolder(dirname(made))
    try {
      await writeSynced(temporary, content, mode)
      await rename(temporary, path)
    } catch (error) {
      await unlink(temporary).catch(() => {})
      throw error
    }
    await syncFolder(folder)
  } catch (error) {
    throw writeError(path, error)
  }
}

/** Deletes `path` and forces the folder to disk; a file that is not there is fine. Throws AppError write_failed. */
export async function removeFile (path: string): Promise<void> {
  try {
    await unlink(path)
    await syncFolder(dirname(path))
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw writeError(path, error)
  }
}

async function writeSynced (path: string, content: Uint8Array | string, mode: number): Promise<void> {
  const file = await open(path, 'wx', mode)
  try {
    await file.writeFile(content)
    await file.sync()
  } finally {
    await file.close()
  }
}

/** Forces to disk what was renamed into the folder or deleted from it. */
export async function syncFolder (folder: string): Promise<void> {
  const handle: FileHandle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

const full: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT'])

/** What went wrong with writing `path`, as a person should read it. */
export function writeError (path: string, error: unknown): AppError {
  if (errnoOf(error) === 'EROFS') return new AppError('write_failed', `${path} could not be written: it is on a read-only file system`, { cause: error })
  return full.has(errnoOf(error))
    ? new AppError('disk_full', `${path} could not be written: no space is left there`, { cause: error })
    : new AppError('write_failed', `${path} could not be written: ${messageOf(error)}`, { cause: error })
}
