// What is known of the sources beside what is on disk: when each was looked at and what went wrong, and what the last
// verification found. One file a folder of images, in state_path/images; written by whoever holds the folder's lock.
import { join } from 'node:path'
import { writeFileAtomic } from '../disk/atomic-file.js'
import { mirrorFormat, refuseNewer } from '../disk/state-formats.js'
import { readWhole } from '../disk/whole-file.js'

/** Times are ISO 8601. */
export interface SourceState {
  readonly checked: string
  /** When it was last found or made up to date. */
  readonly succeeded?: string | undefined
  /** What the publisher had then. */
  readonly version?: string | undefined
  readonly error?: { readonly at: string, readonly code: string, readonly text: string } | undefined
  /** What the last try took: who is slow comes last. */
  readonly seconds?: number | undefined
  /** Whether its publisher signs which version it is, and what is in it: it has to from then on. */
  readonly signsVersion?: boolean | undefined
  readonly signsDigests?: boolean | undefined
  /** What could not be proven of what is published now. */
  readonly unproven?: readonly string[] | undefined
}

export interface VerifiedState {
  readonly verified: string
  /** By file; empty when all is well. */
  readonly problems: Readonly<Record<string, string>>
  /** Files that are not what was published: the next sync fetches them again. */
  readonly damaged: readonly string[]
}

export interface FolderState {
  readonly sources: Readonly<Record<string, SourceState>>
  readonly releases: Readonly<Record<string, VerifiedState>>
}

const stateFile = (statePath: string, folder: string): string => join(statePath, mirrorFormat.folder, `${folder.replaceAll('/', '_')}.json`)

interface StateFile extends Partial<FolderState> { readonly version?: unknown }

/** A file that is missing or torn is an empty state: all of it is found out again. So is one of a newer version, for who only looks. */
export async function readState (statePath: string, folder: string): Promise<FolderState> {
  const { version, sources, releases } = await readFileOf(statePath, folder)
  return isNewer(version) ? { sources: {}, releases: {} } : { sources: { ...sources }, releases: { ...releases } }
}

/** For who is going to write it: AppError state_newer rather than to throw away what a newer version knows. */
export async function readOwnState (statePath: string, folder: string): Promise<FolderState> {
  const { version } = await readFileOf(statePath, folder)
  refuseNewer(stateFile(statePath, folder), version, mirrorFormat.version, 'and its sources are looked at anew')
  return await readState(statePath, folder)
}

const isNewer = (version: unknown): boolean => typeof version === 'number' && version > mirrorFormat.version

async function readFileOf (statePath: string, folder: string): Promise<StateFile> {
  try {
    return Object(JSON.parse((await readWhole(stateFile(statePath, folder), 'state')).toString())) as StateFile
  } catch {
    return {}
  }
}

export async function writeState (statePath: string, folder: string, state: FolderState): Promise<void> {
  await writeFileAtomic(stateFile(statePath, folder), `${JSON.stringify({ version: mirrorFormat.version, ...state }, null, 2)}\n`)
}
