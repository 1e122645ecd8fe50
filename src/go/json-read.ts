// JSON text as Go's encoding/json reads it (RFC 8259, but for a byte order mark, which is refused), and refused in its words, which
// people search for. What becomes of the parts is up to whoever reads.
import type { TextPosition } from '../base/positions.js'
import { printable } from './string.js'

/** Text that is not JSON; `line` and `column` count from 1, columns in characters. */
export class JsonError extends Error {
  override readonly name = 'JsonError'
  /** The message without its place. */
  readonly problem: string
  readonly line: number
  readonly column: number

  constructor (problem: string, { line, column }: TextPosition) {
    super(`${line}:${column}: ${problem}`)
    this.problem = problem
    this.line = line
    this.column = column
  }
}

/** What a document is made into. `At` stands for a place in it. */
export interface JsonBuilder<Node, Member, At> {
  /** The place of an offset; they come in order, the least first. */
  readonly at: (offset: number) => At
  readonly string: (text: string, at: At) => Node
  /** `digits` are as they were written. */
  readonly number: (digits: string, at: At) => Node
  readonly word: (word: 'true' | 'false' | 'null', at: At) => Node
  /** Of what stands in brackets the place is just behind the first of them. */
  readonly array: (items: readonly Node[], at: At) => Node
  readonly object: (members: readonly Member[], at: At) => Node
  readonly member: (key: string, at: At, value: Node) => Member
}

/** Gives the places of offsets that come in order: a file may be one long line. */
export function placesIn (text: string): (offset: number) => TextPosition {
  let [at, line, column] = [0, 1, 1]
  return offset => {
    for (; at < offset; at++) {
      const code = text.charCodeAt(at)
      if (code === 10) [line, column] = [line + 1, 1]
      // The second half of a pair, of which the first never stands alone in a Go string.
      else if (!isHigh(text.charCodeAt(at - 1))) column++
    }
    return { line, column }
  }
}

const isHigh = (code: number): boolean => code >= 0xd800 && code <= 0xdbff

/** Objects and arrays inside one another; Go allows ten times as many, which no configuration needs. */
export const maximumDepth = 1000

const number = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y
const hexDigits = /[0-9a-fA-F]{0,4}/y
const escapes: Readonly<Record<string, string>> = { '"': '"', '\\': '\\', '/': '/', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' }
const words = { n: 'null', t: 'true', f: 'false' } as const
const [quote, backslash, firstPlain] = [0x22, 0x5c, 0x20]

/** The document in a Go string, as `builder` makes it; throws JsonError. */
export const readJsonText = <Node, Member, At>(text: string, builder: JsonBuilder<Node, Member, At>): Node =>
  new Reader(text, builder).document()

class Reader<Node, Member, At> {
  readonly #text: string
  readonly #builder: JsonBuilder<Node, Member, At>
  #at = 0

  constructor (text: string, builder: JsonBuilder<Node, Member, At>) {
    this.#text = text
    this.#builder = builder
  }

  document (): Node {
    if (this.#text.startsWith('\ufeff')) throw this.#error('the text begins with a byte order mark, which has no place in JSON')
    const value = this.#value(0)
    this.#skipSpace()
    if (this.#at < this.#text.length) this.#refuse('after top-level value')
    return value
  }

  #value (depth: number): Node {
    this.#skipSpace()
    const builder = this.#builder
    const c = this.#text[this.#at]
    if (c === '{' || c === '[') {
      if (depth === maximumDepth) throw this.#error(`exceeded max depth of ${maximumDepth}`)
      this.#at++
      const inside = builder.at(this.#at)
      return c === '{' ? builder.object(this.#members(depth + 1), inside) : builder.array(this.#items(depth + 1), inside)
    }
    const at = builder.at(this.#at)
    if (c === '"') return builder.string(this.#string(), at)
    const word = words[c as keyof typeof words] as typeof words[keyof typeof words] | undefined
    if (word !== undefined && this.#text.startsWith(word, this.#at)) {
      this.#at += word.length
      return builder.word(word, at)
    }
    const digits = this.#skip(number)
    if (digits === '') this.#refuse('looking for beginning of value')
    return builder.number(digits, at)
  }

  #members (depth: number): readonly Member[] {
    const members: Member[] = []
    if (this.#take('}')) return members
    for (;;) {
      this.#skipSpace()
      if (this.#text[this.#at] !== '"') this.#refuse('looking for beginning of object key string')
      const at = this.#builder.at(this.#at)
      const key = this.#string()
      if (!this.#take(':')) this.#refuse('after object key')
      members.push(this.#builder.member(key, at, this.#value(depth)))
      if (this.#take('}')) return members
      if (!this.#take(',')) this.#refuse('after object key:value pair')
    }
  }

  #items (depth: number): readonly Node[] {
    const items: Node[] = []
    if (this.#take(']')) return items
    for (;;) {
      items.push(this.#value(depth))
      if (this.#take(']')) return items
      if (!this.#take(',')) this.#refuse('after array element')
    }
  }

  #string (): string {
    this.#at++
    let text = this.#plainText()
    for (;;) {
      const c = this.#text[this.#at]
      if (c !== '"' && c !== '\\') this.#refuse('in string literal')
      this.#at++
      if (c === '"') return printable(text)
      const letter = this.#text[this.#at] ?? ''
      const plain = escapes[letter]
      if (plain === undefined && letter !== 'u') this.#refuse('in string escape code')
      this.#at++
      text += (plain ?? this.#hexadecimal()) + this.#plainText()
    }
  }

  /** Control characters have to be escaped; everything else but quote and backslash stands for itself. */
  #plainText (): string {
    const start = this.#at
    let at = start
    for (; at < this.#text.length; at++) {
      const code = this.#text.charCodeAt(at)
      if (code === quote || code === backslash || code < firstPlain) break
    }
    this.#at = at
    return this.#text.slice(start, at)
  }

  #hexadecimal (): string {
    const digits = this.#skip(hexDigits)
    if (digits.length < 4) this.#refuse('in \\u hexadecimal character escape')
    return String.fromCharCode(Number.parseInt(digits, 16))
  }

  #take (c: string): boolean {
    this.#skipSpace()
    if (this.#text[this.#at] !== c) return false
    this.#at++
    return true
  }

  #skipSpace (): void {
    let at = this.#at
    for (; at < this.#text.length; at++) {
      const code = this.#text.charCodeAt(at)
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) break
    }
    this.#at = at
  }

  #skip (pattern: RegExp): string {
    pattern.lastIndex = this.#at
    const found = pattern.exec(this.#text)?.[0] ?? ''
    this.#at += found.length
    return found
  }

  #refuse (where: string): never {
    const found = this.#text.codePointAt(this.#at)
    if (found === undefined) throw this.#error('unexpected end of JSON input')
    const c = String.fromCodePoint(found)
    const shown = c === "'" ? "\\'" : c === '"' ? '"' : JSON.stringify(printable(c)).slice(1, -1)
    throw this.#error(`invalid character '${shown}' ${where}`)
  }

  #error (problem: string): JsonError { return new JsonError(problem, placesIn(this.#text)(this.#at)) }
}
