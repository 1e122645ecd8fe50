// A reader and a writer over bytes in network order that check every bound, so that a codec built on them can only
// answer a value or throw DecodeError.
import { DecodeError } from '../base/errors.js'

/** `bytes` without the octets at their end for which `junk` holds. A loop: a regular expression would start anew at each of them. */
export function withoutTail (bytes: Buffer, junk: (octet: number) => boolean): Buffer {
  let end = bytes.length
  while (end > 0 && junk(bytes[end - 1]!)) end--
  return bytes.subarray(0, end)
}

export const isNul = (octet: number): boolean => octet === 0

export class ByteReader {
  readonly #bytes: Buffer
  #offset = 0

  constructor (bytes: Buffer) { this.#bytes = bytes }

  get offset (): number { return this.#offset }
  get remaining (): number { return this.#bytes.length - this.#offset }

  u8 (): number { return this.#bytes.readUInt8(this.#advance(1)) }
  u16 (): number { return this.#bytes.readUInt16BE(this.#advance(2)) }
  u32 (): number { return this.#bytes.readUInt32BE(this.#advance(4)) }

  /** The next `length` bytes, as a view of the same memory. */
  bytes (length: number): Buffer {
    const start = this.#advance(length)
    return this.#bytes.subarray(start, start + length)
  }

  rest (): Buffer { return this.bytes(this.remaining) }

  /** Bytes up to the next NUL, which is read too and left out; `missing_nul` when there is none. */
  untilNul (): Buffer {
    const end = this.#bytes.indexOf(0, this.#offset)
    if (end < 0) throw new DecodeError('missing_nul', this.#offset)
    const found = this.#bytes.subarray(this.#offset, end)
    this.#offset = end + 1
    return found
  }

  #advance (length: number): number {
    if (length > this.remaining) throw new DecodeError('truncated', this.#offset)
    const start = this.#offset
    this.#offset += length
    return start
  }
}

export class ByteWriter {
  #bytes: Buffer
  #length = 0

  /** `expected` is a size in bytes that most packets stay within; a longer one makes the writer grow. */
  constructor (expected = 576) { this.#bytes = Buffer.allocUnsafe(expected) }

  get length (): number { return this.#length }

  /** Begins anew in the same memory: what `finish` gave before is overwritten. */
  reset (): this {
    this.#length = 0
    return this
  }

  // The place is reserved before `#bytes` is looked at: reserving may put larger memory there. Octet by octet, since Buffer's own
  // methods look at type and range each time.
  u8 (value: number): this {
    const at = this.#reserve(1)
    this.#bytes[at] = value
    return this
  }

  u16 (value: number): this {
    const at = this.#reserve(2)
    this.#bytes[at] = value >>> 8
    this.#bytes[at + 1] = value
    return this
  }

  u32 (value: number): this {
    const at = this.#reserve(4)
    this.#bytes[at] = value >>> 24
    this.#bytes[at + 1] = value >>> 16
    this.#bytes[at + 2] = value >>> 8
    this.#bytes[at + 3] = value
    return this
  }

  bytes (value: Uint8Array): this {
    const at = this.#reserve(value.length)
    this.#bytes.set(value, at)
    return this
  }

  /** One octet for each character (Latin-1). */
  text (value: string): this {
    const at = this.#reserve(value.length)
    this.#bytes.write(value, at, value.length, 'latin1')
    return this
  }

  /** `value` cut or padded with NUL to exactly `length` bytes. */
  field (value: Uint8Array, length: number): this {
    return this.bytes(value.length > length ? value.subarray(0, length) : value).zeros(Math.max(0, length - value.length))
  }

  zeros (count: number): this {
    const start = this.#reserve(count)
    this.#bytes.fill(0, start, start + count)
    return this
  }

  /** Puts `value` over the octet written at `at`. */
  patch (at: number, value: number): void {
    if (at < this.#length) this.#bytes[at] = value
  }

  /** Takes back what was written from `length` on. */
  rewind (length: number): void { this.#length = Math.min(this.#length, length) }

  /** A copy of what was written from `start` on. */
  since (start: number): Buffer { return Buffer.from(this.#bytes.subarray(start, this.#length)) }

  /** What was written: a view, good until the writer is used again. */
  finish (): Buffer { return this.#bytes.subarray(0, this.#length) }

  #reserve (length: number): number {
    const start = this.#length
    const end = start + length
    if (end > this.#bytes.length) {
      const larger = Buffer.allocUnsafe(Math.max(end, this.#bytes.length * 2))
      this.#bytes.copy(larger, 0, 0, start)
      this.#bytes = larger
    }
    this.#length = end
    return start
  }
}
