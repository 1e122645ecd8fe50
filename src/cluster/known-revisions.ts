// At which of etcd's revisions what is known here of a key stands. An answer to what was written here is ahead of the watch, which tells
// what was before when nobody needs it any more: taken for news it would undo what was written since.
import type { EntryChange } from './entries.js'

export class KnownRevisions {
  readonly #at = new Map<string, number>()

  /** undefined for a key of which nothing is known, or nothing but what the copy on disk had. */
  of (key: string): number | undefined { return this.#at.get(key) }

  set (key: string, revision: number): void {
    if (revision > 0) this.#at.set(key, revision)
    else this.#at.delete(key)
  }

  /** Of a change that the watch tells: whether it is later than what is known. */
  isNews ({ key, before, after }: EntryChange): boolean {
    const known = this.of(key)
    if (known === undefined) return true
    // What is gone was there until then: it was not what is known where that was written later.
    return after === undefined ? (before?.revision ?? 0) >= known : after.revision > known
  }

  /** Of another history of etcd: whatever it has next is news. */
  forget (): void { this.#at.clear() }
}
