// The files of hosts.d: lists of reservations that other programs write, read together in the order of their names.
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { errnoOf, messageOf } from '../base/errors.js'
import { parseReservationFile, type ReservationEntry, type ReservationFile } from './load.js'

/** A folder that is not there holds nothing; what can't be read is a problem, and the rest counts. */
export async function readHostsFolder (folder: string): Promise<ReservationFile> {
  const entries: ReservationEntry[] = []
  const problems: string[] = []
  let names: readonly string[] = []
  try {
    names = (await readdir(folder)).filter(name => name.endsWith('.yaml') && !name.startsWith('.')).sort()
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') problems.push(`${folder}: ${messageOf(error)}`)
  }
  for (const name of names) {
    const path = join(folder, name)
    try {
      const found = parseReservationFile(path, await readFile(path, 'utf8'))
      entries.push(...found.entries)
      problems.push(...found.problems)
    } catch (error) {
      problems.push(`${path}: ${messageOf(error)}`)
    }
  }
  return { entries, problems }
}
