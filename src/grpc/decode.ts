// Messages from the wire (protobuf encoding, proto3), as strictly as Go's decoder takes them: text has to be UTF-8, there
// is no field 0 nor one above 2^29-1, and a known field in another wire type is passed over like an unknown one. protobuf.js, which
// encodes the answers, reads all of them as something else.
import { isUtf8 } from 'node:buffer'
import { DecodeError } from '../base/errors.js'
import type { MessageField, MessageLayout } from './proto.js'

/** A field that is not on the wire has no key; a map is a Map, a repeated field an array. */
export type Decoded = { [field: string]: string | Buffer | Decoded | Map<string, string> | Array<string | Buffer | Decoded> }

const wireType = { varint: 0, fixed64: 1, bytes: 2, startGroup: 3, endGroup: 4, fixed32: 5 } as const
/** 64 bits, seven to the octet. */
const maxVarintBytes = 10
/** Field numbers have 29 bits. */
const largestNumber = 2 ** 29 - 1

/** The message in `bytes`; throws DecodeError. */
export function decodeMessage (bytes: Buffer, type: MessageLayout): Decoded {
  return new WireReader(bytes).message(type)
}

/** Messages of this API are three deep; groups, which it never has, are skipped without recursion. */
class WireReader {
  readonly #bytes: Buffer
  #at = 0

  constructor (bytes: Buffer) { this.#bytes = bytes }

  message (type: MessageLayout, into: Decoded = {}): Decoded {
    while (this.#at < this.#bytes.length) {
      const start = this.#at
      const tag = this.#varint()
      const number = Math.floor(tag / 8)
      if (number === 0 || number > largestNumber) throw new DecodeError('illegal_tag', start)
      const field = type.fields.get(number)
      if (field === undefined || tag % 8 !== wireType.bytes) this.#skip(tag % 8)
      else this.#field(field, into)
    }
    return into
  }

  #field (field: MessageField, into: Decoded): void {
    const start = this.#at
    const bytes = this.#delimited()
    const before = into[field.name]
    if (field.map && typeof field.type === 'object') {
      const { key = '', value = '' } = new WireReader(bytes).message(field.type)
      const map = before instanceof Map ? before : new Map<string, string>()
      if (typeof key === 'string' && typeof value === 'string') map.set(key, value)
      into[field.name] = map
      return
    }
    let value: string | Buffer | Decoded
    if (field.type === 'bytes') {
      value = bytes
    } else if (field.type === 'string') {
      if (!isUtf8(bytes)) throw new DecodeError('invalid_utf8', start)
      value = bytes.toString('utf8')
    } else {
      // An embedded message that comes twice is one message (protobuf encoding, "Last One Wins" and merging).
      value = new WireReader(bytes).message(field.type, field.repeated ? {} : before as Decoded | undefined)
    }
    if (!field.repeated) into[field.name] = value
    else if (Array.isArray(before)) before.push(value)
    else into[field.name] = [value]
  }

  #skip (type: number): void {
    let depth = 0
    do {
      if (type === wireType.varint) this.#varint()
      else if (type === wireType.fixed64) this.#take(8)
      else if (type === wireType.bytes) this.#delimited()
      else if (type === wireType.startGroup) depth++
      else if (type === wireType.endGroup && depth > 0) depth--
      else if (type === wireType.fixed32) this.#take(4)
      else throw new DecodeError('illegal_wire_type', this.#at)
      if (depth > 0) type = this.#varint() % 8
    } while (depth > 0)
  }

  #delimited (): Buffer { return this.#take(this.#varint()) }

  #take (length: number): Buffer {
    if (length > this.#bytes.length - this.#at) throw new DecodeError('truncated', this.#at)
    const start = this.#at
    this.#at += length
    return this.#bytes.subarray(start, this.#at)
  }

  /** Exact up to 2^53, which lengths and tags stay far below; a larger one is only ever passed over. */
  #varint (): number {
    let value = 0
    for (let i = 0; i < maxVarintBytes; i++) {
      const byte = this.#bytes[this.#at++]
      if (byte === undefined) throw new DecodeError('truncated', this.#bytes.length)
      value += (byte & 0x7f) * 2 ** (7 * i)
      if (byte < 0x80) return value
    }
    throw new DecodeError('long_varint', this.#at)
  }
}
