// JSON and HashiCorp's HCL, read leniently on purpose and with the place of every value: cluster-builder's terraform.tfvars is
// JSON that lacks a comma, pxe_coreos' sample has one too many, Kea's configuration has comments, Python prints True. What had
// to be mended is told; what cannot be guessed is refused.
import type { Place, ListRemark } from './host-list.js'
import { quoted } from './facts.js'
import { listError, type SourceText } from './source-text.js'

interface At { readonly at: Place }
export type ObjectValue = At & (
  | { readonly kind: 'string', readonly value: string }
  | { readonly kind: 'number', readonly value: number }
  | { readonly kind: 'boolean', readonly value: boolean }
  | { readonly kind: 'null' }
  /** A reference or a call of HCL, as it was written. */
  | { readonly kind: 'word', readonly value: string }
  | { readonly kind: 'list', readonly items: readonly ObjectValue[] }
  | { readonly kind: 'object', readonly members: readonly Member[] }
)

export interface Member extends At {
  readonly key: string
  /** Of a block of HCL: `resource "matchbox_group" "core"` has two. */
  readonly labels: readonly string[]
  readonly value: ObjectValue
}

export interface ObjectDocument {
  readonly value: ObjectValue
  readonly remarks: readonly ListRemark[]
  /** Kea's `<?include "file"?>`. */
  readonly includes: ReadonlyArray<{ readonly at: Place, readonly path: string }>
}

/** Values inside one another. */
const mostDeep = 64

const blanks = /[ \t]+/y
const lineComment = /(?:#|\/\/)[^\n]*/y
const number = /-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/y
const word = /[A-Za-z_][\w.-]*(?:\[[\w"*.]*\][\w.-]*)*/y
// eslint-disable-next-line no-control-regex
const plainText = /[^"\\\u0000-\u0008\u000a-\u001f]*/y
const escapes: Readonly<Record<string, string>> = { '"': '"', '\\': '\\', '/': '/', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' }
const words = new Map<string, boolean | null>([['true', true], ['false', false], ['null', null], ['True', true], ['False', false], ['None', null]])

/** Throws AppError list_invalid with the place of what cannot be read. */
export function readObjects (source: SourceText): ObjectDocument {
  return new Parser(source).document()
}

class Parser {
  readonly #source: SourceText
  readonly #text: string
  readonly #remarks: ListRemark[] = []
  readonly #includes: Array<{ at: Place, path: string }> = []
  #at = 0

  constructor (source: SourceText) {
    this.#source = source
    this.#text = source.text
  }

  document (): ObjectDocument {
    this.#skip()
    const open = this.#peek()
    const value = open === '{' || open === '[' ? this.#value(0) : this.#body('', 0)
    this.#skip()
    // A comma behind the last value is what a fragment that is included may end with.
    if (this.#peek() === ',') {
      this.#at++
      this.#skip()
    }
    if (this.#at < this.#text.length) this.#fail(`something follows the end: ${quoted(this.#rest())}`)
    return { value, remarks: this.#remarks, includes: this.#includes }
  }

  #value (depth: number): ObjectValue {
    const start = this.#at
    const at = this.#place(start)
    const c = this.#peek()
    if (depth > mostDeep) this.#fail(`more than ${mostDeep} values inside one another`)
    if (c === '{') {
      this.#at++
      return this.#body('}', depth + 1, at)
    }
    if (c === '[') {
      this.#at++
      return { kind: 'list', at, items: this.#list(depth + 1) }
    }
    if (c === '"') return { kind: 'string', at, value: this.#string() }
    if (this.#text.startsWith('<<', this.#at)) return { kind: 'string', at, value: this.#heredoc() }
    if (this.#text.startsWith('<?include', this.#at)) return this.#include(at)
    const digits = this.#take(number)
    if (digits !== '') return { kind: 'number', at, value: Number(digits) }
    const name = this.#take(word)
    if (name === '') this.#fail(c === undefined ? 'the file ends too early: a value was expected' : `a value was expected, not ${quoted(this.#rest())}`)
    const known = words.get(name)
    if (known === undefined) {
      if (this.#peek() === '(') this.#call()
      return { kind: 'word', at, value: this.#text.slice(start, this.#at) }
    }
    if (/^[A-Z]/.test(name)) this.#remark(at, `${name} is Python's: read as ${String(known)}`)
    return known === null ? { kind: 'null', at } : { kind: 'boolean', at, value: known }
  }

  /** Pairs up to `close`, '' for the end of the file. */
  #body (close: '' | '}', depth: number, at: Place = this.#place()): ObjectValue {
    const members: Member[] = []
    for (let separated = true; ; separated = this.#separator(close)) {
      this.#skip()
      if (this.#closed(close)) return { kind: 'object', at, members }
      if (!separated) this.#remark(this.#place(), 'a comma is missing before this: read as if it were there')
      members.push(this.#member(depth))
    }
  }

  #member (depth: number): Member {
    const at = this.#place()
    if (this.#text.startsWith('<?include', this.#at)) return { key: '', labels: [], at, value: this.#include(at) }
    const key = this.#key()
    const labels: string[] = []
    this.#skip(false)
    while (this.#peek() === '"' && labels.length < 8) {
      labels.push(this.#string())
      this.#skip(false)
    }
    const c = this.#peek()
    if ((c === ':' || c === '=') && labels.length === 0) this.#at++
    else if (c !== '{') this.#fail(`":" or "=" was expected after ${quoted(key)}, not ${c === undefined ? 'the end of the file' : quoted(this.#rest())}`)
    this.#skip()
    return { key, labels, at, value: this.#value(depth) }
  }

  #key (): string {
    if (this.#peek() === '"') return this.#string()
    const key = this.#take(word)
    if (key === '') this.#fail(`a key was expected, not ${quoted(this.#rest())}`)
    return key
  }

  #list (depth: number): ObjectValue[] {
    const items: ObjectValue[] = []
    for (let separated = true; ; separated = this.#separator(']')) {
      this.#skip()
      if (this.#closed(']')) return items
      if (!separated) this.#remark(this.#place(), 'a comma is missing before this: read as if it were there')
      items.push(this.#value(depth))
    }
  }

  /** What stands between two members: true for a comma, or a new line in HCL; false for a new line where JSON has a comma. */
  #separator (close: '' | '}' | ']'): boolean {
    const before = this.#at
    this.#skip()
    if (this.#peek() === ',') {
      const comma = this.#place()
      this.#at++
      this.#skip()
      if (close !== '' && this.#peek() === close) this.#trailing(comma, close)
      return true
    }
    if (this.#peek() === close || this.#peek() === undefined) return true
    if (!this.#text.slice(before, this.#at).includes('\n')) this.#fail(`"," or ${close === '' ? 'a new line' : JSON.stringify(close)} was expected, not ${quoted(this.#rest())}`)
    // With "=" or a block, a new line is all there is to be.
    return close !== ']' && this.#isHcl()
  }

  #trailing (comma: Place, close: string): void {
    // Lists of HCL may end so.
    if (close === '}') this.#remark(comma, 'a comma stands before the end of an object: passed over')
  }

  /** Whether the member that begins here is one of HCL: a bare key. */
  #isHcl (): boolean { return this.#peek() !== '"' || this.#hclKey() }

  #hclKey (): boolean {
    const match = /"[^"\n]*"[ \t]*(.)/y
    match.lastIndex = this.#at
    return match.exec(this.#text)?.[1] === '='
  }

  #closed (close: '' | '}' | ']'): boolean {
    const c = this.#peek()
    if (close === '') return c === undefined
    if (c === undefined) this.#fail(`the file ends too early: ${JSON.stringify(close)} is missing`)
    if (c !== close) return false
    this.#at++
    return true
  }

  #string (): string {
    const start = this.#at++
    let value = ''
    for (;;) {
      value += this.#take(plainText)
      const c = this.#peek()
      if (c === '"') break
      if (c !== '\\') {
        this.#at = start
        this.#fail('a string that is not ended on its line')
      }
      const letter = this.#text[this.#at + 1] ?? ''
      const hex = /^u([0-9a-fA-F]{4})/.exec(this.#text.slice(this.#at + 1, this.#at + 6))?.[1]
      if (hex === undefined && !Object.hasOwn(escapes, letter)) this.#fail(`an escape that is none: ${quoted(`\\${letter}`)}`)
      value += hex === undefined ? escapes[letter] ?? '' : String.fromCharCode(parseInt(hex, 16))
      this.#at += hex === undefined ? 2 : 6
    }
    this.#at++
    return value
  }

  #heredoc (): string {
    const head = /<<(-?)([A-Za-z_]\w*)[ \t]*\n/y
    head.lastIndex = this.#at
    const [all = '', indented = '', mark = ''] = head.exec(this.#text) ?? []
    if (all === '') this.#fail(`a value was expected, not ${quoted(this.#rest())}`)
    const lines: string[] = []
    for (let at = this.#at + all.length; ;) {
      const end = this.#text.indexOf('\n', at)
      const line = this.#text.slice(at, end < 0 ? undefined : end)
      if ((indented === '' ? line : line.trim()) === mark) {
        this.#at = at + line.length
        return lines.map(text => `${text}\n`).join('')
      }
      if (end < 0) this.#fail(`the text that begins here is not ended by a line ${mark}`)
      lines.push(line)
      at = end + 1
    }
  }

  #include (at: Place): ObjectValue {
    const match = /<\?include[ \t]+"([^"\n]+)"[ \t]*\?>/y
    match.lastIndex = this.#at
    const [all = '', path = ''] = match.exec(this.#text) ?? []
    if (all === '') this.#fail('<?include "file"?> was expected')
    this.#at += all.length
    this.#includes.push({ at, path })
    return { kind: 'null', at }
  }

  /** The arguments of a function of HCL. */
  #call (): void {
    const start = this.#at
    let open = 0
    do {
      const c = this.#peek()
      if (c === undefined) {
        this.#at = start
        this.#fail('a call that is not ended')
      }
      if (c === '"') this.#string()
      else {
        if (c === '(') open++
        else if (c === ')') open--
        this.#at++
      }
    } while (open > 0)
  }

  #peek (): string | undefined { return this.#text[this.#at] }
  #rest (): string { return this.#text.slice(this.#at, this.#at + 200).split('\n')[0] ?? '' }
  #place (at = this.#at): Place { return this.#source.at(at) }
  #remark (at: Place, text: string): void { this.#remarks.push({ at, text }) }
  #fail (text: string): never { throw listError(this.#place(), text) }

  #take (pattern: RegExp): string {
    pattern.lastIndex = this.#at
    const found = pattern.exec(this.#text)?.[0] ?? ''
    this.#at += found.length
    return found
  }

  /** Past blanks and comments; new lines too, unless they end a pair. */
  #skip (lines = true): void {
    for (;;) {
      const before = this.#at
      this.#take(blanks)
      if (this.#text.startsWith('/*', this.#at)) {
        const end = this.#text.indexOf('*/', this.#at + 2)
        if (end < 0) this.#fail('a comment that is not ended')
        this.#at = end + 2
      } else this.#take(lineComment)
      if (lines && this.#peek() === '\n') this.#at++
      if (this.#at === before) return
    }
  }
}

/** The last of a name, as JSON readers take it. */
export const memberOf = (value: ObjectValue | undefined, key: string): ObjectValue | undefined =>
  value?.kind === 'object' ? value.members.findLast(member => member.key === key)?.value : undefined

export const itemsOf = (value: ObjectValue | undefined): readonly ObjectValue[] => value?.kind === 'list' ? value.items : []

/** A text of its place; undefined for none, for null and for ''. Throws AppError list_invalid for another kind of value. */
export function textOf (value: ObjectValue | undefined, what: string): { readonly value: string, readonly at: Place } | undefined {
  if (value === undefined || value.kind === 'null') return undefined
  if (value.kind === 'number') return { value: String(value.value), at: value.at }
  if (value.kind !== 'string') throw listError(value.at, `${what}: expected text, not ${value.kind === 'word' ? quoted(value.value) : `a ${value.kind}`}`)
  return value.value === '' ? undefined : value
}
