// The store in memory: what is in force, what machines still see of what was deleted, and who hears of changes. A snapshot never
// changes for whoever holds it, and a change costs the same however much there is.
import type { Clock, Timer } from '../base/clock.js'
import type { Group } from '../matchbox/group.js'
import type { Profile } from '../matchbox/profile.js'
import { type StoreChange, type ConfigFile, type ConfigKind, configKinds, type Objects, type SharedKind, sharedKinds, type Snapshot } from '../matchbox/store.js'
import { VersionedMap } from '../base/versioned-map.js'

export type ObjectKind = StoreChange['kind']
export type StoredObject =
  | { readonly kind: 'group', readonly name: string, readonly value: Group }
  | { readonly kind: 'profile', readonly name: string, readonly value: Profile }
  | { readonly kind: ConfigKind | SharedKind, readonly name: string, readonly value: ConfigFile }

/** One state of the store, and the next in the making. */
class State {
  readonly #group = new VersionedMap<Group>()
  readonly #profile = new VersionedMap<Profile>()
  readonly #file = Object.fromEntries([...configKinds, ...sharedKinds].map(kind => [kind, new VersionedMap<ConfigFile>()])) as
    Record<ConfigKind | SharedKind, VersionedMap<ConfigFile>>

  read (): Objects {
    const { ignition, cloud, generic, snippets, files } = this.#file
    return {
      groups: this.#group.version,
      profiles: this.#profile.version,
      configs: { ignition: ignition.version, cloud: cloud.version, generic: generic.version },
      shared: { snippets: snippets.version, files: files.version }
    }
  }

  get (kind: ObjectKind, name: string): StoredObject | undefined {
    const value = this.#of(kind).get(name)
    return value === undefined ? undefined : { kind, name, value } as StoredObject
  }

  put (object: StoredObject): void {
    if (object.kind === 'group') this.#group.set(object.name, object.value)
    else if (object.kind === 'profile') this.#profile.set(object.name, object.value)
    else this.#file[object.kind].set(object.name, object.value)
  }

  delete (kind: ObjectKind, name: string): void { this.#of(kind).delete(name) }

  #of (kind: ObjectKind): VersionedMap<Group> | VersionedMap<Profile> | VersionedMap<ConfigFile> {
    return kind === 'group' ? this.#group : kind === 'profile' ? this.#profile : this.#file[kind]
  }
}

export interface StoreMemoryOptions {
  /** Milliseconds for which machines still read what was deleted; 0 for not at all. */
  readonly tombstoneMs: number
  readonly clock: Pick<Clock, 'after'>
}

export class StoreMemory {
  readonly #options: StoreMemoryOptions
  readonly #live = new State()
  readonly #forMachines = new State()
  /** Ends of what was deleted, by kind and name. */
  readonly #tombstones = new Map<string, Timer>()
  readonly #listeners = new Set<(changes: readonly StoreChange[]) => void>()
  #snapshot: Snapshot | undefined

  constructor (options: StoreMemoryOptions) { this.#options = options }

  /** The same object until something changes. */
  get snapshot (): Snapshot {
    this.#snapshot ??= { ...this.#live.read(), forMachines: this.#forMachines.read() }
    return this.#snapshot
  }

  /** Hears of changes until the returned function is called. */
  onChange (listener: (changes: readonly StoreChange[]) => void): () => void {
    this.#listeners.add(listener)
    return () => { this.#listeners.delete(listener) }
  }

  /** What was done, to whoever listens: `put` and `delete` tell nobody, so that many of them are told at once. */
  tell (changes: readonly StoreChange[]): void {
    if (changes.length > 0) for (const listener of this.#listeners) listener(changes)
  }

  put (object: StoredObject): StoreChange {
    const { kind, name } = object
    this.#endTombstone(keyOf(kind, name))
    this.#snapshot = undefined
    this.#live.put(object)
    this.#forMachines.put(object)
    return { kind, name, what: 'put' }
  }

  /** Takes the object from the snapshot; machines keep it until its tombstone expires. Nothing when it is not there. */
  delete (kind: ObjectKind, name: string): readonly StoreChange[] {
    const object = this.#live.get(kind, name)
    if (object === undefined) return []
    const { tombstoneMs, clock } = this.#options
    this.#snapshot = undefined
    this.#live.delete(kind, name)
    if (tombstoneMs > 0) {
      this.#forMachines.put(object.kind === 'group' ? { ...object, value: { ...object.value, tombstone: true } } : object)
      const key = keyOf(kind, name)
      this.#tombstones.set(key, clock.after(tombstoneMs, () => {
        this.#tombstones.delete(key)
        this.#expire(kind, name)
        this.tell([{ kind, name, what: 'expired' }])
      }))
    } else this.#forMachines.delete(kind, name)
    return [{ kind, name, what: 'deleted' }]
  }

  close (): void {
    for (const key of [...this.#tombstones.keys()]) this.#endTombstone(key)
    this.#listeners.clear()
  }

  #expire (kind: ObjectKind, name: string): void {
    this.#snapshot = undefined
    this.#forMachines.delete(kind, name)
  }

  #endTombstone (key: string): void {
    this.#tombstones.get(key)?.cancel()
    this.#tombstones.delete(key)
  }
}

const keyOf = (kind: ObjectKind, name: string): string => `${kind}/${name}`
