// Go strings. A Go string is bytes, usually but not always UTF-8, so inside this folder every string that a template can
// see is a *byte string*: a JavaScript string whose characters are bytes (U+0000 to U+00FF). Length, index, slice and order are
// then Go's, and text that is not UTF-8 comes out as it went in. Runes follow unicode/utf8.

export const runeError = 0xfffd
export const maxRune = 0x10ffff

const beyondAscii = /[\u0080-\uffff]/

/** The bytes of a JavaScript string; a lone surrogate becomes U+FFFD, as encoding/json decodes it. */
export const toBytes = (text: string): string => beyondAscii.test(text) ? Buffer.from(text, 'utf8').toString('latin1') : text

/** The text of a byte string, with U+FFFD for what is not UTF-8: for messages, not for output. */
export const toText = (bytes: string): string => beyondAscii.test(bytes) ? Buffer.from(bytes, 'latin1').toString('utf8') : bytes

export interface Rune { readonly rune: number, readonly width: number }

const invalid: Rune = { rune: runeError, width: 1 }

/** The rune that starts at byte `at`, which must be inside the string; one byte of U+FFFD where there is no valid encoding. */
export function decodeRune (bytes: string, at: number): Rune {
  const first = bytes.charCodeAt(at)
  if (first < 0x80) return { rune: first, width: 1 }
  const width = first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0
  if (width === 0 || at + width > bytes.length) return invalid
  let rune = first & (0xff >> (width + 1))
  for (let i = 1; i < width; i++) {
    const next = bytes.charCodeAt(at + i)
    if ((next & 0xc0) !== 0x80) return invalid
    rune = rune << 6 | next & 0x3f
  }
  const shortest = width === 2 ? 0x80 : width === 3 ? 0x800 : 0x10000
  return rune < shortest || !isValidRune(rune) ? invalid : { rune, width }
}

export const isValidRune = (rune: number): boolean =>
  (rune >= 0 && rune < 0xd800) || (rune > 0xdfff && rune <= maxRune)

export const encodeRune = (rune: number): string =>
  rune >= 0 && rune < 0x80 ? String.fromCharCode(rune) : toBytes(String.fromCodePoint(isValidRune(rune) ? rune : runeError))

export function runeCount (bytes: string): number {
  if (!beyondAscii.test(bytes)) return bytes.length
  let count = 0
  for (let at = 0; at < bytes.length; at += decodeRune(bytes, at).width) count++
  return count
}

/** The first `count` runes. */
export function firstRunes (bytes: string, count: number): string {
  let at = 0
  for (let n = count; n > 0 && at < bytes.length; n--) at += decodeRune(bytes, at).width
  return bytes.slice(0, at)
}

const printable = /^[\p{L}\p{M}\p{N}\p{P}\p{S}]$/u
const alphaNumeric = /^[\p{L}\p{Nd}_]$/u

/** unicode.IsPrint and strconv.IsPrint: what shows, and of the spaces only U+0020. */
export const isPrint = (rune: number): boolean =>
  rune < 0x7f ? rune >= 0x20 : isValidRune(rune) && printable.test(String.fromCodePoint(rune))

/** What an identifier is made of. */
export const isAlphaNumeric = (rune: number): boolean => {
  if (rune < 0x80) {
    return (rune >= 0x61 && rune <= 0x7a) || (rune >= 0x41 && rune <= 0x5a) || (rune >= 0x30 && rune <= 0x39) || rune === 0x5f
  }
  return isValidRune(rune) && alphaNumeric.test(String.fromCodePoint(rune))
}
