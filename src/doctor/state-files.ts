// Whether what is kept in state_path can be read by this version: an older one is told so before it is put in force.
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { AppError } from '../base/errors.js'
import type { Config } from '../config/load.js'
import { checkHeader } from '../disk/lines-header.js'
import { fetchedFormat, lineFormats, mirrorFormat, refuseNewer } from '../disk/state-formats.js'
import { readWhole } from '../disk/whole-file.js'
import { type Finding, problem } from './finding.js'

/**
 * A problem for each file that a newer version wrote, also where what it is for is off: it harms as soon as that is on. What cannot be
 * read at all is told of its folder.
 */
export async function diagnoseStateFiles ({ state_path: folder }: Pick<Config, 'state_path'>): Promise<readonly Finding[]> {
  const images = (await readdir(join(folder, mirrorFormat.folder), { withFileTypes: true }).catch(() => []))
    .filter(entry => entry.isFile() && entry.name.endsWith('.json')).map(({ name }) => name).sort()
  const looks = [
    ...Object.entries(lineFormats).map(([format, { file, version }]) => checkLines(join(folder, file), { format, version })),
    ...images.map(name => checkWhole(folder, join(mirrorFormat.folder, name)))
  ]
  const findings = await Promise.all(looks.map(async (look): Promise<Finding | undefined> => {
    try {
      await look
      return undefined
    } catch (error) {
      if (error instanceof AppError) return problem('state', error.message)
      throw error
    }
  }))
  return findings.filter(finding => finding !== undefined)
}

/** What is no file is refused at the start. */
async function checkLines (path: string, wanted: Parameters<typeof checkHeader>[1]): Promise<void> {
  const found = await stat(path).catch(() => undefined)
  if (found !== undefined && !found.isFile()) throw new AppError('read_failed', `${path} is no file: the service keeps its state there, and does not start`)
  await checkHeader(path, wanted)
}

async function checkWhole (folder: string, file: string): Promise<void> {
  const path = join(folder, file)
  const isFetched = file === fetchedFormat.file
  refuseNewer(path, await versionIn(path), isFetched ? fetchedFormat.version : mirrorFormat.version,
    isFetched ? 'and no release is known to have been fetched' : 'and its sources are looked at anew')
}

/** undefined where there is none, as where the file cannot be read: who uses it begins anew. */
async function versionIn (path: string): Promise<unknown> {
  try {
    return (Object(JSON.parse((await readWhole(path, 'state')).toString())) as { readonly version?: unknown }).version
  } catch {
    return undefined
  }
}
