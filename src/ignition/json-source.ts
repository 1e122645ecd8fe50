// JSON text to the same tree that YAML becomes, so that configs which come ready, or inside another config, are decoded, checked and
// shown with their places like all others. What is no JSON is refused in the words of Go's encoding/json, which people search for.
import { joined } from '../go/string.js'
import type { ScalarStyle } from '../yaml/token.js'
import type { YamlNode, YamlPair, YamlScalar } from '../yaml/node.js'

/** Lines and columns from 1, in characters. */
export interface JsonFault { readonly problem: string, readonly line: number, readonly column: number }
export type JsonSource = { readonly root: YamlNode } | JsonFault

/** Go allows ten times as many; no config needs them. */
const maximumDepth = 1000

/** A tree, or where the text stops being JSON. Never throws for what stands in the text. */
export const readJson = (text: string): JsonSource => {
  const reader = new JsonReader(text)
  try {
    return { root: reader.document() }
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    return { problem: error.message, ...reader.place() }
  }
}

class Fault extends Error {}

const space = /[ \t\n\r]*/y
const number = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?/y
const plainText = /[^"\\\x00-\x1f]*/y // eslint-disable-line no-control-regex
const words = ['true', 'false', 'null'] as const
const escapes: Readonly<Record<string, string>> = { '"': '"', '\\': '\\', '/': '/', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' }

interface Place { readonly line: number, readonly column: number }

class JsonReader {
  readonly #text: string
  #at = 0
  /** The place of an offset not after `#at`, from which places are counted on: a file may be one long line. */
  #known = { at: 0, line: 1, column: 1 }

  constructor (text: string) { this.#text = text }

  document (): YamlNode {
    if (this.#text.startsWith('\ufeff')) throw new Fault('the text begins with a byte order mark, which has no place in JSON')
    const root = this.#value(0)
    this.#skip(space)
    if (this.#at < this.#text.length) this.#fail('after top-level value')
    return root
  }

  place (): Place {
    let { at, line, column } = this.#known
    for (; at < this.#at; at++) {
      const code = this.#text.charCodeAt(at)
      if (code === 10) [line, column] = [line + 1, 1]
      else if (code < 0xdc00 || code > 0xdfff) column++
    }
    this.#known = { at, line, column }
    return { line, column }
  }

  #fail (what: string): never {
    const found = this.#text.codePointAt(this.#at)
    if (found === undefined) throw new Fault('unexpected end of JSON input')
    const char = String.fromCodePoint(found)
    const shown = char === "'" ? "'\\''" : char === '"' ? "'\"'" : `'${JSON.stringify(char).slice(1, -1)}'`
    throw new Fault(`invalid character ${shown} ${what}`)
  }

  #value (depth: number): YamlNode {
    this.#skip(space)
    const place = this.place()
    const char = this.#text[this.#at]
    if (char === '"') return this.#scalar(this.#string(), 'double', place)
    if (char === '{' || char === '[') {
      if (depth === maximumDepth) throw new Fault('exceeded max depth')
      this.#at++
      // What is said of an object or a list stands just inside of it, as with Ignition.
      const inside = this.place()
      return char === '{'
        ? { kind: 'mapping', tag: '', pairs: this.#members(depth + 1), ...inside }
        : { kind: 'sequence', tag: '', items: this.#items(depth + 1), ...inside }
    }
    const word = words.find(one => this.#text.startsWith(one, this.#at))
    if (word !== undefined) {
      this.#at += word.length
      return this.#scalar(word, 'plain', place)
    }
    const digits = this.#skip(number)
    if (digits === '') this.#fail('looking for beginning of value')
    return this.#scalar(digits, 'plain', place)
  }

  #scalar (value: string, style: ScalarStyle, place: Place): YamlScalar { return { kind: 'scalar', tag: '', style, value, ...place } }

  #members (depth: number): readonly YamlPair[] {
    const pairs: YamlPair[] = []
    if (this.#take('}')) return pairs
    for (;;) {
      this.#skip(space)
      if (this.#text[this.#at] !== '"') this.#fail('looking for beginning of object key string')
      const place = this.place()
      const key = this.#scalar(this.#string(), 'double', place)
      if (!this.#take(':')) this.#fail('after object key')
      pairs.push({ key, value: this.#value(depth) })
      if (this.#take('}')) return pairs
      if (!this.#take(',')) this.#fail('after object key:value pair')
    }
  }

  #items (depth: number): readonly YamlNode[] {
    const items: YamlNode[] = []
    if (this.#take(']')) return items
    for (;;) {
      items.push(this.#value(depth))
      if (this.#take(']')) return items
      if (!this.#take(',')) this.#fail('after array element')
    }
  }

  #string (): string {
    this.#at++
    let text = ''
    for (;;) {
      text += this.#skip(plainText)
      const char = this.#text[this.#at]
      if (char !== '"' && char !== '\\') this.#fail('in string literal')
      this.#at++
      if (char === '"') return joined(text)
      const letter = this.#text[this.#at] ?? ''
      const plain = escapes[letter]
      if (plain === undefined && letter !== 'u') this.#fail('in string escape code')
      this.#at++
      text += plain ?? this.#hexadecimal()
    }
  }

  #hexadecimal (): string {
    const digits = /^[0-9a-fA-F]{0,4}/.exec(this.#text.slice(this.#at, this.#at + 4))?.[0] ?? ''
    this.#at += digits.length
    if (digits.length < 4) this.#fail('in \\u hexadecimal character escape')
    return String.fromCharCode(Number.parseInt(digits, 16))
  }

  #take (char: string): boolean {
    this.#skip(space)
    if (this.#text[this.#at] !== char) return false
    this.#at++
    return true
  }

  #skip (pattern: RegExp): string {
    pattern.lastIndex = this.#at
    const found = pattern.exec(this.#text)?.[0] ?? ''
    this.#at += found.length
    return found
  }
}
