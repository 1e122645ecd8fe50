/// <reference lib="es2024.string" />
// Strings as Go has them: any bytes, most of them UTF-8. In this program such a string is a JavaScript string, in which a byte
// that belongs to no UTF-8 character is a lone surrogate U+DC80 to U+DCFF; no text can hold one otherwise, and it turns back
// into its byte. Equal strings are equal in JavaScript too: what was put together from pieces that may have ended within a
// character goes through `joined`. Lengths and places that Go counts in bytes are counted here.
import { Buffer, isUtf8 } from 'node:buffer'

export const runeError = 0xfffd
export const maxRune = 0x10ffff

const secondBytes: ReadonlyMap<number, readonly [number, number]> =
  new Map([[0xe0, [0xa0, 0xbf]], [0xed, [0x80, 0x9f]], [0xf0, [0x90, 0xbf]], [0xf4, [0x80, 0x8f]]])

/** How many bytes the UTF-8 character at `at` has; 0 where there is none (RFC 3629 section 4). */
export function utf8Width (bytes: Uint8Array, at: number): 0 | 1 | 2 | 3 | 4 {
  const lead = bytes[at] ?? 0xff
  if (lead < 0x80) return 1
  const width = lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0
  if (width === 0 || at + width > bytes.length) return 0
  const second = bytes[at + 1]!
  // Longer than need be, a surrogate, or beyond the last character.
  const [least, most] = secondBytes.get(lead) ?? [0x80, 0xbf]
  if (second < least || second > most) return 0
  for (let i = 1; i < width; i++) if (bytes[at + i]! >> 6 !== 2) return 0
  return width
}

/** The string of these bytes. */
export function goString (bytes: Uint8Array): string {
  const from = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  if (isUtf8(from)) return from.toString('utf8')
  let result = ''
  let start = 0
  for (let at = 0; at < from.length;) {
    const width = utf8Width(from, at)
    at += width
    if (width > 0) continue
    result += from.toString('utf8', start, at) + stringOfByte(from[at]!)
    start = ++at
  }
  return result + from.toString('utf8', start)
}

const beyondAscii = /[\x80-\uffff]/

/** The string of bytes that came one character each, as Node hands on what stands in an HTTP request's first line. */
export const goStringOfLatin1 = (bytes: string): string => beyondAscii.test(bytes) ? goString(Buffer.from(bytes, 'latin1')) : bytes

/** The bytes of a string one character each, as Node wants them in a header. */
export const latin1Of = (text: string): string => beyondAscii.test(text) ? goBytes(text).toString('latin1') : text

/** The string of one byte. */
export const stringOfByte = (byte: number): string => String.fromCharCode(byte < 0x80 ? byte : 0xdc00 + byte)

const keptBytes = /([\udc80-\udcff]+)/u

/** The bytes of a string. */
export function goBytes (text: string): Buffer {
  if (text.isWellFormed()) return Buffer.from(text, 'utf8')
  // As latin1 Node takes the low half of each unit, which is the byte.
  return Buffer.concat(text.split(keptBytes).map((part, i) => Buffer.from(part, i % 2 === 1 ? 'latin1' : 'utf8')))
}

/** A string of pieces that may have ended within a character: bytes that are UTF-8 together become its characters. */
export const joined = (text: string): string => /[\udc80-\udcff]{2}/u.test(text) ? goString(goBytes(text)) : text

/** Go's len. */
export const byteLength = (text: string): number => text.isWellFormed() ? Buffer.byteLength(text, 'utf8') : goBytes(text).length

/** Go's text[from:to], from byte to byte. */
export const byteSlice = (text: string, from: number, to: number): string =>
  beyondAscii.test(text) ? goString(goBytes(text).subarray(from, to)) : text.slice(from, to)

/** Go's text[at]; undefined beyond the end. */
export const byteAt = (text: string, at: number): number | undefined =>
  beyondAscii.test(text) ? goBytes(text)[at] : at < text.length ? text.charCodeAt(at) : undefined

/** The text as it can be shown: bytes that are not UTF-8 become U+FFFD, as Go's encoders have it. */
export const printable = (text: string): string => text.toWellFormed()

export const isValidRune = (rune: number): boolean => (rune >= 0 && rune < 0xd800) || (rune > 0xdfff && rune <= maxRune)

/** The character of a rune, U+FFFD for what is none. */
export const stringOfRune = (rune: number): string => String.fromCodePoint(isValidRune(rune) ? rune : runeError)

/** The rune of one character; of a byte that is not UTF-8, U+FFFD as `range` gives it. */
export function runeOf (character: string): number {
  const code = character.codePointAt(0) ?? runeError
  return isValidRune(code) ? code : runeError
}

/** utf8.RuneCountInString. */
export function runeCount (text: string): number {
  if (!beyondAscii.test(text)) return text.length
  let count = 0
  for (let at = 0; at < text.length; at += unitsAt(text, at)) count++
  return count
}

/** The first `count` characters. */
export function firstRunes (text: string, count: number): string {
  let at = 0
  for (let n = count; n > 0 && at < text.length; n--) at += unitsAt(text, at)
  return text.slice(0, at)
}

const unitsAt = (text: string, at: number): 1 | 2 => text.codePointAt(at)! > 0xffff ? 2 : 1

/** Strings in the order of their bytes, which is how Go compares and sorts them. */
export function compareStrings (a: string, b: string): number {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i)
    const y = b.charCodeAt(i)
    if (x === y) continue
    if (!isSurrogate(x) && !isSurrogate(y)) return x - y
    // Of a pair the first half may be behind us.
    const start = i > 0 && isSurrogate(a.charCodeAt(i - 1)) ? i - 1 : i
    return Buffer.compare(goBytes(a.slice(start)), goBytes(b.slice(start)))
  }
  return a.length - b.length
}

const isSurrogate = (unit: number): boolean => unit >= 0xd800 && unit <= 0xdfff
