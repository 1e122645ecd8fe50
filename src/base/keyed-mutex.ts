// Pieces of work on the same thing one after another, on different things side by side.

export class KeyedMutex {
  /** By key, the last piece of work: what comes next waits for it. */
  readonly #last = new Map<string, Promise<void>>()

  /** Does `work` when all that came before it for the key has ended, however it ended. Rejects with what `work` throws. */
  async run (key: string, work: () => Promise<void>): Promise<void> {
    const mine = (this.#last.get(key) ?? Promise.resolve()).then(work)
    const settled = mine.catch(() => {})
    this.#last.set(key, settled)
    try {
      await mine
    } finally {
      if (this.#last.get(key) === settled) this.#last.delete(key)
    }
  }

  isBusy (key: string): boolean { return this.#last.has(key) }

  /** When what is under way now has ended. */
  async idle (): Promise<void> { await Promise.all(this.#last.values()) }
}
