// Contents inside a config: the `data:` URL of RFC 2397, written as both reference translators write it and read as Ignition
// reads it.
import { decodeBase64 } from '../go/base64.js'
import { goBytes } from '../go/string.js'

const unreserved = new Set(Buffer.from("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.!~*'()"))
const hexDigits = Buffer.from('0123456789ABCDEF')
const percentSign = 0x25

/** Every byte but letters, digits and `-_.!~*'()` as %XX. */
function escapeData (contents: Buffer): string {
  let length = contents.length
  for (const byte of contents) if (!unreserved.has(byte)) length += 2
  const out = Buffer.allocUnsafe(length)
  let at = 0
  for (const byte of contents) {
    if (unreserved.has(byte)) {
      out[at++] = byte
    } else {
      out[at++] = percentSign
      out[at++] = hexDigits[byte >> 4]!
      out[at++] = hexDigits[byte & 15]!
    }
  }
  return out.toString('latin1')
}

export const percentDataUrl = (contents: Buffer | string): string =>
  `data:,${escapeData(typeof contents === 'string' ? goBytes(contents) : contents)}`

export const base64DataUrl = (contents: Buffer | string): string =>
  `data:;base64,${(typeof contents === 'string' ? goBytes(contents) : contents).toString('base64')}`

export type DataUrlResult = { readonly ok: true, readonly data: Buffer } | { readonly ok: false, readonly problem: string }

// RFC 2045's token: printable ASCII but the specials.
const token = /^[!#$%&'*+\-.0-9A-Z^_`a-z{|}~]+/
const dataCharacters = /^[!$%&'()*+,\-./0-9:;=?@A-Z_a-z~]*$/

/** What a data URL holds, or why it is none in the words of the reference's parser. */
export function readDataUrl (url: string): DataUrlResult {
  const fail = (problem: string): DataUrlResult => ({ ok: false, problem })
  if (!url.startsWith('data:')) return fail('missing data prefix')
  let rest = url.slice('data:'.length)
  const take = (pattern: RegExp): string => {
    const found = pattern.exec(rest)?.[0] ?? ''
    rest = rest.slice(found.length)
    return found
  }
  if (rest === '') return fail('missing comma before data')
  if (!/^[;,]/.test(rest)) {
    const type = take(token)
    if (type === '') return fail('invalid character after data prefix')
    if (rest === '') return fail('missing media type slash')
    if (!rest.startsWith('/')) return fail('invalid character for media type')
    if (!/^(text|image|audio|video|application|message|multipart|[xX]-)/.test(type)) return fail('invalid media type')
    rest = rest.slice(1)
    take(token)
    if (rest === '') return fail('incomplete media type')
    if (!/^[;,]/.test(rest)) return fail('invalid character for media subtype')
  }
  let base64 = false
  while (rest.startsWith(';')) {
    rest = rest.slice(1)
    if (rest === '' || /^[=,]/.test(rest)) return fail('unterminated parameter sequence')
    const attribute = take(token)
    if (attribute === '' || (rest !== '' && !/^[=,]/.test(rest))) return fail('invalid character for parameter attribute')
    if (rest === '') return fail('unterminated parameter sequence')
    if (rest.startsWith(',')) {
      if (attribute !== 'base64') return fail(`expected base64, got ${attribute}`)
      base64 = true
      break
    }
    rest = rest.slice(1)
    const quoted = rest.startsWith('"')
    const value = quoted ? quotedIn(rest) : take(token)
    if (quoted) rest = rest.slice(value.length)
    if (value === '' && rest !== '') return fail(quoted ? 'unclosed quoted string' : 'invalid character for parameter value')
    if (rest === '') return fail('missing comma before data')
    if (!/^[;,]/.test(rest)) return fail(quoted ? 'expected semicolon or comma' : 'invalid character for parameter value')
    const unescaped = quoted ? undefined : percentProblem(value)
    if (unescaped !== undefined) return fail(unescaped)
  }
  const data = rest.slice(1)
  if (base64) {
    if (!/^[A-Za-z0-9+/=]*$/.test(data)) return fail('invalid data character')
    const decoded = decodeBase64(data)
    return 'corruptAt' in decoded ? fail(`illegal base64 data at input byte ${decoded.corruptAt}`) : { ok: true, data: decoded }
  }
  if (!dataCharacters.test(data)) return fail('invalid data character')
  const problem = percentProblem(data)
  if (problem !== undefined) return fail(problem)
  return { ok: true, data: unescapePercent(Buffer.from(data, 'latin1')) }
}

/** The quoted string of ASCII that the text begins with; '' when it does not end. Not by a pattern: a long one would fill its stack. */
function quotedIn (text: string): string {
  for (let at = 1; at < text.length; at++) {
    if (text[at] === '"') return text.slice(0, at + 1)
    if (text[at] === '\\') at++
    if (!(text.charCodeAt(at) < 0x80)) break
  }
  return ''
}

/** In place. Every percent sign has its two digits. */
function unescapePercent (bytes: Buffer): Buffer {
  let to = bytes.indexOf(percentSign)
  if (to < 0) return bytes
  for (let from = to; from < bytes.length; from++) {
    const byte = bytes[from]!
    bytes[to++] = byte === percentSign ? hexValue(bytes[++from]!) << 4 | hexValue(bytes[++from]!) : byte
  }
  return bytes.subarray(0, to)
}

/** Of an ASCII digit or letter, of either case. */
const hexValue = (code: number): number => (code & 15) + (code > 0x39 ? 9 : 0)

function percentProblem (text: string): string | undefined {
  const bad = /%(?![0-9A-Fa-f]{2})/.exec(text)
  if (bad === null) return undefined
  const short = /^%[0-9A-Fa-f]?$/.test(text.slice(bad.index))
  return short ? 'rfc2396: unexpected end of unescape sequence' : 'rfc2396: invalid char 0x25 in unescape sequence'
}
