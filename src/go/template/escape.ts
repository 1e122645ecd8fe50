// html, js and urlquery: text/template's HTMLEscape and JSEscape, and url.QueryEscape, on byte strings.
import { decodeRune, encodeRune, isPrint } from './bytes.js'

const htmlEscapes: Readonly<Record<string, string>> = {
  "'": '&#39;', '"': '&#34;', '&': '&amp;', '<': '&lt;', '>': '&gt;', '\0': encodeRune(0xfffd)
}

export const htmlEscape = (bytes: string): string => bytes.replace(/['"&<>\0]/g, character => htmlEscapes[character]!)

const hex = (value: number, digits: number): string => value.toString(16).toUpperCase().padStart(digits, '0')

const jsEscapes: Readonly<Record<string, string>> = {
  '\\': '\\\\', "'": "\\'", '"': '\\"', '<': '\\u003C', '>': '\\u003E', '&': '\\u0026', '=': '\\u003D'
}

/** For the inside of a JavaScript string: control characters and what ends a string or an element as escapes. */
export function jsEscape (bytes: string): string {
  let out = ''
  for (let at = 0; at < bytes.length;) {
    const { rune, width } = decodeRune(bytes, at)
    const character = bytes.slice(at, at + width)
    if (rune < 0x20) out += '\\u' + hex(rune, 4)
    else if (rune < 0x80) out += jsEscapes[character] ?? character
    else out += isPrint(rune) ? character : '\\u' + hex(rune, 4)
    at += width
  }
  return out
}

export const queryEscape = (bytes: string): string =>
  bytes.replace(/[^a-zA-Z0-9_.~-]/g, byte => byte === ' ' ? '+' : '%' + hex(byte.charCodeAt(0), 2))
