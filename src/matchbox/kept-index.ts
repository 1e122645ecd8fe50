// An index of the store's groups that is brought up to date when it is asked: by those that changed, however many there are.
import type { Group } from './group.js'
import { GroupIndex } from './select.js'
import type { StoreChange } from './store.js'

/** So many changes at once are taken at once: whoever asks next is not to wait for all that came together. */
const many = 100

export class KeptIndex {
  readonly #groups: () => ReadonlyMap<string, Group>
  readonly #index = new GroupIndex()
  /** Groups that changed since the index was asked; undefined until it first was. */
  #changed: Set<string> | undefined

  constructor (groups: () => ReadonlyMap<string, Group>) { this.#groups = groups }

  /** What the store tells of. */
  changed (changes: readonly StoreChange[]): void {
    for (const { kind, name } of changes) {
      if (kind === 'group') this.#changed?.add(name)
    }
    if ((this.#changed?.size ?? 0) >= many) this.#sync()
  }

  /** The index over the groups that are in force. */
  get now (): GroupIndex {
    this.#sync()
    return this.#index
  }

  #sync (): void {
    this.#index.sync(this.#groups(), this.#changed)
    this.#changed ??= new Set()
    this.#changed.clear()
  }
}
