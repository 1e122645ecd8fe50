// Bytes to characters as YAML 1.1 section 5.1 and 5.2 want them: UTF-8, or UTF-16 with a byte order mark, and no control
// characters. What is wrong is not told here but when the scanner gets there, as it does in libyaml, because a config is read
// only up to the end of its first document.
import { isUtf8 } from 'node:buffer'

export interface YamlText {
  readonly text: string
  /** Where reading stops, in UTF-16 units: the end of `text`, or where the reference's buffer with the bad bytes in it begins. */
  readonly limit: number
  /** What is wrong from there on. */
  readonly problem?: string
}

// Tab, LF, CR, printable ASCII, NEL, and everything from U+00A0 but surrogates, U+FFFE and U+FFFF.
const forbidden = /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufffe\uffff]/ // eslint-disable-line no-control-regex

/** libyaml decodes its input in pieces of this many bytes. */
const pieceLength = 512

export function readText (bytes: Uint8Array): YamlText {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (buffer.length >= 2 && (buffer.readUInt16LE(0) === 0xfeff || buffer.readUInt16BE(0) === 0xfeff)) return readUtf16(buffer)
  const start = buffer.length >= 3 && buffer[0] === 0xef && buffer[1] === 0xbb && buffer[2] === 0xbf ? 3 : 0
  const body = buffer.subarray(start)
  const wrong = isUtf8(body) ? undefined : firstBadSequence(body)
  const text = body.toString('utf8', 0, wrong?.offset ?? body.length)
  const control = forbidden.exec(text)
  if (control !== null) return stopAt(text, Buffer.byteLength(text.slice(0, control.index)), 'control characters are not allowed')
  if (wrong !== undefined) return stopAt(text, wrong.offset, wrong.problem)
  return { text, limit: text.length }
}

function stopAt (text: string, byteOffset: number, problem: string): YamlText {
  const bytes = Buffer.from(text, 'utf8')
  const piece = Math.floor(byteOffset / pieceLength) * pieceLength
  return { text, limit: bytes.toString('utf8', 0, piece).length, problem }
}

function readUtf16 (buffer: Buffer): YamlText {
  const bigEndian = buffer[0] === 0xfe
  const body = Buffer.from(buffer.subarray(2, 2 + Math.floor((buffer.length - 2) / 2) * 2))
  const text = (bigEndian ? body.swap16() : body).toString('utf16le')
  if (buffer.length % 2 !== 0) return { text, limit: text.length, problem: 'incomplete UTF-16 character' }
  const lone = /\p{Surrogate}/u.exec(text)
  if (lone !== null) {
    const low = text.charCodeAt(lone.index) >= 0xdc00
    return { text, limit: lone.index, problem: low ? 'unexpected low surrogate area' : 'expected low surrogate area' }
  }
  const control = forbidden.exec(text)
  if (control !== null) return { text, limit: control.index, problem: 'control characters are not allowed' }
  return { text, limit: text.length }
}

/** How long libyaml takes the sequence with this first octet for, 0 for none. It looks at less than UTF-8 asks for. */
export const sequenceLength = (lead: number): number =>
  lead < 0x80 ? 1 : lead >> 5 === 6 ? 2 : lead >> 4 === 14 ? 3 : lead >> 3 === 30 ? 4 : 0

const smallest = [0, 0, 0x80, 0x800, 0x10000] as const

function firstBadSequence (body: Buffer): { offset: number, problem: string } | undefined {
  for (let offset = 0; offset < body.length;) {
    const lead = body[offset] ?? 0
    const width = sequenceLength(lead)
    if (width === 0) return { offset, problem: 'invalid leading UTF-8 octet' }
    if (offset + width > body.length) return { offset, problem: 'incomplete UTF-8 octet sequence' }
    let value = width === 1 ? lead : lead & (0xff >> (width + 1))
    for (let i = 1; i < width; i++) {
      const octet = body[offset + i] ?? 0
      if (octet >> 6 !== 2) return { offset, problem: 'invalid trailing UTF-8 octet' }
      value = value << 6 | octet & 0x3f
    }
    if (value < (smallest[width] ?? 0)) return { offset, problem: 'invalid length of a UTF-8 sequence' }
    if (value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff)) return { offset, problem: 'invalid Unicode character' }
    offset += width
  }
  return undefined
}
