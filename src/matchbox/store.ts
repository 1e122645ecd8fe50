// Where groups, profiles and config files are kept: read as immutable snapshots in memory, written one object at a time.
// It is a folder of files (store/file-store) or etcd (store/etcd-store): both keep what is said here.
import { AppError } from '../base/errors.js'
import { cleanPath } from '../go/path.js'
import type { Group } from './group.js'
import type { ObjectFault } from './object-fault.js'
import type { Profile } from './profile.js'

export const configKinds = ['ignition', 'cloud', 'generic'] as const
export type ConfigKind = typeof configKinds[number]

/** What templates share: texts that they call, and files that they carry. Nothing but an editor writes them. */
export const sharedKinds = ['snippets', 'files'] as const
export type SharedKind = typeof sharedKinds[number]

export interface ConfigFile {
  readonly kind: ConfigKind | SharedKind
  readonly name: string
  /** The file's bytes; nobody changes them. A new version of the file is another ConfigFile: work done on one is kept by identity. */
  readonly content: Buffer
}

/** Objects by the name of their file (without .json), which is their id unless somebody wrote another one into it. */
export interface Objects {
  readonly groups: ReadonlyMap<string, Group>
  /** Profiles in folders below `profiles/` have the folders in their name. */
  readonly profiles: ReadonlyMap<string, Profile>
  readonly configs: Readonly<Record<ConfigKind, ReadonlyMap<string, ConfigFile>>>
  readonly shared: Readonly<Record<SharedKind, ReadonlyMap<string, ConfigFile>>>
}

/** The whole store at one moment: never changes, so a request that holds one sees one state. */
export interface Snapshot extends Objects {
  /** The same with what was deleted less than `store.tombstone` ago still in it: what machines are served from. */
  readonly forMachines: Objects
}

/** Something in the store that cannot be used; what it held before stays in force. */
export interface Problem {
  /** Of what; undefined for the store as a whole. */
  readonly kind: StoreChange['kind'] | undefined
  /** Which; undefined when nothing of the kind can be listed. */
  readonly name: string | undefined
  /** The place for a person, in the store's own terms: `groups/core-1.json`. */
  readonly where: string
  readonly message: string
  /** What is wrong in it, of a file that was read. */
  readonly fault?: ObjectFault
  /** The store was not made yet. */
  readonly isMissing?: boolean
}

/** What was found wrong with one object, without which. */
export type ObjectProblem = Pick<Problem, 'message' | 'fault'>

export interface StoreChange {
  readonly kind: 'group' | 'profile' | ConfigKind | SharedKind
  readonly name: string
  readonly what: 'put' | 'deleted' | 'expired'
}

export interface Store {
  readonly snapshot: Snapshot
  /**
   * What a put returned from is on disk and in `snapshot`. Throws AppError disk_full, write_failed; of a shared store also etcd_away,
   * etcd_full, message_too_large, store_changed.
   */
  putGroup: (group: Group) => Promise<void>
  /**
   * Of a store that others write to as well: adds a group that `plan` makes of what all of them have added, in turn with them, unless it
   * makes none; it is asked again where another one was first. Throws as the puts do, and when a group of that id is there.
   */
  readonly addGroup?: (plan: () => Promise<Group | undefined>) => Promise<void>
  putProfile: (profile: Profile) => Promise<void>
  putConfig: (kind: ConfigKind, name: string, content: Buffer) => Promise<void>
  /** Deleting what is not there is fine. */
  deleteGroup: (id: string) => Promise<void>
  deleteProfile: (id: string) => Promise<void>
  deleteConfig: (kind: ConfigKind, name: string) => Promise<void>
  /** Calls `listener` after each change of the snapshot, with what changed since the last call; returns how to stop. */
  onChange: (listener: (changes: readonly StoreChange[]) => void) => () => void
  problems: () => readonly Problem[]
  /** Why it was not read yet: what is not in the snapshot may be there all the same. Without it, it was read before anybody asked. */
  readonly unread?: () => string | undefined
  /**
   * Fulfilled when the snapshot has all that was put anywhere before the call, of one object or of a kind; `before` when that can't
   * be found out, and the object is told of as it was. A store of one machine has no such thing to wait for. Throws AppError
   * etcd_away where nothing can be said.
   */
  readonly settle?: (kind: StoreChange['kind'], name?: string) => Promise<Settled>
}

export type Settled = 'now' | 'before'

/** What the store was read from, one file or record each, for whoever tells where in it something stands. */
export interface StoreSource {
  readonly kind: StoreChange['kind']
  readonly name: string
  /** As in Problem. */
  readonly where: string
  /** As it was last read; undefined when it could not be. */
  readonly bytes: Buffer | undefined
}

/** A store and its lifetime, for whoever opened it. */
export interface OpenStore extends Store {
  sources: () => Iterable<StoreSource>
  /** Looks at everything again, also where nothing told of a change. */
  rescan: () => Promise<void>
  close: () => Promise<void>
}

/**
 * The file a reference means, cleaned as Matchbox cleans paths: `..` cannot leave the data folder, and a reference may
 * name a file of another kind through it. undefined when it means none.
 */
function resolveReference (folder: 'profiles' | ConfigKind, reference: string): { folder: string, name: string } | undefined {
  if (reference.includes('\0')) return undefined
  const [, top = '', ...rest] = cleanPath(`/${folder}/${reference}`).split('/')
  return rest.length === 0 ? undefined : { folder: top, name: rest.join('/') }
}

// Nearly every reference is the name of a file in its own folder.
const isPlain = (reference: string): boolean => reference !== '' && reference !== '.' && reference !== '..' && !/[/\0]/.test(reference)

export function findProfile (objects: Objects, id: string): Profile | undefined {
  if (isPlain(id)) return objects.profiles.get(id)
  const found = resolveReference('profiles', `${id}.json`)
  return found?.folder === 'profiles' ? objects.profiles.get(found.name.slice(0, -'.json'.length)) : undefined
}

export function findConfig (objects: Objects, kind: ConfigKind, name: string): ConfigFile | undefined {
  if (isPlain(name)) return objects.configs[kind].get(name)
  const found = resolveReference(kind, name)
  const folder = configKinds.find(k => k === found?.folder)
  return found === undefined || folder === undefined ? undefined : objects.configs[folder].get(found.name)
}

const maxFileNameBytes = 255

/**
 * Refuses an id that is not one safe path component: throws AppError id_invalid. `suffix` is what the file name adds. A
 * backslash or a line break is a character like any other here, as for Matchbox.
 */
export function assertSafeName (name: string, suffix: '' | '.json'): void {
  const why = name === ''
    ? 'is empty'
    : name === '.' || name === '..' || name.includes('/')
      ? 'is not one path component'
      : name.includes('\0') || !name.isWellFormed()
        ? 'has characters that a file name cannot have'
        : Buffer.byteLength(name + suffix) > maxFileNameBytes ? `makes a file name longer than ${maxFileNameBytes} bytes` : undefined
  if (why !== undefined) throw new AppError('id_invalid', `${JSON.stringify(name.slice(0, 80))} ${why}`)
}
