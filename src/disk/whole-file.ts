// A file that somebody named, read whole. What stands there may be a folder, a pipe that nobody writes to, whose opening takes a thread
// of the pool for ever, or far more than belongs there.
import { closeSync, constants, fstatSync, openSync, readFileSync, type Stats } from 'node:fs'
import { open } from 'node:fs/promises'

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

/** Rejects with the system's error, or with one that says what stands there instead. */
export async function readWhole (path: string, kind: WholeFileKind): Promise<Buffer> {
  const handle = await open(path, flags)
  try {
    refuseOthers(await handle.stat(), wholeFileLimits[kind])
    return await handle.readFile()
  } finally {
    await handle.close()
  }
}

/** The same at once: for the start, and for commands. */
export function readWholeSync (path: string, kind: WholeFileKind): Buffer {
  const fd = openSync(path, flags)
  try {
    refuseOthers(fstatSync(fd), wholeFileLimits[kind])
    return readFileSync(fd)
  } finally {
    closeSync(fd)
  }
}

function refuseOthers (stats: Stats, most: number): void {
  if (stats.isDirectory()) throw Object.assign(new Error('EISDIR: it is a folder'), { code: 'EISDIR' })
  if (!stats.isFile()) throw new Error('it is no file but a pipe, a socket or a device')
  if (stats.size > most) throw new Error(`it is larger than ${most / 2 ** 20} MiB`)
}
