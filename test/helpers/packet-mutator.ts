// Datagrams that go wrong in the ways real ones do, and in ways only a stranger thinks of: messages of a corpus with octets
// changed, options repeated, lengths that lie, parts of two messages joined, tails cut off or added. A seed repeats them.
import { random } from './random.js'

/** Octets that have a meaning somewhere: no and full length, end and pad, option codes that change how the rest is read. */
const telling = [0, 1, 2, 3, 6, 7, 8, 16, 43, 50, 52, 53, 54, 55, 57, 60, 77, 82, 93, 97, 127, 128, 175, 254, 255] as const

const chaddrAt = 28
const optionsAt = 240
const longest = 1472

export class PacketMutator {
  readonly #corpus: readonly Buffer[]
  readonly #random: () => number

  constructor (corpus: readonly Buffer[], seed: number) {
    this.#corpus = corpus
    this.#random = random(seed)
  }

  next (): Buffer {
    let bytes = this.#chance(0.05) ? this.#noise(this.#below(700)) : Buffer.from(this.#pick(this.#corpus))
    // Another machine most times, or the limit of what one may send would keep the rest from being looked at.
    if (this.#chance(0.9) && bytes.length >= chaddrAt + 6) Buffer.concat([Buffer.from([0x06]), this.#noise(5)]).copy(bytes, chaddrAt)
    for (let n = this.#below(4); n > 0; n--) bytes = this.#mutate(bytes)
    return bytes.subarray(0, longest)
  }

  #mutate (bytes: Buffer): Buffer {
    const at = this.#chance(0.6) && bytes.length > optionsAt ? optionsAt + this.#below(bytes.length - optionsAt) : this.#below(bytes.length + 1)
    switch (this.#below(8)) {
      case 0: return bytes.subarray(0, at)
      case 1: return Buffer.concat([bytes, this.#noise(this.#below(300))])
      case 2: return Buffer.concat([bytes.subarray(0, at), this.#noise(1 + this.#below(8)), bytes.subarray(at)])
      case 3: return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + this.#below(8))])
      case 4: return Buffer.concat([bytes.subarray(0, at), this.#pick(this.#corpus).subarray(at)])
      case 5: return Buffer.concat([bytes.subarray(0, optionsAt), this.#option(), bytes.subarray(optionsAt)])
      default:
        if (at < bytes.length) bytes[at] = this.#chance(0.5) ? this.#pick(telling) : this.#below(256)
        return bytes
    }
  }

  #option (): Buffer {
    const value = this.#noise(this.#below(40))
    return Buffer.concat([Buffer.from([this.#pick(telling), this.#chance(0.8) ? value.length : this.#below(256)]), value])
  }

  #noise (length: number): Buffer { return Buffer.from(Uint8Array.from({ length }, () => this.#below(256))) }
  #below (limit: number): number { return Math.floor(this.#random() * limit) }
  #chance (part: number): boolean { return this.#random() < part }
  #pick<T> (items: readonly T[]): T { return items[this.#below(items.length)]! }
}
