// Quoted literals as Go's strconv writes and reads them (Quote, QuoteRune, CanBackquote, Unquote, UnquoteChar), on byte strings.
import { decodeRune, encodeRune, isPrint, isValidRune, runeError } from './template/bytes.js'

const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0')

const letterEscapes = new Map([[7, '\\a'], [8, '\\b'], [12, '\\f'], [10, '\\n'], [13, '\\r'], [9, '\\t'], [11, '\\v']])

function escapeRune (rune: number, quote: string, asciiOnly: boolean): string {
  if (rune === quote.charCodeAt(0) || rune === 0x5c) return '\\' + String.fromCharCode(rune)
  if (isPrint(rune) && (!asciiOnly || rune < 0x80)) return encodeRune(rune)
  const letter = letterEscapes.get(rune)
  if (letter !== undefined) return letter
  if (rune < 0x20 || rune === 0x7f) return '\\x' + hex(rune, 2)
  const valid = isValidRune(rune) ? rune : runeError
  return valid < 0x10000 ? '\\u' + hex(valid, 4) : '\\U' + hex(valid, 8)
}

/** `"..."` with what does not print escaped; a byte outside UTF-8 as `\xff`. */
export function quote (bytes: string, asciiOnly = false): string {
  let out = '"'
  for (let at = 0; at < bytes.length;) {
    const { rune, width } = decodeRune(bytes, at)
    out += width === 1 && rune === runeError ? '\\x' + hex(bytes.charCodeAt(at), 2) : escapeRune(rune, '"', asciiOnly)
    at += width
  }
  return out + '"'
}

export const quoteRune = (rune: number, asciiOnly = false): string =>
  `'${escapeRune(isValidRune(rune) ? rune : runeError, "'", asciiOnly)}'`

/** Whether the text can stand between back quotes unchanged, on one line. */
export function canBackquote (bytes: string): boolean {
  for (let at = 0; at < bytes.length;) {
    const { rune, width } = decodeRune(bytes, at)
    at += width
    if (width > 1 ? rune === 0xfeff : rune === runeError || (rune < 0x20 && rune !== 9) || rune === 0x60 || rune === 0x7f) return false
  }
  return true
}

interface Character {
  /** A code point, or a byte when `isByte`. */
  readonly value: number
  /** The value is one byte of the string (an ASCII character, `\xff` or `\377`), not a rune to encode. */
  readonly isByte: boolean
  readonly width: number
}

const simpleEscapes = new Map([['a', 7], ['b', 8], ['f', 12], ['n', 10], ['r', 13], ['t', 9], ['v', 11], ['\\', 0x5c]])
const hexLengths = new Map([['x', 2], ['u', 4], ['U', 8]])

/** The character or escape sequence at `at` of a literal in `mark` quotes, or undefined where the syntax is wrong. */
export function unquoteChar (bytes: string, at: number, mark: string): Character | undefined {
  const first = bytes[at]
  if (first === undefined || first === mark) return undefined
  if (first !== '\\') {
    const { rune, width } = decodeRune(bytes, at)
    return { value: rune, isByte: rune < 0x80, width }
  }
  const letter = bytes[at + 1]
  if (letter === undefined) return undefined
  const simple = letter === mark ? mark.charCodeAt(0) : simpleEscapes.get(letter)
  if (simple !== undefined) return { value: simple, isByte: true, width: 2 }
  const octal = /^[0-7]{3}/.exec(bytes.slice(at + 1, at + 4))
  if (octal !== null) {
    const value = parseInt(octal[0], 8)
    return value > 255 ? undefined : { value, isByte: true, width: 4 }
  }
  const length = hexLengths.get(letter)
  if (length === undefined) return undefined
  const digits = bytes.slice(at + 2, at + 2 + length)
  if (digits.length !== length || !/^[0-9a-fA-F]+$/.test(digits)) return undefined
  const value = parseInt(digits, 16)
  if (letter !== 'x' && !isValidRune(value)) return undefined
  return { value, isByte: letter === 'x' || value < 0x80, width: 2 + length }
}

/** The value of a string literal in double or back quotes, or undefined where the syntax is wrong. */
export function unquote (literal: string): string | undefined {
  const mark = literal[0]
  const end = literal.length - 1
  // Go drops carriage returns from raw strings, so a template edited on Windows means the same.
  if (mark === '`') return literal.slice(1, end).replaceAll('\r', '')
  let out = ''
  let at = 1
  while (at < end) {
    const character = unquoteChar(literal, at, '"')
    if (character === undefined) return undefined
    out += character.isByte ? String.fromCharCode(character.value) : encodeRune(character.value)
    at += character.width
  }
  return at === end ? out : undefined
}

// What Go's strconv.IsPrint lets stand: letters, marks, numbers, punctuation, symbols and the plain space.
const printing = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u
const shortEscapes: ReadonlyMap<string, string> = new Map([
  ['\x07', '\\a'], ['\b', '\\b'], ['\f', '\\f'], ['\n', '\\n'], ['\r', '\\r'], ['\t', '\\t'], ['\v', '\\v'], ['"', '\\"'], ['\\', '\\\\']
])

/** The text between double quotes as Go's %q writes it. */
export function goQuote (text: string): string {
  let quoted = ''
  for (const char of text) {
    const code = char.codePointAt(0) ?? 0
    const hex = (digits: number): string => code.toString(16).padStart(digits, '0')
    const short = shortEscapes.get(char)
    if (short !== undefined) quoted += short
    else if (code >= 0xdc80 && code <= 0xdcff) quoted += `\\x${(code - 0xdc00).toString(16)}`
    else if (printing.test(char)) quoted += char
    else quoted += code < 0x80 ? `\\x${hex(2)}` : code < 0x10000 ? `\\u${hex(4)}` : `\\U${hex(8)}`
  }
  return `"${quoted}"`
}
