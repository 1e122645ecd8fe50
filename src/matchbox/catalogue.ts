// What the API does with the groups, profiles and configs of the store: looked up, listed, selected by labels, checked and put.
import { AppError } from '../base/errors.js'
import { compareStrings } from '../go/string.js'
import { type Group, assertGroup } from './group.js'
import { KeptIndex } from './kept-index.js'
import { type Profile, assertProfile } from './profile.js'
import type { Labels } from './select.js'
import { type ConfigKind, type Store, assertSafeName, findProfile } from './store.js'

export interface Catalogue {
  /** Before the rest is asked: what other provisioners stored counts from then on. Throws AppError etcd_away. */
  settle: (kind: 'group' | 'profile' | ConfigKind, name?: string) => Promise<void>
  /** What is stored now. Throw AppError group_unmatched, profile_unmatched. */
  selectGroup: (labels: Labels) => Group
  selectProfile: (labels: Labels) => Profile
  /** Throw AppError id_invalid, group_missing, profile_missing, config_missing. */
  getGroup: (id: string) => Group
  getProfile: (id: string) => Profile
  getConfig: (kind: ConfigKind, name: string) => Buffer
  /** In the order of their file names, as Matchbox lists them. Throw AppError folder_unreadable. */
  listGroups: () => readonly Group[]
  listProfiles: () => readonly Profile[]
  /** Throw AppError group_invalid, profile_invalid, id_invalid, disk_full, write_failed. */
  putGroup: (group: Group) => Promise<void>
  /** As the store's: one after the other is the caller's business where the store is of this provisioner alone. */
  addGroup: (plan: () => Promise<Group | undefined>) => Promise<void>
  putProfile: (profile: Profile) => Promise<void>
  putConfig: (kind: ConfigKind, name: string, content: Buffer) => Promise<void>
  deleteGroup: (id: string) => Promise<void>
  deleteProfile: (id: string) => Promise<void>
  deleteConfig: (kind: ConfigKind, name: string) => Promise<void>
}

export function createCatalogue (store: Store): Catalogue {
  const index = new KeptIndex(() => store.snapshot.groups)
  store.onChange(changes => { index.changed(changes) })

  /** What is not there yet would pass for what there is not. */
  const assertRead = (): void => {
    const unread = store.unread?.()
    if (unread !== undefined) throw new AppError('folder_unreadable', `the store was not read yet: ${unread}`)
  }
  const selectGroup = (labels: Labels): Group => {
    assertRead()
    const group = index.now.select(labels)
    if (group === undefined) throw new AppError('group_unmatched', 'no group matches the labels')
    return group
  }
  /** A list that lacks what could not be read would pass for all there is. */
  const assertListed = (kind: 'group' | 'profile'): void => {
    assertRead()
    const problem = store.problems().find(found => found.kind === kind && found.name === undefined)
    if (problem !== undefined) throw new AppError('folder_unreadable', `${kind}s: ${problem.message}`)
  }

  return {
    settle: async (kind, name) => {
      if (store.settle !== undefined) await store.settle(kind, name)
    },
    selectGroup,
    selectProfile: labels => {
      const group = selectGroup(labels)
      const profile = findProfile(store.snapshot, group.profile)
      if (profile === undefined) throw new AppError('profile_unmatched', `group ${group.id} names a profile that is not there: ${JSON.stringify(group.profile)}`)
      return profile
    },
    getGroup: id => {
      assertSafeName(id, '.json')
      assertRead()
      const group = store.snapshot.groups.get(id)
      if (group === undefined) throw new AppError('group_missing', `there is no group ${JSON.stringify(id)}`)
      return group
    },
    getProfile: id => {
      assertSafeName(id, '.json')
      assertRead()
      const profile = store.snapshot.profiles.get(id)
      if (profile === undefined) throw new AppError('profile_missing', `there is no profile ${JSON.stringify(id)}`)
      return profile
    },
    getConfig: (kind, name) => {
      assertSafeName(name, '')
      assertRead()
      const file = store.snapshot.configs[kind].get(name)
      if (file === undefined) throw new AppError('config_missing', `there is no ${kind} config ${JSON.stringify(name)}`)
      return file.content
    },
    listGroups: () => {
      assertListed('group')
      return byFileName(store.snapshot.groups)
    },
    listProfiles: () => {
      assertListed('profile')
      return byFileName(store.snapshot.profiles)
    },
    addGroup: async plan => {
      const planned = async (): Promise<Group | undefined> => {
        const group = await plan()
        if (group !== undefined) assertGroup(group)
        return group
      }
      if (store.addGroup !== undefined) return await store.addGroup(planned)
      const group = await planned()
      if (group !== undefined) await store.putGroup(group)
    },
    putGroup: async group => {
      assertGroup(group)
      await store.putGroup(group)
    },
    putProfile: async profile => {
      assertProfile(profile)
      await store.putProfile(profile)
    },
    putConfig: (kind, name, content) => store.putConfig(kind, name, content),
    deleteGroup: id => store.deleteGroup(id),
    deleteProfile: id => store.deleteProfile(id),
    deleteConfig: (kind, name) => store.deleteConfig(kind, name)
  }
}

const byFileName = <T>(objects: ReadonlyMap<string, T>): T[] => [...objects.keys()].filter(name => !name.includes('/'))
  .sort((a, b) => compareStrings(`${a}.json`, `${b}.json`)).map(name => objects.get(name)!)
