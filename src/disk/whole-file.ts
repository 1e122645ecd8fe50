// A file that somebody named, read whole. What stands there may be a folder, a pipe that nobody writes to, whose opening takes a thread
// of the pool for ever, or far more than belongs there.
import { closeSync, constants, fstatSync, openSync, readFileSync, readSync, type Stats } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { errnoOf } from '../base/errors.js'

/** Octets. */
export const wholeFileLimits = {
  /** Certificates, keys, passwords, secrets, users: what a person or one command writes. */
  credentials: 2 ** 20,
  /** Key rings, authorities of a whole system, lists of revoked certificates: what grows with its years. */
  collections: 16 * 2 ** 20,
  /** Configurations, lists of reservations, what is kept of releases. */
  lists: 32 * 2 ** 20,
  /** What the program itself has written, within budgets of its own. */
  state: Infinity
} as const

export type WholeFileKind = keyof typeof wholeFileLimits

const flags = constants.O_RDONLY | constants.O_NONBLOCK

/** What is said of what is there and no file. */
export const noFileText = 'it is no file but a pipe, a socket or a device'
const endless = 'it is no file of a disk: the kernel makes it as it is read, and says no end'

/** Rejects with the system's error, or with one that says what stands there instead. */
export async function readWhole (path: string, kind: WholeFileKind): Promise<Buffer> {
  const handle = await open(path, flags)
  try {
    const stats = await handle.stat()
    refuseOthers(stats, wholeFileLimits[kind])
    return await contentOf(handle, stats, wholeFileLimits[kind])
  } finally {
    await handle.close()
  }
}

/** The same at once: for the start, and for commands. */
export function readWholeSync (path: string, kind: WholeFileKind): Buffer {
  const fd = openSync(path, flags)
  try {
    const stats = fstatSync(fd)
    refuseOthers(stats, wholeFileLimits[kind])
    return contentNow(fd, stats, wholeFileLimits[kind])
  } finally {
    closeSync(fd)
  }
}

function refuseOthers (stats: Stats, most: number): void {
  if (stats.isDirectory()) throw Object.assign(new Error('EISDIR: it is a folder'), { code: 'EISDIR' })
  if (!stats.isFile()) throw new Error(noFileText)
  if (stats.size > most) throw new Error(`it is larger than ${most / 2 ** 20} MiB`)
}

/** Octets that are read at a time of what has no size. */
const part = 64 * 1024

/**
 * All of a file that is open, `most` octets at most. One that the kernel makes as it is read (/proc) says no size, may go on for ever
 * (pagemap), and may wait for what is yet to be said (kmsg, trace_pipe): unless it was opened without waiting.
 */
export async function contentOf (handle: FileHandle, { size }: Pick<Stats, 'size'>, most: number): Promise<Buffer> {
  if (size > 0) return await handle.readFile()
  const parts = new Parts(most)
  try {
    for (;;) {
      const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafe(part), 0, part, null)
      if (bytesRead === 0) return parts.whole
      parts.add(buffer.subarray(0, bytesRead))
    }
  } catch (error) {
    throw asEndless(error)
  }
}

/** The same at once. */
export function contentNow (fd: number, { size }: Pick<Stats, 'size'>, most: number): Buffer {
  if (size > 0) return readFileSync(fd)
  const parts = new Parts(most)
  try {
    for (;;) {
      const buffer = Buffer.allocUnsafe(part)
      const bytesRead = readSync(fd, buffer, 0, part, null)
      if (bytesRead === 0) return parts.whole
      parts.add(buffer.subarray(0, bytesRead))
    }
  } catch (error) {
    throw asEndless(error)
  }
}

class Parts {
  readonly #most: number
  readonly #parts: Buffer[] = []
  #octets = 0

  constructor (most: number) { this.#most = most }

  add (bytes: Buffer): void {
    this.#octets += bytes.length
    if (this.#octets > this.#most) throw new Error(endless)
    this.#parts.push(bytes)
  }

  get whole (): Buffer { return Buffer.concat(this.#parts) }
}

/** What would have been waited for. */
const asEndless = (error: unknown): unknown => errnoOf(error) === 'EAGAIN' ? new Error(endless) : error
