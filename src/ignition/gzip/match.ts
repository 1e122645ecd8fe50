// Repeated text found as Go's compress/flate finds it at its best level: a hash of four bytes, chains of earlier places with the
// same hash, and a match put off by a byte when the next byte begins a longer one.

/** A literal is its byte; a match holds its length and distance. */
export type Token = number

export interface Block {
  readonly tokens: readonly Token[]
  /** What the tokens stand for; undefined when the compressor no longer had it, so that the block can't be stored as it is. */
  readonly text: Buffer | undefined
}

const matchFlag = 1 << 24
export const matchToken = (length: number, distance: number): Token => matchFlag + (length - 3) * 32768 + (distance - 1)
export const isMatch = (token: Token): boolean => token >= matchFlag
export const matchLength = (token: Token): number => ((token - matchFlag) >> 15) + 3
export const matchDistance = (token: Token): number => (token & 32767) + 1

const windowSize = 32768
const [shortest, longest] = [4, 258]
/** A match of four bytes from farther away would save nothing. */
const farForShortest = 4096
const tokensPerBlock = 16384
const chainLength = 4096

const hashBits = 17
/** Text with fewer places than a chain may hold is searched whole, however many hashes there are. */
const shortHashBits = 10

export const matchBlocks = (text: Buffer): readonly Block[] => new Matcher(text).blocks()

class Matcher {
  readonly #text: Buffer
  readonly #blocks: Block[] = []
  readonly #heads: Int32Array
  readonly #hashShift: number
  readonly #previous: Int32Array
  #tokens: Token[] = []
  #blockStart = 0
  /** Where the compressor's buffer of two windows begins; it moves on by one window when the text behind it runs short. */
  #base = 0

  constructor (text: Buffer) {
    const bits = text.length < chainLength ? shortHashBits : hashBits
    this.#text = text
    this.#heads = new Int32Array(1 << bits).fill(-1)
    this.#hashShift = 32 - bits
    this.#previous = new Int32Array(Math.min(windowSize, text.length))
  }

  blocks (): readonly Block[] {
    const size = this.#text.length
    let head = -1
    let [length, distance] = [shortest - 1, 0]
    // The byte before this one is neither a literal yet nor part of a match.
    let pending = false
    for (let at = 0; at < size;) {
      while (this.#base + 2 * windowSize < size && this.#base + 2 * windowSize - at < shortest + longest) this.#base += windowSize
      if (at + shortest <= size) head = this.#insert(at)
      const [lastLength, lastDistance] = [length, distance]
      ;[length, distance] = [shortest - 1, 0]
      const room = size - at
      if (head >= Math.max(this.#base, at - windowSize) && room > lastLength && lastLength < longest) {
        [length, distance] = this.#longestMatch(at, head, Math.min(room, longest))
      }
      if (lastLength >= shortest && length <= lastLength) {
        const end = at + lastLength - 1
        for (at++; at < end; at++) if (at + shortest <= size) this.#insert(at)
        this.#emit(matchToken(lastLength, lastDistance), end)
        pending = false
        length = shortest - 1
      } else {
        if (pending) this.#emit(this.#text[at - 1] ?? 0, at)
        at++
        pending = true
      }
    }
    if (pending) this.#tokens.push(this.#text[size - 1] ?? 0)
    if (this.#tokens.length > 0) this.#endBlock(size)
    return this.#blocks
  }

  /** Puts the place into its chain; answers the one before it there. */
  #insert (at: number): number {
    const hash = Math.imul(this.#text.readUInt32BE(at), 0x1e35a7bd) >>> this.#hashShift
    const before = this.#heads[hash] ?? -1
    this.#previous[at % windowSize] = before
    this.#heads[hash] = at
    return before
  }

  #emit (token: Token, end: number): void {
    this.#tokens.push(token)
    if (this.#tokens.length === tokensPerBlock) this.#endBlock(end)
  }

  #endBlock (end: number): void {
    const text = this.#blockStart < this.#base ? undefined : this.#text.subarray(this.#blockStart, end)
    this.#blocks.push({ tokens: this.#tokens, text })
    this.#tokens = []
    this.#blockStart = end
  }

  #longestMatch (at: number, head: number, room: number): [number, number] {
    const text = this.#text
    const oldest = at - windowSize
    const first = Math.max(oldest, this.#base)
    let [length, distance] = [shortest - 1, 0]
    let place = head
    for (let tries = chainLength; tries > 0; tries--) {
      if (text[at + length] === text[place + length]) {
        let same = 0
        while (same < room && text[place + same] === text[at + same]) same++
        if (same > length && (same > shortest || at - place <= farForShortest)) {
          [length, distance] = [same, at - place]
          if (same >= room) break
        }
      }
      if (place === oldest) break
      place = this.#previous[place % windowSize] ?? -1
      if (place < first) break
    }
    return [length, distance]
  }
}
