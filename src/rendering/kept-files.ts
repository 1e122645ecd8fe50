// Files of the store that the thread of renderings keeps with what was made of them: so many octets, the oldest are let go first.
import type { ConfigFile } from '../matchbox/store.js'
import type { SharedMemoryFile } from './long-renderings.js'

export class KeptFiles {
  readonly #most: number
  readonly #files = new Map<number, ConfigFile>()
  #octets = 0

  /** `most` octets of them all; the newest is kept whatever it takes. */
  constructor (most: number) { this.#most = most }

  /** The same for the same id, for as long as it is kept. */
  of ({ id, kind, name, content }: SharedMemoryFile): ConfigFile {
    const known = this.#files.get(id)
    if (known !== undefined) return known
    const made = { kind, name, content: Buffer.from(new Uint8Array(content)) }
    this.#octets += made.content.length
    for (const [oldest, { content: { length } }] of this.#files) {
      if (this.#octets <= this.#most) break
      this.#files.delete(oldest)
      this.#octets -= length
    }
    this.#files.set(id, made)
    return made
  }
}
