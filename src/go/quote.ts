// Quoted literals as Go's strconv writes and reads them (Quote, QuoteRune, CanBackquote, Unquote, UnquoteChar).
import { isValidRune, joined, runeError, runeOf, stringOfByte, stringOfRune } from './string.js'
import { isPrint } from './unicode.js'

const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0')

const letterEscapes = new Map([[7, '\\a'], [8, '\\b'], [12, '\\f'], [10, '\\n'], [13, '\\r'], [9, '\\t'], [11, '\\v']])

function escapeRune (rune: number, mark: string, asciiOnly: boolean): string {
  if (rune === mark.charCodeAt(0) || rune === 0x5c) return '\\' + String.fromCharCode(rune)
  if (isPrint(rune) && (!asciiOnly || rune < 0x80)) return String.fromCodePoint(rune)
  const letter = letterEscapes.get(rune)
  if (letter !== undefined) return letter
  if (rune < 0x20 || rune === 0x7f) return '\\x' + hex(rune, 2)
  const valid = isValidRune(rune) ? rune : runeError
  return valid < 0x10000 ? '\\u' + hex(valid, 4) : '\\U' + hex(valid, 8)
}

const plain = /^[ !#-[\]-~]*$/

/** `"..."` as %q writes it: what does not print escaped, a byte outside UTF-8 as `\xff`. */
export function goQuote (text: string, asciiOnly = false): string {
  if (plain.test(text)) return `"${text}"`
  let out = '"'
  for (const character of text) {
    const code = character.codePointAt(0)!
    out += isByte(code) ? '\\x' + hex(code - 0xdc00, 2) : escapeRune(code, '"', asciiOnly)
  }
  return out + '"'
}

/** A byte that is not UTF-8, as a string holds it. */
const isByte = (code: number): boolean => code >= 0xdc80 && code <= 0xdcff

export const quoteRune = (rune: number, asciiOnly = false): string =>
  `'${escapeRune(isValidRune(rune) ? rune : runeError, "'", asciiOnly)}'`

/** Whether the text can stand between back quotes unchanged, on one line. */
export const canBackquote = (text: string): boolean => !/[\0-\x08\x0a-\x1f`\x7f\ufeff]|[\ud800-\udfff]/u.test(text) // eslint-disable-line no-control-regex

interface Character {
  /** A code point, or a byte when `isByte`. */
  readonly value: number
  /** The value is one byte of the string (an ASCII character, `\xff` or `\377`), not a rune to encode. */
  readonly isByte: boolean
  /** How much of the literal it takes, in units of the JavaScript string. */
  readonly width: number
}

const simpleEscapes = new Map([['a', 7], ['b', 8], ['f', 12], ['n', 10], ['r', 13], ['t', 9], ['v', 11], ['\\', 0x5c]])
const hexLengths = new Map([['x', 2], ['u', 4], ['U', 8]])

/** The character or escape sequence at `at` of a literal in `mark` quotes, or undefined where the syntax is wrong. */
export function unquoteChar (text: string, at: number, mark: string): Character | undefined {
  const first = text[at]
  if (first === undefined || first === mark) return undefined
  if (first !== '\\') {
    const character = String.fromCodePoint(text.codePointAt(at)!)
    const rune = runeOf(character)
    return { value: rune, isByte: rune < 0x80, width: character.length }
  }
  const letter = text[at + 1]
  if (letter === undefined) return undefined
  const simple = letter === mark ? mark.charCodeAt(0) : simpleEscapes.get(letter)
  if (simple !== undefined) return { value: simple, isByte: true, width: 2 }
  const octal = /^[0-7]{3}/.exec(text.slice(at + 1, at + 4))
  if (octal !== null) {
    const value = parseInt(octal[0], 8)
    return value > 255 ? undefined : { value, isByte: true, width: 4 }
  }
  const length = hexLengths.get(letter)
  if (length === undefined) return undefined
  const digits = text.slice(at + 2, at + 2 + length)
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
    out += character.isByte ? stringOfByte(character.value) : stringOfRune(character.value)
    at += character.width
  }
  return at === end ? joined(out) : undefined
}
