// Files that are replaced whole: whoever reads sees the old bytes or the new ones, also after a crash. The new bytes go
// to a temporary file beside the target, are forced to disk, take the target's name, and the folder is forced to disk.
import { randomBytes } from 'node:crypto'
import type { Stats } from 'node:fs'
import { type FileHandle, open, rename, stat, unlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { AppError, errnoOf, messageOf } from '../base/errors.js'
import { remedyForWriting } from './denied.js'
import { makeFolder } from './make-folder.js'
import { syncFolder } from './sync-folder.js'

/** Temporary files start so; one that a crash left behind is nobody's and may be deleted. */
export const temporaryPrefix = '.core-provisioner-'

export interface AtomicFileOptions {
  /** Permissions of a file that was not there, before the umask; 0644 by default. */
  readonly mode?: number
}

/**
 * Replaces `path` by `content`, making its folder when that is missing. A file that is there keeps its mode and, as far as
 * this process may give them away, its owner and group: root renews a key that only a service may read. Throws AppError
 * disk_full (the old file is then still there whole) or write_failed.
 */
export async function writeFileAtomic (
  path: string, content: Uint8Array | string, { mode = 0o644 }: AtomicFileOptions = {}
): Promise<void> {
  const folder = dirname(path)
  const temporary = join(folder, `${temporaryPrefix}${randomBytes(8).toString('hex')}.tmp`)
  try {
    await makeFolder(folder)
    try {
      await writeSynced(temporary, content, mode, await stat(path).catch(() => undefined))
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

async function writeSynced (path: string, content: Uint8Array | string, mode: number, before: Stats | undefined): Promise<void> {
  // What is replaced was for certain eyes: nobody else's in between.
  const file = await open(path, 'wx', before === undefined ? mode : before.mode & 0o700)
  try {
    if (before !== undefined) await inherit(file, before)
    await file.writeFile(content)
    await file.sync()
  } finally {
    await file.close()
  }
}

async function inherit (file: FileHandle, { mode, uid, gid }: Stats): Promise<void> {
  const own = await file.stat()
  if (own.uid !== uid || own.gid !== gid) {
    // Whoever is not root may still give it to another of his groups.
    await file.chown(uid, gid).catch(() => file.chown(own.uid, gid)).catch(() => {})
  }
  await file.chmod(mode & 0o777)
}

const full: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT'])

/** What went wrong with writing `path`, as a person should read it. */
export function writeError (path: string, error: unknown): AppError {
  // One that says so already, of the same file.
  if (error instanceof AppError && error.message.startsWith(`${path} could not be written: `)) return error
  if (errnoOf(error) === 'EROFS') return new AppError('write_failed', `${path} could not be written: it is on a read-only file system`, { cause: error })
  return full.has(errnoOf(error))
    ? new AppError('disk_full', `${path} could not be written: no space is left there`, { cause: error })
    : new AppError('write_failed', `${path} could not be written: ${messageOf(error)}${remedyForWriting(path, error)}`, { cause: error })
}
