// A file of the data folder as it is looked at: whether it can be held in memory, what is in it, and when it is another one.
import { Buffer } from 'node:buffer'
import { closeSync, constants, fstatSync, openSync, readSync, type Stats } from 'node:fs'
import { open, stat } from 'node:fs/promises'
import { AppError } from '../base/errors.js'
import { contentNow, contentOf } from '../disk/whole-file.js'

/** A larger file is refused: it would have to be held in memory. */
export const maxFileBytes = 32 * 1024 * 1024

/** Changes whenever the file does. */
export const stampOf = (s: Stats): string => `${s.dev}:${s.ino}:${s.size}:${s.mtimeMs}:${s.ctimeMs}`
export const stampAt = async (path: string): Promise<string> => stat(path).then(stampOf, () => 'missing')

/** Whether it is a file; one that is too large throws AppError. */
export function isReadable (stats: Stats): boolean {
  if (stats.isFile() && stats.size > maxFileBytes) throw new AppError('read_failed', `larger than ${maxFileBytes / 1024 / 1024} MiB, which is as much as a file of the store may have`)
  return stats.isFile()
}

export interface FileLook {
  readonly stats: Stats
  /** None of what is no file. */
  readonly bytes: Buffer | undefined
}

const flags = constants.O_RDONLY | constants.O_NONBLOCK

/** As few calls of the kernel as it takes; a pipe is not waited for. */
export function readNow (path: string): FileLook {
  const fd = openSync(path, flags)
  try {
    const stats = fstatSync(fd)
    return { stats, bytes: isReadable(stats) ? bytesNow(fd, stats) : undefined }
  } finally {
    closeSync(fd)
  }
}

/** Node's readFileSync asks for the size once more. */
function bytesNow (fd: number, stats: Stats): Buffer {
  const bytes = Buffer.allocUnsafe(stats.size)
  // Shorter than that, or of a size that the kernel does not know: as it is now.
  return stats.size > 0 && readSync(fd, bytes, 0, stats.size, 0) === stats.size ? bytes : contentNow(fd, stats, maxFileBytes)
}

/** The same in turn with others; undefined for one that is still what `known` says. Only a file is opened: a device may do things then. */
export async function readLater (path: string, known: string | undefined): Promise<FileLook | undefined> {
  const found = await stat(path)
  if (stampOf(found) === known) return undefined
  if (!isReadable(found)) return { stats: found, bytes: undefined }
  const handle = await open(path, flags)
  try {
    const stats = await handle.stat()
    return { stats, bytes: isReadable(stats) ? await contentOf(handle, stats, maxFileBytes) : undefined }
  } finally {
    await handle.close()
  }
}
