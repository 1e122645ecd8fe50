// Where the system says ENOTDIR of a path: what it is that stands where a folder should.
import { stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'

/** The path itself, or the file that it leads through: `/srv/file is no folder`. */
export async function noFolder (path: string): Promise<string> {
  let at = resolve(path)
  while (dirname(at) !== at && !await stat(at).then(() => true, () => false)) at = dirname(at)
  return `${at} is no folder`
}
