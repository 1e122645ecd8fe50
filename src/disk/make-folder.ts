// A folder, with those above it, each name forced to disk: a file below is not kept else. Node's own recursive mkdir says ENOENT where the
// file system is read-only, and never returns below /proc; here the error is that of the folder that could not be made.
import { mkdir, stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { errnoOf } from '../base/errors.js'
import { syncFolder } from './sync-folder.js'

/** Gives the first folder that was made, undefined when all were there. Rejects with the system's error. */
export async function makeFolder (path: string, mode = 0o777): Promise<string | undefined> {
  const folder = resolve(path)
  const refused = await attempt(folder, mode)
  if (refused === undefined) return folder
  if (errnoOf(refused) === 'EEXIST') return await assertFolder(folder, refused)
  if (errnoOf(refused) !== 'ENOENT' || dirname(folder) === folder) throw refused
  const first = await makeFolder(dirname(folder), mode)
  const again = await attempt(folder, mode)
  // Somebody else may have made it meanwhile.
  if (again !== undefined && errnoOf(again) === 'EEXIST') await assertFolder(folder, again)
  else if (again !== undefined) throw again
  return first ?? folder
}

async function attempt (folder: string, mode: number): Promise<Error | undefined> {
  const refused = await mkdir(folder, { mode }).then(() => undefined, (error: Error) => error)
  // Whoever may write to a folder may not always read it; what is made there is made all the same.
  if (refused === undefined) await syncFolder(dirname(folder)).catch((error: unknown) => { if (errnoOf(error) !== 'EACCES') throw error })
  return refused
}

async function assertFolder (path: string, refused: Error): Promise<undefined> {
  const found = await stat(path).catch(() => undefined)
  if (found?.isDirectory() !== true) throw refused
  return undefined
}
