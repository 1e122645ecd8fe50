// Characters as Go's package unicode has them. Case is changed one character at a time, where JavaScript makes "SS" of "ß".
import { isValidRune, printable } from './string.js'

const white = /^[\t\n\v\f\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]$/

/** unicode.IsSpace, which unlike \s has no byte order mark in it. */
export const isSpace = (character: string): boolean => white.test(character)

/** strings.TrimSpace. */
export function trimSpace (text: string): string {
  let start = 0
  while (start < text.length && isSpace(text[start]!)) start++
  return trimSpaceRight(text.slice(start))
}

/** White space at the end taken off; in one pass, where a regular expression tries each run of spaces anew. */
export function trimSpaceRight (text: string): string {
  let end = text.length
  while (end > 0 && isSpace(text[end - 1]!)) end--
  return text.slice(0, end)
}

const shows = /^[\p{L}\p{M}\p{N}\p{P}\p{S}]$/u

/** unicode.IsPrint and strconv.IsPrint: what shows, and of the spaces only U+0020. */
export const isPrint = (rune: number): boolean =>
  rune < 0x7f ? rune >= 0x20 : isValidRune(rune) && shows.test(String.fromCodePoint(rune))

function single (c: string, changed: string): string {
  return changed.length === c.length || [...changed].length === 1 ? changed : c
}

// Greek letters with an iota below have a capital of one character, which JavaScript spells with two.
function upperOne (c: string): string {
  const code = c.codePointAt(0)!
  if (code >= 0x1f80 && code <= 0x1faf) return String.fromCodePoint(code | 8)
  if (code === 0x1fb3 || code === 0x1fc3 || code === 0x1ff3) return String.fromCodePoint(code + 9)
  return single(c, c.toUpperCase())
}

const ascii = /^[\0-\x7f]*$/

/** strings.ToUpper, which makes U+FFFD of bytes that are not UTF-8. */
export const upperCase = (text: string): string => ascii.test(text) ? text.toUpperCase() : Array.from(printable(text), upperOne).join('')

/** strings.ToLower; the dotted capital I is the one letter that JavaScript makes two characters of. */
export const lowerCase = (text: string): string => ascii.test(text)
  ? text.toLowerCase()
  : Array.from(printable(text), c => c === '\u0130' ? 'i' : single(c, c.toLowerCase())).join('')
