// A folder that is there as long as the process that made it. However that ends, the kernel lets go of the folder's lock (flock(2)), by
// which the next process knows what nobody has any more, and takes it away.
import { closeSync, lstatSync, mkdtempSync, openSync, readdirSync, rmSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { AppError, errnoOf } from '../base/errors.js'
import { constants, openLibc } from '../net/libc.js'
import { writeError } from './atomic-file.js'

export interface RunFolder {
  readonly path: string
  /** Takes it away with all that is in it. */
  readonly remove: () => void
}

/**
 * A folder of a new name below `parent` that begins with `prefix`, for the user of this process alone (`uid`); folders of that prefix which
 * processes of this user left behind when they were killed are taken away first. AppError write_failed or disk_full.
 */
export function openRunFolder (parent: string, prefix: string, uid: number): RunFolder {
  removeLeft(parent, prefix, uid)
  // Who starts at the same time may hold the folder for what somebody left, as long as it has no lock.
  for (let tries = 0; tries < 100; tries++) {
    const path = made(join(parent, prefix))
    const fd = locked(path)
    if (fd === undefined) continue
    return {
      path,
      remove: () => {
        rmSync(path, { recursive: true, force: true, maxRetries: 3 })
        closeSync(fd)
      }
    }
  }
  throw new AppError('write_failed', `${parent} could not be written: others take away what is made there`)
}

function made (prefix: string): string {
  try {
    return mkdtempSync(prefix)
  } catch (error) {
    throw writeError(dirname(prefix), error)
  }
}

/** The descriptor that holds the lock; undefined where another process has it, or the folder is gone. */
function locked (path: string): number | undefined {
  let fd
  try {
    fd = openSync(path, 'r')
    if (openLibc().flock(fd, constants.lockExclusive | constants.lockNonBlocking) === 0 && isThere(path)) return fd
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error
  }
  if (fd !== undefined) closeSync(fd)
  return undefined
}

const isThere = (path: string): boolean => statSync(path, { throwIfNoEntry: false }) !== undefined

/** In a folder that everybody writes to, only what nobody else can have put there or can change meanwhile. */
function removeLeft (parent: string, prefix: string, uid: number): void {
  for (const name of namesIn(parent).filter(name => name.startsWith(prefix))) {
    const path = join(parent, name)
    const stats = lstatSync(path, { throwIfNoEntry: false })
    if (stats?.isDirectory() !== true || stats.uid !== uid || (stats.mode & 0o77) !== 0) continue
    const fd = locked(path)
    if (fd === undefined) continue
    rmSync(path, { recursive: true, force: true, maxRetries: 3 })
    closeSync(fd)
  }
}

function namesIn (parent: string): readonly string[] {
  try {
    return readdirSync(parent)
  } catch {
    // What makes a folder there says why not.
    return []
  }
}
