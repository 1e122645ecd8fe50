// The objects of a folder that is no store in use: what somebody imports from, or exports to. No link in it leads out of it.
import { realpath, stat } from 'node:fs/promises'
import { dirname, join, sep } from 'node:path'
import { AppError, errnoOf, messageOf } from '../base/errors.js'
import { counted } from '../base/units.js'
import type { OpenStore } from '../matchbox/store.js'
import { removeFile, writeFileAtomic } from '../disk/atomic-file.js'
import { isWritten, type Move, type ObjectFiles } from './moves.js'

/** Every object of a store as bytes, also what cannot be used; AppError read_failed when one of them could not be read. */
export function filesOf (store: Pick<OpenStore, 'sources' | 'problems'>): ObjectFiles {
  const problems = store.problems()
  const files = new Map<string, Buffer>()
  const unread = (where: string): AppError =>
    new AppError('read_failed', `${where === '' ? 'the store: ' : where === '.' ? '' : `${where}: `}${problems.find(problem => problem.where === where)?.message ?? 'cannot be read'}`)
  for (const { where, bytes } of store.sources()) {
    if (bytes === undefined) throw unread(where)
    files.set(where, bytes)
  }
  const folder = problems.find(({ name, where }) => name === undefined && !files.has(where))
  if (folder !== undefined && !isStrange(folder.where)) throw unread(folder.where)
  return files
}

/** A place where no object is looked for, `groups/more/a.json`; those of files/ stand in folders, `files/units`. */
const isStrange = (where: string): boolean => where.split('/').length > (where.startsWith('files/') ? 2 : 1)

/** Throws AppError read_failed: a file reached through a link that leads out of the folder. */
export async function assertWithin (root: string, files: Iterable<string>): Promise<void> {
  const top = await realpath(root).catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT') return undefined
    throw new AppError('read_failed', `${root}: ${messageOf(error)}`, { cause: error })
  })
  if (top === undefined) return
  for (const file of files) {
    const real = await nearest(join(root, file))
    if (real !== top && !real.startsWith(top === sep ? sep : top + sep)) throw new AppError('read_failed', `${join(root, file)} leads out of ${root}, to ${real}: nothing was done`)
  }
}

/** Where a path leads, or as much of it as there is. */
async function nearest (path: string): Promise<string> {
  try {
    return await realpath(path)
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT' || dirname(path) === path) throw new AppError('read_failed', `${path}: ${messageOf(error)}`, { cause: error })
    return await nearest(dirname(path))
  }
}

export async function isFolder (path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory()
  } catch (error) {
    throw new AppError('read_failed', `${path}: ${messageOf(error)}`, { cause: error })
  }
}

/** Each file is replaced whole; AppError disk_full, write_failed say how far it came. */
export async function writeFiles (root: string, moves: readonly Move[]): Promise<void> {
  const wanted = moves.filter(isWritten)
  for (const [done, { file, bytes }] of wanted.entries()) {
    const path = join(root, file)
    try {
      await (bytes === undefined ? removeFile(path) : writeFileAtomic(path, bytes))
    } catch (error) {
      if (!(error instanceof AppError)) throw error
      throw new AppError(error.code, `${error.message}; ${done} of ${counted(wanted.length, 'file')} ${done === 1 ? 'is' : 'are'} done, each of them whole: the same command with --replace does the rest`, { cause: error })
    }
  }
}
