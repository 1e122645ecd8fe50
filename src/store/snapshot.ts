// The store in memory. A change is cheap: the maps that readers hold are never touched, and those of the next snapshot
// are copied once, when somebody reads it, however many changes came before.
import type { Group } from '../matchbox/group.js'
import type { Profile } from '../matchbox/profile.js'
import { type Change, type ConfigFile, type ConfigKind, configKinds, type Objects, type SharedKind, sharedKinds, type Snapshot } from '../matchbox/store.js'

export type Kind = Change['kind']
export type StoredObject =
  | { readonly kind: 'group', readonly name: string, readonly value: Group }
  | { readonly kind: 'profile', readonly name: string, readonly value: Profile }
  | { readonly kind: ConfigKind | SharedKind, readonly name: string, readonly value: ConfigFile }

type Maps = { group: Map<string, Group>, profile: Map<string, Profile> } & Record<ConfigKind | SharedKind, Map<string, ConfigFile>>

const kinds = ['group', 'profile', ...configKinds, ...sharedKinds] as const

const emptyMaps = (): Maps => ({
  group: new Map(), profile: new Map(), ignition: new Map(), cloud: new Map(), generic: new Map(), snippets: new Map(), files: new Map()
})

const objectsOf = (maps: Maps): Objects => ({
  groups: maps.group,
  profiles: maps.profile,
  configs: { ignition: maps.ignition, cloud: maps.cloud, generic: maps.generic },
  shared: { snippets: maps.snippets, files: maps.files }
})

/** One state of the maps: copied when it is read, then left alone until a change makes the next one. */
class View {
  #maps = emptyMaps()
  #objects: Objects | undefined
  /** Kinds whose map a reader may hold. */
  readonly #shared = new Set<Kind>()

  read (): Objects {
    if (this.#objects === undefined) {
      this.#objects = objectsOf(this.#maps)
      for (const kind of kinds) this.#shared.add(kind)
    }
    return this.#objects
  }

  put (object: StoredObject): void {
    const maps = this.#writable(object.kind)
    if (object.kind === 'group') maps.group.set(object.name, object.value)
    else if (object.kind === 'profile') maps.profile.set(object.name, object.value)
    else maps[object.kind].set(object.name, object.value)
  }

  delete (kind: Kind, name: string): void {
    if (this.#maps[kind].has(name)) this.#writable(kind)[kind].delete(name)
  }

  #writable (kind: Kind): Maps {
    if (this.#shared.delete(kind)) {
      this.#objects = undefined
      if (kind === 'group') this.#maps = { ...this.#maps, group: new Map(this.#maps.group) }
      else if (kind === 'profile') this.#maps = { ...this.#maps, profile: new Map(this.#maps.profile) }
      else this.#maps = { ...this.#maps, [kind]: new Map(this.#maps[kind]) }
    }
    this.#objects = undefined
    return this.#maps
  }
}

/** What is in force now, and what machines still see of what was deleted. */
export class StoreMemory {
  readonly #live = new View()
  readonly #tombstones = new Map<string, StoredObject>()
  #snapshot: Snapshot | undefined

  get snapshot (): Snapshot {
    if (this.#snapshot === undefined) {
      const live = this.#live.read()
      this.#snapshot = { ...live, forMachines: withTombstones(live, this.#tombstones.values()) }
    }
    return this.#snapshot
  }

  put (object: StoredObject): void {
    this.#snapshot = undefined
    this.#live.put(object)
    this.#tombstones.delete(keyOf(object.kind, object.name))
  }

  /** Takes the object from the snapshot; machines keep `tombstone`, when it is given, until it expires. */
  delete (kind: Kind, name: string, tombstone?: StoredObject): void {
    this.#snapshot = undefined
    this.#live.delete(kind, name)
    if (tombstone !== undefined) this.#tombstones.set(keyOf(kind, name), tombstone)
  }

  /** Ends a tombstone, unless the object is back. */
  expire (kind: Kind, name: string): void {
    this.#snapshot = undefined
    this.#tombstones.delete(keyOf(kind, name))
  }
}

const keyOf = (kind: Kind, name: string): string => `${kind}/${name}`

function withTombstones (live: Objects, tombstones: Iterable<StoredObject>): Objects {
  let { groups, profiles, configs, shared } = live
  for (const object of tombstones) {
    if (object.kind === 'group') groups = including(groups, live.groups, object.name, { ...object.value, tombstone: true })
    else if (object.kind === 'profile') profiles = including(profiles, live.profiles, object.name, object.value)
    else if (object.kind === 'snippets' || object.kind === 'files') {
      shared = { ...shared, [object.kind]: including(shared[object.kind], live.shared[object.kind], object.name, object.value) }
    } else configs = { ...configs, [object.kind]: including(configs[object.kind], live.configs[object.kind], object.name, object.value) }
  }
  const changed = groups !== live.groups || profiles !== live.profiles || configs !== live.configs || shared !== live.shared
  return changed ? { groups, profiles, configs, shared } : live
}

/** `map` with one more; copied when it is still the live one. */
function including<T> (map: ReadonlyMap<string, T>, live: ReadonlyMap<string, T>, name: string, value: T): ReadonlyMap<string, T> {
  return map === live ? new Map([...map, [name, value]]) : (map as Map<string, T>).set(name, value)
}
