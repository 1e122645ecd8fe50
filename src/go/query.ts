// Queries as Go's net/url reads and writes them (ParseQuery, QueryUnescape, QueryEscape).
import { goBytes, goString, joined, stringOfByte } from './string.js'

/** The pairs of a raw query in their order; those with a semicolon or a broken escape in them are passed over. */
export function parseQuery (rawQuery: string): Array<readonly [key: string, value: string]> {
  const pairs: Array<readonly [string, string]> = []
  for (let start = 0; start < rawQuery.length;) {
    const end = rawQuery.indexOf('&', start)
    const pair = end < 0 ? rawQuery.slice(start) : rawQuery.slice(start, end)
    start = end < 0 ? rawQuery.length : end + 1
    if (pair === '' || pair.includes(';')) continue
    const equals = pair.indexOf('=')
    const key = queryUnescape(equals < 0 ? pair : pair.slice(0, equals))
    const value = equals < 0 ? '' : queryUnescape(pair.slice(equals + 1))
    if (key !== undefined && value !== undefined) pairs.push([key, value])
  }
  return pairs
}

const queryUnescape = (text: string): string | undefined => unescapePercent(text.includes('+') ? text.replaceAll('+', ' ') : text)

const escapes = /%([0-9a-fA-F]{2})?/g

/** From here on the bytes are gone through one by one, which takes its time to begin with, and little more. */
const long = 256

/** What percent-encoding stands for; undefined when an escape is not whole. */
export function unescapePercent (text: string): string | undefined {
  if (!text.includes('%')) return text
  if (text.length >= long) return unescapeBytes(goBytes(text))
  let whole = true
  const plain = text.replace(escapes, (_, hex: string | undefined) => {
    if (hex === undefined) whole = false
    return hex === undefined ? '' : stringOfByte(Number.parseInt(hex, 16))
  })
  return whole ? joined(plain) : undefined
}

function unescapeBytes (bytes: Buffer): string | undefined {
  let length = 0
  for (let at = 0; at < bytes.length; at++) {
    let byte = bytes[at]!
    if (byte === percent) {
      const [high, low] = [digitOf(bytes[at + 1]), digitOf(bytes[at + 2])]
      if (high < 0 || low < 0) return undefined
      byte = high << 4 | low
      at += 2
    }
    // Never longer than what was read.
    bytes[length++] = byte
  }
  return goString(bytes.subarray(0, length))
}

const percent = 0x25

/** Of a hexadecimal digit; -1 for anything else. */
function digitOf (byte: number | undefined): number {
  if (byte === undefined) return -1
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30
  const lower = byte | 0x20
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1
}

/** Each byte of the text as an escape. */
export const escapePercent = (text: string): string => goBytes(text).toString('hex').toUpperCase().replace(/../g, '%$&')

/** url.QueryEscape. */
export const queryEscape = (text: string): string =>
  text.replace(/[^a-zA-Z0-9_.~-]+/g, run => escapePercent(run).replaceAll('%20', '+'))
