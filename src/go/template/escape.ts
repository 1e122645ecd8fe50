// js: text/template's JSEscape.
import { runeOf } from '../string.js'
import { isPrint } from '../unicode.js'

const hex = (value: number, digits: number): string => value.toString(16).toUpperCase().padStart(digits, '0')

const jsEscapes: Readonly<Record<string, string>> = {
  '\\': '\\\\', "'": "\\'", '"': '\\"', '<': '\\u003C', '>': '\\u003E', '&': '\\u0026', '=': '\\u003D'
}

/** For the inside of a JavaScript string: control characters and what ends a string or an element as escapes. */
export function jsEscape (text: string): string {
  let out = ''
  for (const character of text) {
    const rune = runeOf(character)
    if (rune < 0x20) out += '\\u' + hex(rune, 4)
    else if (rune < 0x80) out += jsEscapes[character] ?? character
    else out += isPrint(rune) ? character : '\\u' + hex(rune, 4)
  }
  return out
}
