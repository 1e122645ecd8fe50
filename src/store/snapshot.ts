// The store in memory. A change is cheap: the maps that readers hold are never touched, and those of the next snapshot
// are copied once, when somebody reads it, however many changes came before.
import type { Group } from '../matchbox/group.js'
import type { Profile } from '../matchbox/profile.js'
import type { Change, ConfigFile, ConfigKind, Objects, Snapshot } from '../matchbox/store.js'

export type Kind = Change['kind']
export type StoredObject =
  | { readonly kind: 'group', readonly name: string, readonly value: Group }
  | { readonly kind: 'profile', readonly name: string, readonly value: Profile }
  | { readonly kind: ConfigKind, readonly name: string, readonly value: ConfigFile }

type Maps = { group: Map<string, Group>, profile: Map<string, Profile> } & Record<ConfigKind, Map<string, ConfigFile>>

const emptyMaps = (): Maps => ({ group: new Map(), profile: new Map(), ignition: new Map(), cloud: new Map(), generic: new Map() })

const objectsOf = (maps: Maps): Objects => ({
  groups: maps.group,
  profiles: maps.profile,
  configs: { ignition: maps.ignition, cloud: maps.cloud, generic: maps.generic }
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
      for (const kind of ['group', 'profile', 'ignition', 'cloud', 'generic'] as const) this.#shared.add(kind)
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

  has (kind: Kind, name: string): boolean { return this.#maps[kind].has(name) }

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
  readonly #machines = new View()
  #snapshot: Snapshot | undefined

  get snapshot (): Snapshot {
    this.#snapshot ??= { ...this.#live.read(), forMachines: this.#machines.read() }
    return this.#snapshot
  }

  put (object: StoredObject): void {
    this.#snapshot = undefined
    this.#live.put(object)
    this.#machines.put(object)
  }

  /** Takes the object from the snapshot; machines keep it until `expire` when it is given. */
  delete (kind: Kind, name: string, tombstone?: StoredObject): void {
    this.#snapshot = undefined
    this.#live.delete(kind, name)
    if (tombstone === undefined) this.#machines.delete(kind, name)
    else this.#machines.put(tombstone.kind === 'group' ? { ...tombstone, value: { ...tombstone.value, tombstone: true } } : tombstone)
  }

  /** Ends a tombstone, unless the object is back. */
  expire (kind: Kind, name: string): void {
    if (this.#live.has(kind, name)) return
    this.#snapshot = undefined
    this.#machines.delete(kind, name)
  }
}
