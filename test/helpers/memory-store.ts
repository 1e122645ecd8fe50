// A store without a disk: objects handed over at the start or put later, seen by readers at once.
import { systemClock } from '../../src/base/clock.js'
import type { Group } from '../../src/matchbox/group.js'
import type { Profile } from '../../src/matchbox/profile.js'
import { type StoreChange, type ConfigKind, type Problem, type Snapshot, type SharedKind, type Store, assertSafeName, configKinds, sharedKinds } from '../../src/matchbox/store.js'
import { StoreMemory, type StoredObject } from '../../src/store/store-memory.js'

export const makeGroup = (group: Partial<Omit<Group, 'selector' | 'metadata'>> & {
  id: string, selector?: Record<string, string>, metadata?: Record<string, string | number | boolean | null>
}): Group => ({
  name: '',
  profile: 'p',
  ...group,
  selector: new Map(Object.entries(group.selector ?? {})),
  metadata: group.metadata === undefined ? undefined : new Map(Object.entries(group.metadata))
})

export const makeProfile = (profile: Partial<Profile> & { id: string }): Profile =>
  ({ name: '', boot: undefined, ignitionId: '', cloudId: '', genericId: '', ...profile })

export class MemoryStore implements Store {
  readonly #memory = new StoreMemory({ tombstoneMs: 0, clock: systemClock })
  /** What `problems` answers. */
  broken: readonly Problem[] = []

  constructor ({ groups = [], profiles = [], configs = {} }: {
    groups?: readonly Group[]
    profiles?: readonly Profile[]
    configs?: Partial<Record<ConfigKind | SharedKind, Readonly<Record<string, string>>>>
  } = {}) {
    for (const value of groups) this.#memory.put({ kind: 'group', name: value.id, value })
    for (const value of profiles) this.#memory.put({ kind: 'profile', name: value.id, value })
    for (const kind of [...configKinds, ...sharedKinds]) {
      for (const [name, text] of Object.entries(configs[kind] ?? {})) {
        this.#memory.put({ kind, name, value: { kind, name, content: Buffer.from(text) } })
      }
    }
  }

  get snapshot (): Snapshot { return this.#memory.snapshot }
  problems = (): readonly Problem[] => this.broken
  putGroup = async (value: Group): Promise<void> => { this.#put({ kind: 'group', name: value.id, value }) }
  putProfile = async (value: Profile): Promise<void> => { this.#put({ kind: 'profile', name: value.id, value }) }
  putConfig = async (kind: ConfigKind, name: string, content: Buffer): Promise<void> => {
    this.#put({ kind, name, value: { kind, name, content } })
  }

  deleteGroup = async (id: string): Promise<void> => { this.#delete('group', id) }
  deleteProfile = async (id: string): Promise<void> => { this.#delete('profile', id) }
  deleteConfig = async (kind: ConfigKind, name: string): Promise<void> => { this.#delete(kind, name) }

  onChange = (listener: (changes: readonly StoreChange[]) => void): (() => void) => this.#memory.onChange(listener)

  #put (object: StoredObject): void {
    assertSafeName(object.name, '')
    this.#memory.tell([this.#memory.put(object)])
  }

  #delete (kind: StoreChange['kind'], name: string): void {
    assertSafeName(name, '')
    this.#memory.tell(this.#memory.delete(kind, name))
  }
}
