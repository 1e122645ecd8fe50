// JSON as Go's encoding/json reads and writes it, because the files of a data directory are shared with Matchbox: keys
// that repeat are seen in order, strings lose what is not Unicode to U+FFFD, and output escapes HTML's characters.
import { type JsonBuilder, JsonError, placesIn, readJsonText } from './json-read.js'
import { compareStrings, goString, printable } from './string.js'

/** A JSON object as it was read; of a key that repeated, the last value. */
export type JsonObject = ReadonlyMap<string, JsonValue>
/** A JSON object to be written, whose keys the program chose; one whose value is undefined is left out. */
export interface JsonRecord { readonly [key: string]: JsonWritable | undefined }
export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject
/** What can be written: also integers beyond a double's, and records. */
export type JsonWritable =
  | null | boolean | number | bigint | string | readonly JsonWritable[] | ReadonlyMap<string, JsonWritable> | JsonRecord

/** A JSON document as it was written: an object is the list of its members, repeated keys and all. */
export type JsonNode = null | boolean | number | string | readonly JsonNode[] | JsonMembers
export class JsonMembers {
  readonly list: ReadonlyArray<readonly [string, JsonNode]>
  constructor (list: ReadonlyArray<readonly [string, JsonNode]>) { this.list = list }
}

/** The document in `bytes`; throws JsonError. */
export function parseJson (bytes: Uint8Array): JsonNode {
  const text = goString(bytes)
  return readJsonText(text, nodesOf(text))
}

const values = { null: null, true: true, false: false } as const

const nodesOf = (source: string): JsonBuilder<JsonNode, readonly [string, JsonNode], number> => ({
  at: offset => offset,
  string: text => text,
  number: (digits, at) => {
    const value = Number(digits)
    if (!Number.isFinite(value)) throw new JsonError(`the number ${digits} is too large`, placesIn(source)(at))
    return value
  },
  word: word => values[word],
  array: items => items,
  object: members => new JsonMembers(members),
  member: (key, _, value) => [key, value]
})

/** The value of a document once its order and repetitions no longer matter. */
export function valueOf (node: JsonNode): JsonValue {
  if (node instanceof JsonMembers) return new Map(node.list.map(([key, value]) => [key, valueOf(value)]))
  return isArray(node) ? node.map(valueOf) : node
}

const isArray = (node: unknown): node is readonly JsonNode[] => Array.isArray(node)
const isList = <T>(value: T | readonly T[]): value is readonly T[] => Array.isArray(value)

const escaped: Readonly<Record<string, string>> = { '"': '\\"', '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' }
// eslint-disable-next-line no-control-regex
const toEscape = /["\\<>&\u0000-\u001f\u2028\u2029]/g

const quote = (text: string): string =>
  `"${printable(text).replace(toEscape, c => escaped[c] ?? `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)}"`

/**
 * As json.Marshal writes a value, or json.MarshalIndent with one level indented by `indent`: integers of any size exact, `<` `>`
 * `&` U+2028 and U+2029 escaped in strings, bytes that are not UTF-8 as U+FFFD. Members stay in the order they have.
 */
export const jsonText = (value: JsonWritable, indent = ''): string => write(value, indent, indent === '' ? '' : '\n')

function write (value: JsonWritable, indent: string, newLine: string): string {
  if (typeof value === 'string') return quote(value)
  if (typeof value === 'number') return Object.is(value, -0) ? '-0' : String(value)
  if (value === null || typeof value !== 'object') return String(value)
  const inner = newLine + indent
  if (isList(value)) return value.length === 0 ? '[]' : `[${value.map(item => inner + write(item, indent, inner)).join(',')}${newLine}]`
  const members: string[] = []
  for (const [key, item] of value instanceof Map ? value as ReadonlyMap<string, JsonWritable> : Object.entries(value as JsonRecord)) {
    if (item !== undefined) members.push(`${inner}${quote(key)}:${indent === '' ? '' : ' '}${write(item, indent, inner)}`)
  }
  return members.length === 0 ? '{}' : `{${members.join(',')}${newLine}}`
}

/** A copy whose objects have their keys in order, as Go writes the keys of a map. */
export function sorted (value: JsonValue): JsonValue {
  if (value === null || typeof value !== 'object') return value
  if (isList(value)) return value.map(sorted)
  return new Map([...value].sort(([a], [b]) => compareStrings(a, b)).map(([key, v]) => [key, sorted(v)]))
}
