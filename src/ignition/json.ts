// Values to JSON text as Go's encoding/json writes it: integers of any size exact, `<` `>` `&` U+2028 and U+2029 escaped in
// strings, bytes that are not UTF-8 as U+FFFD. Keys stand in the order they have.
import { printable } from '../go/string.js'

export type JsonValue = null | boolean | number | bigint | string | JsonList | JsonObject
export type JsonList = readonly JsonValue[]
/** A key whose value is undefined is left out. */
export interface JsonObject { readonly [key: string]: JsonValue | undefined }

const escaped = /["\\<>&\u2028\u2029\x00-\x1f]/g // eslint-disable-line no-control-regex
const short: Readonly<Record<string, string>> = { '"': '\\"', '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' }

const quote = (text: string): string =>
  `"${printable(text).replace(escaped, char => short[char] ?? `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)}"`

/** `indent` is what one level is indented by; without it all stands on one line without spaces. */
export function jsonText (value: JsonValue, indent = '', margin = ''): string {
  if (typeof value === 'string') return quote(value)
  if (value === null || typeof value !== 'object') return String(value)
  const inner = margin + indent
  const parts = isList(value)
    ? value.map(item => jsonText(item, indent, inner))
    : Object.entries(value).flatMap(([key, item]) =>
      item === undefined ? [] : [`${quote(key)}:${indent === '' ? '' : ' '}${jsonText(item, indent, inner)}`])
  const [open, close] = isList(value) ? '[]' : '{}'
  if (parts.length === 0) return `${open}${close}`
  return indent === '' ? `${open}${parts.join(',')}${close}` : `${open}\n${inner}${parts.join(`,\n${inner}`)}\n${margin}${close}`
}

const isList = (value: JsonList | JsonObject): value is JsonList => Array.isArray(value)
