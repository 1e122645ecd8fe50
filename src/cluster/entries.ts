// What etcd has below the fleet's prefix, as it is known here: entries by key, in folders by the first part of their keys, and who hears
// when those of a folder change.

/** `revision` is etcd's of the last change; 0 for what comes from the copy on disk. */
export interface SharedEntry { readonly value: Buffer, readonly revision: number }

export interface EntryChange { readonly key: string, readonly before: SharedEntry | undefined, readonly after: SharedEntry | undefined }

type Listener = (changes: readonly EntryChange[]) => void

export class Entries {
  readonly #folders = new Map<string, Map<string, SharedEntry>>()
  readonly #listeners = new Map<string, Set<Listener>>()

  get size (): number { return [...this.#folders.values()].reduce((sum, { size }) => sum + size, 0) }

  get (key: string): SharedEntry | undefined { return this.#folders.get(folderOf(key))?.get(key) }

  under (folder: string): ReadonlyMap<string, SharedEntry> { return this.#folders.get(folder) ?? new Map<string, SharedEntry>() }

  * values (): IterableIterator<[string, Buffer]> {
    for (const entries of this.#folders.values()) for (const [key, { value }] of entries) yield [key, value]
  }

  /** Until the returned function is called. */
  onChange (folder: string, listener: Listener): () => void {
    const listeners = this.#listeners.get(folder) ?? new Set()
    this.#listeners.set(folder, listeners.add(listener))
    return () => { listeners.delete(listener) }
  }

  /** Puts changes in force, without `after` where a key is gone; those that change anything are told, and `note` hears of them too. */
  apply (changes: ReadonlyArray<Omit<EntryChange, 'before'>>, note: (key: string, value: Buffer | undefined) => void): void {
    const byFolder = new Map<string, EntryChange[]>()
    for (const { key, after } of changes) {
      const folder = folderOf(key)
      const entries = this.#folders.get(folder) ?? new Map<string, SharedEntry>()
      this.#folders.set(folder, entries)
      const before = entries.get(key)
      if (before === undefined && after === undefined) continue
      if (after === undefined) entries.delete(key)
      else entries.set(key, after)
      // What was known from the copy is told no second time.
      if (before !== undefined && after !== undefined && before.revision === 0 && before.value.equals(after.value)) continue
      note(key, after?.value)
      const told = byFolder.get(folder) ?? []
      byFolder.set(folder, told)
      told.push({ key, before, after })
    }
    for (const [folder, told] of byFolder) for (const listener of this.#listeners.get(folder) ?? []) listener(told)
  }

  /** That which changed last. */
  newest (): readonly [key: string, entry: SharedEntry] | undefined {
    let newest: readonly [string, SharedEntry] | undefined
    for (const entries of this.#folders.values()) {
      for (const one of entries) if (newest === undefined || one[1].revision > newest[1].revision) newest = one
    }
    return newest
  }

  /** The keys that were not found. */
  keysBut (found: ReadonlySet<string>): readonly string[] {
    const keys: string[] = []
    for (const entries of this.#folders.values()) for (const key of entries.keys()) if (!found.has(key)) keys.push(key)
    return keys
  }
}

const folderOf = (key: string): string => key.slice(0, Math.max(0, key.indexOf('/')))
