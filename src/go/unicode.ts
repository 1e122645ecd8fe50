/// <reference lib="es2024.string" />
// Letters as Go's package unicode has them: case is changed one character at a time, where JavaScript makes "SS" of "ß".

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

/** As strings.ToUpper, which makes U+FFFD of bytes that are not UTF-8. */
export const upperCase = (text: string): string =>
  ascii.test(text) ? text.toUpperCase() : Array.from(text.toWellFormed(), upperOne).join('')

/** As strings.ToLower; the dotted capital I is the one letter that JavaScript makes two characters of. */
export const lowerCase = (text: string): string => ascii.test(text)
  ? text.toLowerCase()
  : Array.from(text.toWellFormed(), c => c === '\u0130' ? 'i' : single(c, c.toLowerCase())).join('')
