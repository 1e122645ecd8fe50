/// <reference lib="es2024.string" />
// Text as Go's strings and unicode packages treat it where JavaScript differs: case is changed one character at a time
// (JavaScript makes "SS" of "ß"), and a string may hold bytes that are not UTF-8.
import { Buffer } from 'node:buffer'

function single (c: string, changed: string): string {
  return changed.length === c.length || [...changed].length === 1 ? changed : c
}

// Greek letters with a iota below have a capital of one character, which JavaScript spells with two.
function upperOne (c: string): string {
  const code = c.codePointAt(0)!
  if (code >= 0x1f80 && code <= 0x1faf) return String.fromCodePoint(code | 8)
  if (code === 0x1fb3 || code === 0x1fc3 || code === 0x1ff3) return String.fromCodePoint(code + 9)
  return single(c, c.toUpperCase())
}

const ascii = /^[\0-\x7f]*$/

/** As strings.ToUpper. */
export const upperCase = (text: string): string => ascii.test(text) ? text.toUpperCase() : Array.from(text.toWellFormed(), upperOne).join('')

/** As strings.ToLower; the dotted capital I is the one letter that JavaScript makes two characters of. */
export const lowerCase = (text: string): string =>
  ascii.test(text) ? text.toLowerCase() : Array.from(text.toWellFormed(), c => c === '\u0130' ? 'i' : single(c, c.toLowerCase())).join('')

/** A number as fmt's %v prints a float64: an exponent from 1e+06 up and below 1e-04, with two digits at least. */
export function formatFloat (value: number): string {
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : value < 0 ? '-Inf' : 'NaN'
  if (Object.is(value, -0)) return '-0'
  const [digits = '', exponent = ''] = value.toExponential().split('e')
  const power = Number(exponent)
  if (power >= -4 && power < 6) return String(value)
  return `${digits}e${power < 0 ? '-' : '+'}${String(Math.abs(power)).padStart(2, '0')}`
}

/*
 * Bytes that are no UTF-8 are kept in strings as the lone surrogates U+DC80 to U+DCFF, one each, which no well-formed
 * text holds: a query may carry any byte, and it must reach a template's output as it came.
 */

const highByte = /[\x80-\xff]/

/** A string of `bytes`, given one character a byte. */
export function fromByteText (bytes: string): string {
  if (!highByte.test(bytes)) return bytes
  const buffer = Buffer.from(bytes, 'latin1')
  const text = buffer.toString('utf8')
  return text.includes('\ufffd') ? keepInvalid(buffer) : text
}

/** How many bytes a well-formed UTF-8 sequence at `at` has; 0 when there is none. */
function sequenceLength (bytes: Uint8Array, at: number): number {
  const first = bytes[at]!
  if (first < 0x80) return 1
  const length = first >= 0xc2 && first <= 0xdf ? 2 : first >= 0xe0 && first <= 0xef ? 3 : first >= 0xf0 && first <= 0xf4 ? 4 : 0
  if (length === 0 || at + length > bytes.length) return 0
  const second = bytes[at + 1]!
  const low = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80
  const high = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf
  if (second < low || second > high) return 0
  for (let i = 2; i < length; i++) if ((bytes[at + i]! & 0xc0) !== 0x80) return 0
  return length
}

function keepInvalid (bytes: Buffer): string {
  let text = ''
  for (let at = 0; at < bytes.length;) {
    const length = sequenceLength(bytes, at)
    text += length === 0 ? String.fromCharCode(0xdc00 + bytes[at]!) : bytes.toString('utf8', at, at + length)
    at += Math.max(1, length)
  }
  return text
}

/** The bytes of a string; the counterpart of `fromByteText`. */
export function toBytes (text: string): Buffer {
  if (text.isWellFormed()) return Buffer.from(text)
  const parts: Buffer[] = []
  let plain = ''
  for (const c of text) {
    const code = c.codePointAt(0)!
    if (code >= 0xdc80 && code <= 0xdcff) {
      parts.push(Buffer.from(plain), Buffer.of(code - 0xdc00))
      plain = ''
    } else {
      plain += c
    }
  }
  parts.push(Buffer.from(plain))
  return Buffer.concat(parts)
}
