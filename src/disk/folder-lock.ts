// One process at a time works on a folder of images: flock(2) through libc, which Node does not offer. The kernel lets go
// of it when its process ends, however it ends, so nothing has to be cleaned up after a crash.
import { open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { AppError, errnoOf } from '../base/errors.js'
import { constants, openLibc } from '../net/libc.js'
import { writeError } from './atomic-file.js'
import { makeFolder } from './make-folder.js'

/** Resolves with what lets go again; AppError images_busy says who has it. */
export async function lockFolder (path: string): Promise<() => Promise<void>> {
  const handle = await makeFolder(dirname(path)).then(() => open(path, 'a+', 0o664)).catch(async (error: unknown) => {
    // One that another user made is locked as well when it can only be read (flock(2)).
    if (errnoOf(error) !== 'EACCES') throw writeError(path, error)
    return await open(path, 'r').catch(() => { throw writeError(path, error) })
  })
  if (openLibc().flock(handle.fd, constants.lockExclusive | constants.lockNonBlocking) !== 0) {
    const holder = (await handle.readFile('utf8')).trim()
    await handle.close()
    throw new AppError('images_busy', `another process works on ${dirname(dirname(path))}${holder === '' ? '' : ` (pid ${holder})`}; try again when it is done`)
  }
  // Only told to whoever meets the lock.
  await handle.truncate(0).then(() => handle.appendFile(`${process.pid}
`)).catch(() => {})
  return async () => { await handle.close() }
}
