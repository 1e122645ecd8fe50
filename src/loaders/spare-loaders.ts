// Loaders while the disk of the owner's own fails: a machine that gets the program's boots, and one that gets none does not.
import type { Clock } from '../base/clock.js'
import { AppError, errnoOf, unwaited } from '../base/errors.js'
import { type DiskTurns, lookEvery } from '../disk/disk-turns.js'
import type { OpenFile } from '../disk/open-file.js'
import type { FileRequest, FileSource } from '../tftp/file-source.js'

/** What a disk says that fails, or that is another machine's which is gone; none of it is about one file. */
const diskFailures: ReadonlySet<string> = new Set(['EIO', 'ESTALE', 'ENOTCONN', 'ETIMEDOUT', 'EHOSTDOWN', 'EHOSTUNREACH', 'EREMOTEIO', 'ENODEV', 'ENXIO'])
const isOfDisk = (error: unknown): boolean => error instanceof AppError ? error.code === 'read_failed' : diskFailures.has(errnoOf(error))

const isDenied = (error: unknown): boolean => ['EACCES', 'EPERM'].includes(errnoOf(error))

/** Looks at the owner's disk that may go unanswered, while firmware has not asked again yet: half a second. */
export const ownPatience = 5

export interface OwnLoaders {
  readonly files: FileSource
  /** At the disk that they are on. */
  readonly turns: Pick<DiskTurns, 'unanswered'>
  /** Whether this process may look up nothing in the folder that they are in, which then says of no file that it may not be read. */
  readonly isShut: () => Promise<boolean>
}

/**
 * The owner's file, or that of the others where there is none, or none that can be read now. What they have not either is the
 * disk's failure; a folder that is shut is told by itself. A disk that is slow, as others are then, is waited for: its owner's file
 * boots another system than the spare one.
 */
export const ownOrSpare = (own: OwnLoaders, others: FileSource, clock: Pick<Clock, 'every'>): FileSource => ({
  open: async (name, request) => {
    const found = await inTime(own, name, request, clock)
    if (!(found instanceof Error)) return found ?? await others.open(name, request)
    const spare = await others.open(name, request)
    if (spare === undefined && isOfDisk(found)) throw found
    return spare
  }
})

type OwnLoader = OpenFile | undefined | Error

async function inTime (own: OwnLoaders, name: string, request: FileRequest, clock: Pick<Clock, 'every'>): Promise<OwnLoader> {
  const { files, turns, isShut } = own
  const opening = files.open(name, request).catch(async (error: unknown) => {
    if (isDenied(error) && await isShut()) return error as Error
    throw error
  })
  return await new Promise((resolve, reject) => {
    let isLate = false
    const timer = clock.every(lookEvery, () => {
      if (turns.unanswered < ownPatience) return
      timer.cancel()
      isLate = true
      resolve(new AppError('read_failed', `${name} of tftp.root: its disk does not answer`))
    })
    unwaited(opening.then(async file => {
      timer.cancel()
      if (!isLate) resolve(file)
      else if (!(file instanceof Error)) await file?.close()
    }, (error: unknown) => {
      timer.cancel()
      if (error instanceof Error && isOfDisk(error)) resolve(error)
      else reject(error)
    }))
  })
}
