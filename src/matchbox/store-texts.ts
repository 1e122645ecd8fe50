// The texts of the store, in which releases are looked for: one that is named there is in use.
import { encodeGroup } from './group.js'
import { encodeProfile } from './profile.js'
import type { Snapshot, Store } from './store.js'

/** Every text of the store in which a release may be named, also of what was deleted a moment ago and is still served. */
export function * storeTexts ({ forMachines, groups, profiles, configs, shared }: Snapshot): Generator<string> {
  for (const objects of [{ groups, profiles, configs, shared }, forMachines]) {
    for (const group of objects.groups.values()) yield encodeGroup(group).toString()
    for (const profile of objects.profiles.values()) yield encodeProfile(profile).toString()
    for (const kind of [...Object.values(objects.configs), ...Object.values(objects.shared)]) for (const { content } of kind.values()) yield content.toString('latin1')
  }
}

/** Why the store may name more releases than its texts tell; undefined when they tell all. */
export function mayNameMore (store: Pick<Store, 'problems' | 'snapshot'>): string | undefined {
  const [problem] = store.problems()
  // A file that can't be read may name any release.
  if (problem !== undefined) return `${problem.where} can't be read: ${problem.message}`
  const { groups, profiles, configs } = store.snapshot
  const holds = groups.size > 0 || profiles.size > 0 || Object.values(configs).some(kind => kind.size > 0)
  // A folder whose file system is not mounted looks like a store that names nothing.
  return holds ? undefined : 'the store holds no group, profile or config, so nothing tells which releases are in use'
}
