// One process at a time works on a folder: flock(2) through libc, which Node does not offer. The kernel lets go of a lock
// when its process ends, however it ends, so nothing has to be cleaned up after a crash.
import { open, readFile, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { AppError, errnoOf } from '../base/errors.js'
import { constants, openLibc } from '../net/libc.js'
import { writeError } from './atomic-file.js'
import { makeFolder } from './make-folder.js'
import { readWhole } from './whole-file.js'

/** `release` lets go again; `holder` is who has it: a process id, '' where it could not say so. */
export type Lock = { readonly release: () => Promise<void> } | { readonly holder: string }

/** Takes the lock that the file `path` stands for, which is made. AppError write_failed or disk_full: there can be none. */
export async function takeLock (path: string): Promise<Lock> {
  const handle = await makeFolder(dirname(path)).then(() => open(path, 'a+', 0o664)).catch(async (error: unknown) => {
    // One that another user made is locked as well when it can only be read (flock(2)).
    if (errnoOf(error) !== 'EACCES') throw writeError(path, error)
    return await open(path, 'r').catch(() => { throw writeError(path, error) })
  })
  const { flock, errno } = openLibc()
  if (flock(handle.fd, constants.lockExclusive | constants.lockNonBlocking) !== 0) {
    const why = errno()
    const holder = (await handle.readFile('utf8').catch(() => '')).trim()
    await handle.close()
    if (why !== 'EAGAIN') throw new AppError('write_failed', `${path} cannot be locked: ${why}`)
    return { holder }
  }
  // Only told to whoever meets the lock.
  await handle.truncate(0).then(() => handle.appendFile(`${process.pid}\n`)).catch(() => {})
  return { release: () => handle.close() }
}

/** The lock on a folder of images. Resolves with what lets go again; AppError images_busy says who has it. */
export async function lockFolder (path: string): Promise<() => Promise<void>> {
  const lock = await takeLock(path)
  if ('release' in lock) return lock.release
  throw new AppError('images_busy', `another process works on ${dirname(dirname(path))}${byPid(lock.holder)}; try again when it is done`)
}

/**
 * The process that has the lock, without taking it even for a moment: undefined when nobody has it, or nobody whom this process can see
 * (/proc/locks leaves out those of other containers).
 */
export async function lockHolder (path: string): Promise<number | undefined> {
  try {
    const [text, { ino }, locks] = await Promise.all([readWhole(path, 'credentials').then(String), stat(path, { bigint: true }), readFile('/proc/locks', 'utf8')])
    const pid = text.trim()
    // `1: FLOCK  ADVISORY  WRITE 708 08:01:13245 0 EOF` (proc_locks(5)); the device is not stat(2)'s on every file system.
    const isHeld = locks.split('\n').some(line => {
      const words = line.split(/ +/)
      return words[1] === 'FLOCK' && words[4] === pid && words[5]?.endsWith(`:${ino}`) === true
    })
    return isHeld ? Number(pid) : undefined
  } catch {
    return undefined
  }
}

const byPid = (holder: string): string => holder === '' ? '' : ` (pid ${holder})`
