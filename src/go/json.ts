// JSON as Go's encoding/json reads and writes it, because the files of a data directory are shared with Matchbox: keys
// that repeat are seen in order, strings lose what is not Unicode to U+FFFD, and output escapes HTML's characters.
import { Buffer } from 'node:buffer'
import { compareStrings, printable } from './string.js'

/** A JSON object as it was read; of a key that repeated, the last value. */
export type JsonObject = ReadonlyMap<string, JsonValue>
/** A JSON object to be written, whose keys the program chose; one whose value is undefined is left out. */
export interface JsonRecord { readonly [key: string]: JsonWritable | undefined }
export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject
/** What can be written: also integers beyond a double's, and records. */
export type JsonWritable =
  | null | boolean | number | bigint | string | readonly JsonWritable[] | ReadonlyMap<string, JsonWritable> | JsonRecord

/** A JSON document as it was written: an object is the list of its members, repeated keys and all. */
export type JsonNode = null | boolean | number | string | readonly JsonNode[] | Members
export class Members {
  readonly list: ReadonlyArray<readonly [string, JsonNode]>
  constructor (list: ReadonlyArray<readonly [string, JsonNode]>) { this.list = list }
}

/** Text that is not JSON; `line` and `column` count from 1, columns in characters. */
export class JsonError extends Error {
  override readonly name = 'JsonError'
  readonly line: number
  readonly column: number

  constructor (message: string, line: number, column: number) {
    super(`${line}:${column}: ${message}`)
    this.line = line
    this.column = column
  }
}

/** Objects and arrays inside one another; Go allows ten times as many, which no configuration needs. */
const maxDepth = 1000

const space = /[ \t\r\n]*/y
const number = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y
// Control characters have to be escaped; everything else but quote and backslash stands for itself.
// eslint-disable-next-line no-control-regex
const plainText = /[^"\\\u0000-\u001f]*/y
const escapes: Readonly<Record<string, string>> = { '"': '"', '\\': '\\', '/': '/', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' }
const words: ReadonlyArray<readonly [string, null | boolean]> = [['null', null], ['true', true], ['false', false]]

class Parser {
  readonly #text: string
  #at = 0

  constructor (text: string) { this.#text = text }

  document (): JsonNode {
    if (this.#text.startsWith('\ufeff')) this.#fail('the document begins with a byte order mark, which has no place in JSON')
    const value = this.#value(0)
    this.#skip(space)
    if (this.#at < this.#text.length) this.#fail('there is something after the end of the document')
    return value
  }

  #value (depth: number): JsonNode {
    this.#skip(space)
    const c = this.#text[this.#at]
    if (c === '"') return this.#string()
    if (c === '{' || c === '[') {
      if (depth === maxDepth) this.#fail(`more than ${maxDepth} objects and arrays inside one another`)
      this.#at++
      return c === '{' ? this.#object(depth + 1) : this.#array(depth + 1)
    }
    for (const [word, value] of words) {
      if (this.#text.startsWith(word, this.#at)) {
        this.#at += word.length
        return value
      }
    }
    const digits = this.#skip(number)
    if (digits === '') this.#fail(c === undefined ? 'the document ends too early' : `a value was expected, not ${JSON.stringify(c)}`)
    const value = Number(digits)
    if (!Number.isFinite(value)) this.#fail('the number is too large')
    return value
  }

  #object (depth: number): Members {
    const list: Array<readonly [string, JsonNode]> = []
    if (this.#take('}')) return new Members(list)
    do {
      this.#skip(space)
      if (this.#text[this.#at] !== '"') this.#fail('a key in double quotes was expected')
      const key = this.#string()
      if (!this.#take(':')) this.#fail('a colon was expected after the key')
      list.push([key, this.#value(depth)])
    } while (this.#take(','))
    if (!this.#take('}')) this.#fail('a comma or the end of the object was expected')
    return new Members(list)
  }

  #array (depth: number): JsonNode[] {
    const list: JsonNode[] = []
    if (this.#take(']')) return list
    do list.push(this.#value(depth)); while (this.#take(','))
    if (!this.#take(']')) this.#fail('a comma or the end of the array was expected')
    return list
  }

  #string (): string {
    this.#at++
    let text = ''
    for (;;) {
      text += this.#skip(plainText)
      const c = this.#text[this.#at++]
      if (c === '"') return printable(text)
      if (c !== '\\') {
        this.#at--
        this.#fail(c === undefined ? 'the string does not end' : 'a control character in a string has to be escaped')
      }
      const letter = this.#text[this.#at++] ?? ''
      const plain = escapes[letter]
      if (plain !== undefined) {
        text += plain
      } else {
        const hex = this.#text.slice(this.#at, this.#at + 4)
        if (letter !== 'u' || !/^[0-9a-fA-F]{4}$/.test(hex)) {
          this.#at -= 2
          this.#fail('no such escape in a string')
        }
        text += String.fromCharCode(Number.parseInt(hex, 16))
        this.#at += 4
      }
    }
  }

  #take (c: string): boolean {
    this.#skip(space)
    if (this.#text[this.#at] !== c) return false
    this.#at++
    return true
  }

  #skip (pattern: RegExp): string {
    pattern.lastIndex = this.#at
    const found = pattern.exec(this.#text)?.[0] ?? ''
    this.#at += found.length
    return found
  }

  #fail (message: string): never {
    const before = this.#text.slice(0, this.#at).split('\n')
    throw new JsonError(message, before.length, before[before.length - 1]!.length + 1)
  }
}

/** The document in `bytes`; throws JsonError. A byte order mark is refused, as Go does. */
export const parseJson = (bytes: Buffer): JsonNode => new Parser(bytes.toString('utf8')).document()

/** The value of a document once its order and repetitions no longer matter. */
export function valueOf (node: JsonNode): JsonValue {
  if (node instanceof Members) return new Map(node.list.map(([key, value]) => [key, valueOf(value)]))
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
