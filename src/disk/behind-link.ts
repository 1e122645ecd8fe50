// Where a file is that a folder only links to: what is replaced whole is replaced there, and the link stays.
import { lstat, readlink, realpath } from 'node:fs/promises'
import { AppError, messageOf } from '../base/errors.js'

/** `path`, or the file that it is a link to. AppError `write_failed` when that is gone. */
export async function behindLink (path: string): Promise<string> {
  if (await lstat(path).then(found => !found.isSymbolicLink(), () => true)) return path
  return await realpath(path).catch(async (error: unknown) => {
    throw new AppError('write_failed', `${path} is a link to ${await readlink(path)}, where there is nothing to replace: ${messageOf(error)}`, { cause: error })
  })
}
