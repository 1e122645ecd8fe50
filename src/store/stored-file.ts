// A file of the data folder as it is looked at: whether it can be held in memory, what is in it, and when it is another one.
import { Buffer } from 'node:buffer'
import { closeSync, constants, fstatSync, openSync, readFileSync, readSync, type Stats } from 'node:fs'
import { stat } from 'node:fs/promises'
import { AppError } from '../base/errors.js'

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

/** As few calls of the kernel as it takes; a pipe is not waited for. */
export function readNow (path: string): { readonly stats: Stats, readonly bytes: Buffer | undefined } {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  try {
    const stats = fstatSync(fd)
    return { stats, bytes: isReadable(stats) ? contentNow(fd, stats.size) : undefined }
  } finally {
    closeSync(fd)
  }
}

/** Node's readFileSync asks for the size once more. */
function contentNow (fd: number, size: number): Buffer {
  const bytes = Buffer.allocUnsafe(size)
  // Shorter than that, or of a size that the kernel does not know: as it is now.
  return size > 0 && readSync(fd, bytes, 0, size, 0) === size ? bytes : readFileSync(fd)
}
