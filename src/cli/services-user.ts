// What root makes the service could not open: root works as the user whose the folder is.
import { stat } from 'node:fs/promises'
import type { Io } from './command.js'

/** Goes on, for good, as the owner of `path` where that is another user than root. */
export async function becomeOwner (path: string, io: Pick<Io, 'uid' | 'become'>): Promise<void> {
  const owner = io.uid === 0 ? await stat(path).catch(() => undefined) : undefined
  if (owner !== undefined && owner.uid !== 0) io.become(owner.uid, owner.gid)
}
