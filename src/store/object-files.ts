// Objects as the files of a data folder: where each stands, and what is in it. What etcd holds is the same bytes.
import { AppError, messageOf } from '../base/errors.js'
import { encodeGroup, parseGroup } from '../matchbox/group.js'
import { encodeProfile, parseProfile } from '../matchbox/profile.js'
import { faultOf } from '../matchbox/object-fault.js'
import { assertSafeName, configKinds, type ObjectProblem, sharedKinds } from '../matchbox/store.js'
import { temporaryPrefix } from '../disk/atomic-file.js'
import type { ObjectKind, StoredObject } from './store-memory.js'

export const folders = ['groups', 'profiles', ...configKinds, ...sharedKinds] as const
export type StoreFolder = typeof folders[number]

export const folderOf = (kind: ObjectKind): StoreFolder => kind === 'group' ? 'groups' : kind === 'profile' ? 'profiles' : kind
export const kindIn = (folder: StoreFolder): ObjectKind => folder === 'groups' ? 'group' : folder === 'profiles' ? 'profile' : folder
/** Below the data folder: `groups/a.json`, `ignition/a.yaml`. */
export const fileOf = (kind: ObjectKind, name: string): string => `${folderOf(kind)}/${name}${kind === 'group' || kind === 'profile' ? '.json' : ''}`

/** Where the same stands in etcd, below its prefix: `groups/a`. */
export const keyOf = (kind: ObjectKind, name: string): string => `${folderOf(kind)}/${name}`

/** What a file below the data folder is, by its place: Matchbox takes groups from the top of their folder alone. */
export function placeOf (file: string): { kind: ObjectKind, name: string } | undefined {
  const slash = file.indexOf('/')
  const folder = folders.find(f => f.length === slash && file.startsWith(f))
  const name = file.slice(slash + 1)
  if (folder === undefined || file.includes(`/${temporaryPrefix}`)) return undefined
  if (folder !== 'groups' && folder !== 'profiles') return { kind: folder, name }
  if (!name.endsWith('.json') || (folder === 'groups' && name.includes('/'))) return undefined
  return { kind: kindIn(folder), name: name.slice(0, -'.json'.length) }
}

/** Throws AppError group_invalid, profile_invalid. */
export function objectOf (kind: ObjectKind, name: string, bytes: Buffer): StoredObject {
  if (kind === 'group') return { kind, name, value: parseGroup(bytes) }
  if (kind === 'profile') return { kind, name, value: parseProfile(bytes) }
  return { kind, name, value: { kind, name, content: bytes } }
}

/** Why `objectOf` refused bytes. */
export function problemOf (error: unknown): ObjectProblem {
  const fault = faultOf(error)
  return { message: messageOf(error), ...fault !== undefined && { fault } }
}

export const bytesOf = (object: StoredObject): Buffer =>
  object.kind === 'group' ? encodeGroup(object.value) : object.kind === 'profile' ? encodeProfile(object.value) : object.value.content

/** Throws AppError id_invalid. */
export function checkedFileOf (kind: ObjectKind, name: string): string {
  assertSafeName(name, kind === 'group' || kind === 'profile' ? '.json' : '')
  if (name.startsWith(temporaryPrefix)) throw new AppError('id_invalid', `names that begin with ${temporaryPrefix} are those of unfinished files`)
  return fileOf(kind, name)
}

/** Of a folder of the data folder, or of one in it. */
export function kindOf (folder: string): ObjectKind | undefined {
  const top = folders.find(top => folder === top || folder.startsWith(`${top}/`))
  return top === undefined ? undefined : kindIn(top)
}
