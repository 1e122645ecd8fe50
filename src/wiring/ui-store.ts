// The store as the page lists it: a part of its groups and a part of its profiles, however many there are.
import { matcherOf, selectorText } from '../matchbox/group.js'
import type { StorePlaces, StoreShown } from '../ui/store-page.js'
import type { RunningParts } from './running-parts.js'

/** Groups on a page, and profiles. */
export const storeRows = 500

type StoreParts = Pick<RunningParts, 'registry'> & { readonly store: Pick<RunningParts['store'], 'snapshot' | 'problems'> }

export function storeShown ({ store, registry }: StoreParts, places: StorePlaces): StoreShown {
  const { groups, profiles } = store.snapshot
  const machines = new Map<string, number>()
  for (const { group } of registry.values()) if (group !== undefined) machines.set(group, (machines.get(group) ?? 0) + 1)
  const users = new Map<string, number>()
  for (const { profile } of groups.values()) users.set(profile, (users.get(profile) ?? 0) + 1)
  const partOf = <T> (all: ReadonlyMap<string, T>, from: number): readonly T[] => [...all.values()].slice(from, from + storeRows)
  return {
    places,
    groupCount: groups.size,
    profileCount: profiles.size,
    groups: partOf(groups, places.groups).map(({ id, profile, selector }) =>
      ({ id, profile, selector: selectorText(matcherOf(selector)), machines: machines.get(id) ?? 0 })),
    profiles: partOf(profiles, places.profiles).map(({ id, boot, ignitionId, cloudId, genericId }) =>
      ({ id, kernel: boot?.kernel ?? '', config: [ignitionId, cloudId, genericId].filter(name => name !== '').join(' '), groups: users.get(id) ?? 0 })),
    problems: store.problems()
  }
}
