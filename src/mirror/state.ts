// What is known of the sources beside what is on disk: when each was looked at and what went wrong, and what the last
// verification found. One file a folder of images, in state_path/images; written by whoever holds the folder's lock.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { writeFileAtomic } from '../disk/atomic-file.js'

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

const stateFile = (statePath: string, folder: string): string => join(statePath, 'images', `${folder.replaceAll('/', '_')}.json`)

/** A file that is missing or torn is an empty state: all of it is found out again. */
export async function readState (statePath: string, folder: string): Promise<FolderState> {
  try {
    const { sources, releases } = JSON.parse(await readFile(stateFile(statePath, folder), 'utf8')) as Partial<FolderState>
    return { sources: { ...sources }, releases: { ...releases } }
  } catch {
    return { sources: {}, releases: {} }
  }
}

export async function writeState (statePath: string, folder: string, state: FolderState): Promise<void> {
  await writeFileAtomic(stateFile(statePath, folder), `${JSON.stringify(state, null, 2)}\n`)
}
