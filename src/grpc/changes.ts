// What a Put or Delete changes, in words for the log: whoever asks later who did what is answered by one line.
import type { Snapshot } from '../matchbox/store.js'
import { encodeGroup, type Group } from '../matchbox/group.js'
import { encodeProfile, type Profile } from '../matchbox/profile.js'

export interface ChangeTold {
  /** `group core-1`, `ignition node.yaml` */
  readonly object: string
  /** `created`, `unchanged`, `deleted`, `was not there`, or what differs: `selector, metadata`, `312 -> 340 bytes`. */
  readonly change: string
}

type ChangeCall = 'GroupPut' | 'GroupDelete' | 'ProfilePut' | 'ProfileDelete' | 'IgnitionPut' | 'IgnitionDelete' | 'GenericPut' | 'GenericDelete'
export const isChange = (call: string): call is ChangeCall => /^(?:Group|Profile|Ignition|Generic)(?:Put|Delete)$/.test(call)

/** `before` and `after` are the store at the beginning and the end of the call. */
export function changeTold (call: ChangeCall, id: string, before: Snapshot, after: Snapshot): ChangeTold {
  const [, kind = '', what = ''] = /^([A-Z][a-z]+)(Put|Delete)$/.exec(call) ?? []
  const object = `${kind.toLowerCase()} ${id}`
  if (kind === 'Group') return { object, change: differing(what, before.groups.get(id), after.groups.get(id), groupParts) }
  if (kind === 'Profile') return { object, change: differing(what, before.profiles.get(id), after.profiles.get(id), profileParts) }
  const of = ({ configs }: Snapshot): Buffer | undefined => configs[kind === 'Ignition' ? 'ignition' : 'generic'].get(id)?.content
  const [old, now] = [of(before), of(after)]
  if (what === 'Delete') return { object, change: old === undefined ? 'was not there' : 'deleted' }
  if (old === undefined || now === undefined) return { object, change: 'created' }
  return { object, change: old.equals(now) ? 'unchanged' : `${old.length} -> ${now.length} bytes` }
}

/** The parts as the files have them, each by itself. */
type Parts = Readonly<Record<string, unknown>>
const groupParts = (group: Group): Parts => JSON.parse(encodeGroup(group).toString()) as Parts
const profileParts = (profile: Profile): Parts => JSON.parse(encodeProfile(profile).toString()) as Parts

function differing<T> (what: string, old: T | undefined, now: T | undefined, partsOf: (object: T) => Parts): string {
  if (what === 'Delete') return old === undefined ? 'was not there' : 'deleted'
  if (old === undefined || now === undefined) return 'created'
  const [a, b] = [partsOf(old), partsOf(now)]
  const names = [...new Set([...Object.keys(a), ...Object.keys(b)])].filter(name => JSON.stringify(a[name]) !== JSON.stringify(b[name]))
  return names.length === 0 ? 'unchanged' : names.join(', ')
}
