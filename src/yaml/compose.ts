// Tokens to a tree: the grammar of YAML 1.1 as libyaml's parser takes it, whose words the errors have, and go-yaml's way with
// documents (only the first one counts) and anchors.
import { maximumDepth } from './scanner.js'
import { syntaxError, YamlError } from './yaml-error.js'
import type { YamlAlias, YamlMapping, YamlNode, YamlPair, YamlScalar, YamlSequence } from './node.js'
import type { Scanner } from './scanner.js'
import type { YamlToken, TokenKind } from './token.js'
import type { Mark, YamlDialect } from './yaml-error.js'

/**
 * Values in one document, keys included. The largest configs known have some thousands; one of millions of nulls would become a
 * tree of structs many times its own size.
 */
const maximumNodes = 100_000

type Writable<T> = { -readonly [K in keyof T]: T[K] }
type Collection = 'blockSequence' | 'indentlessSequence' | 'blockMapping' | 'flowSequence' | 'flowMapping'

const coreSchema = 'tag:yaml.org,2002:'
const place = (mark: Mark): { line: number, column: number } => ({ line: mark.line + 1, column: mark.column + 1 })

/** The root of the first document, undefined when the text holds none. */
export function composeDocument (scanner: Scanner, dialect: YamlDialect): YamlNode | undefined {
  return new Composer(scanner, dialect).document()
}

class Composer {
  readonly #scanner: Scanner
  readonly #dialect: YamlDialect
  readonly #anchors = new Map<string, YamlNode>()
  readonly #aliases: Array<Writable<YamlAlias>> = []
  readonly #handles = new Map<string, string>([['!', '!'], ['!!', coreSchema]])
  #depth = 0
  #nodes = 0

  constructor (scanner: Scanner, dialect: YamlDialect) {
    this.#scanner = scanner
    this.#dialect = dialect
  }

  document (): YamlNode | undefined {
    if (this.#nextIs('streamEnd')) return undefined
    const root = this.#nextIs('versionDirective', 'tagDirective', 'documentStart') ? this.#explicitDocument() : this.#node(true, false)
    this.#documentEnd()
    if (this.#dialect === 'v2') for (const alias of this.#aliases) alias.target = this.#anchors.get(alias.name)
    return root
  }

  #nextIs (...kinds: readonly TokenKind[]): boolean { return kinds.includes(this.#scanner.peek().kind) }

  #error (text: string, problem: Mark, context?: Mark): YamlError {
    return syntaxError(this.#dialect, { stage: 'parser', text, problem, context })
  }

  #documentStart (): void {
    let version = false
    const own = new Set<string>()
    for (let token = this.#scanner.peek(); token.kind === 'versionDirective' || token.kind === 'tagDirective'; token = this.#scanner.peek()) {
      if (token.kind === 'versionDirective') {
        if (version) throw this.#error('found duplicate %YAML directive', token.start)
        if (token.major !== 1 || token.minor !== 1) throw this.#error('found incompatible YAML document', token.start)
        version = true
      } else {
        if (own.has(token.handle)) throw this.#error('found duplicate %TAG directive', token.start)
        own.add(token.handle)
        this.#handles.set(token.handle, token.prefix)
      }
      this.#scanner.next()
    }
    if (!this.#nextIs('documentStart')) throw this.#error('did not find expected <document start>', this.#scanner.peek().start)
    this.#scanner.next()
  }

  #explicitDocument (): YamlNode {
    this.#documentStart()
    const absent = ['versionDirective', 'tagDirective', 'documentStart', 'documentEnd', 'streamEnd'] as const
    return this.#nodeUnless(absent, this.#scanner.peek().start, true, false)
  }

  // v2 asks for the event after the document too, and so sees when what follows is not another document.
  #documentEnd (): void {
    this.#scanner.peek()
    if (this.#dialect === 'v3') return
    while (this.#nextIs('documentEnd')) this.#scanner.next()
    if (!this.#nextIs('streamEnd')) this.#documentStart()
  }

  #node (block: boolean, indentless: boolean): YamlNode {
    if (++this.#depth > maximumDepth) {
      throw this.#error(`exceeded max depth of ${maximumDepth}`, this.#scanner.peek().start)
    }
    this.#count(this.#scanner.peek().start)
    const node = this.#parseNode(block, indentless)
    this.#depth--
    return node
  }

  #parseNode (block: boolean, indentless: boolean): YamlNode {
    const first = this.#scanner.peek()
    if (first.kind === 'alias') {
      this.#scanner.next()
      return this.#alias(first.name, first.start)
    }
    const { anchor, tag, end } = this.#properties()
    const tagged = tag !== undefined
    const token = this.#scanner.peek()
    const shared = { tag: tag ?? '', ...place(first.start) }
    const collection = this.#collectionOf(token, block, indentless)
    if (collection !== undefined) return this.#collection(collection, shared, anchor)
    let node: YamlScalar
    if (token.kind === 'scalar') {
      this.#scanner.next()
      const { style, value, indent } = token
      node = { kind: 'scalar', ...shared, style, value, ...indent !== undefined && { indent } }
    } else if (anchor !== undefined || tagged) {
      node = { ...this.#empty(end), ...shared }
    } else {
      throw this.#error('did not find expected node content', token.start, first.start)
    }
    if (anchor !== undefined) this.#anchors.set(anchor, node)
    return node
  }

  #properties (): { anchor: string | undefined, tag: string | undefined, end: Mark } {
    const start = this.#scanner.peek().start
    let anchor: string | undefined
    let tag: string | undefined
    let end = start
    for (let token = this.#scanner.peek(); ; token = this.#scanner.peek()) {
      if (token.kind === 'anchor' && anchor === undefined) {
        anchor = token.name
      } else if (token.kind === 'tag' && tag === undefined) {
        const prefix = token.handle === '' ? '' : this.#handles.get(token.handle)
        if (prefix === undefined) throw this.#error('found undefined tag handle', token.start, start)
        tag = prefix + token.suffix
      } else {
        return { anchor, tag, end }
      }
      end = token.end
      this.#scanner.next()
    }
  }

  #collectionOf (token: YamlToken, block: boolean, indentless: boolean): Collection | undefined {
    if (indentless && token.kind === 'blockEntry') return 'indentlessSequence'
    if (token.kind === 'flowSequence' || token.kind === 'flowMapping') return token.kind
    if (block && (token.kind === 'blockSequence' || token.kind === 'blockMapping')) return token.kind
    return undefined
  }

  #collection (kind: Collection, shared: { tag: string, line: number, column: number }, anchor: string | undefined): YamlNode {
    if (kind === 'blockMapping' || kind === 'flowMapping') {
      const node: Writable<YamlMapping> = { kind: 'mapping', ...shared, pairs: [] }
      if (anchor !== undefined) this.#anchors.set(anchor, node)
      node.pairs = kind === 'blockMapping' ? this.#blockMapping() : this.#flowMapping()
      return node
    }
    const node: Writable<YamlSequence> = { kind: 'sequence', ...shared, items: [] }
    if (anchor !== undefined) this.#anchors.set(anchor, node)
    node.items = kind === 'flowSequence' ? this.#flowSequence() : this.#blockSequence(kind === 'indentlessSequence')
    return node
  }

  #alias (name: string, mark: Mark): YamlAlias {
    const node: Writable<YamlAlias> = { kind: 'alias', name, target: undefined, ...place(mark) }
    if (this.#dialect === 'v3') {
      node.target = this.#anchors.get(name)
      if (node.target === undefined) throw new YamlError(`yaml: unknown anchor '${name}' referenced`, node)
    } else {
      this.#aliases.push(node)
    }
    return node
  }

  #empty (mark: Mark): YamlScalar {
    this.#count(mark)
    return { kind: 'scalar', tag: '', style: 'plain', value: '', ...place(mark) }
  }

  #count (mark: Mark): void {
    if (++this.#nodes > maximumNodes) throw new YamlError(`yaml: the document has more than ${maximumNodes} values`, place(mark))
  }

  /** The node that follows, or an empty one at `mark` when what follows is one of `absent`. */
  #nodeUnless (absent: readonly TokenKind[], mark: Mark, block: boolean, indentless: boolean): YamlNode {
    return this.#nextIs(...absent) ? this.#empty(mark) : this.#node(block, indentless)
  }

  #blockSequence (indentless: boolean): YamlNode[] {
    const items: YamlNode[] = []
    const context = this.#scanner.peek().start
    if (!indentless) this.#scanner.next()
    while (this.#nextIs('blockEntry')) {
      const { end } = this.#scanner.next()
      items.push(this.#nodeUnless(indentless ? ['blockEntry', 'key', 'value', 'blockEnd'] : ['blockEntry', 'blockEnd'], end, true, false))
    }
    if (indentless) return items
    if (!this.#nextIs('blockEnd')) throw this.#error("did not find expected '-' indicator", this.#scanner.peek().start, context)
    this.#scanner.next()
    return items
  }

  #blockMapping (): YamlPair[] {
    const pairs: YamlPair[] = []
    const context = this.#scanner.next().start
    while (this.#nextIs('key')) {
      const { end } = this.#scanner.next()
      const key = this.#nodeUnless(['key', 'value', 'blockEnd'], end, true, true)
      pairs.push({ key, value: this.#blockMappingValue() })
    }
    if (!this.#nextIs('blockEnd')) throw this.#error('did not find expected key', this.#scanner.peek().start, context)
    this.#scanner.next()
    return pairs
  }

  #blockMappingValue (): YamlNode {
    const token = this.#scanner.peek()
    if (token.kind !== 'value') return this.#empty(token.start)
    this.#scanner.next()
    return this.#nodeUnless(['key', 'value', 'blockEnd'], token.end, true, true)
  }

  #flowSequence (): YamlNode[] {
    const items: YamlNode[] = []
    const context = this.#scanner.next().start
    while (this.#flowGoesOn('flowSequenceEnd', items.length > 0, "did not find expected ',' or ']'", context)) {
      items.push(this.#nextIs('key') ? this.#flowPair() : this.#node(false, false))
    }
    return items
  }

  /** `[a: b]` is a list of one mapping. */
  #flowPair (): YamlMapping {
    const start = this.#scanner.next()
    let key: YamlNode
    if (this.#nextIs('value', 'flowEntry', 'flowSequenceEnd')) {
      // libyaml swallows the token here, so that `[? : a]` is an error there as here.
      key = this.#empty(this.#scanner.next().end)
    } else {
      key = this.#node(false, false)
    }
    const next = this.#scanner.peek()
    let value: YamlNode = this.#empty(next.start)
    if (next.kind === 'value') {
      this.#scanner.next()
      value = this.#nodeUnless(['flowEntry', 'flowSequenceEnd'], this.#scanner.peek().start, false, false)
    }
    return { kind: 'mapping', tag: '', ...place(start.start), pairs: [{ key, value }] }
  }

  #flowMapping (): YamlPair[] {
    const pairs: YamlPair[] = []
    const context = this.#scanner.next().start
    while (this.#flowGoesOn('flowMappingEnd', pairs.length > 0, "did not find expected ',' or '}'", context)) {
      if (!this.#nextIs('key')) {
        pairs.push({ key: this.#node(false, false), value: this.#empty(this.#scanner.peek().start) })
        continue
      }
      this.#scanner.next()
      const key = this.#nodeUnless(['value', 'flowEntry', 'flowMappingEnd'], this.#scanner.peek().start, false, false)
      let value: YamlNode = this.#empty(this.#scanner.peek().start)
      if (this.#nextIs('value')) {
        this.#scanner.next()
        value = this.#nodeUnless(['flowEntry', 'flowMappingEnd'], this.#scanner.peek().start, false, false)
      }
      pairs.push({ key, value })
    }
    return pairs
  }

  /** Whether another entry comes; takes the comma before it, or the closing bracket. */
  #flowGoesOn (closing: TokenKind, notFirst: boolean, expected: string, context: Mark): boolean {
    if (!this.#nextIs(closing)) {
      if (!notFirst) return true
      if (!this.#nextIs('flowEntry')) throw this.#error(expected, this.#scanner.peek().start, context)
      this.#scanner.next()
      if (!this.#nextIs(closing)) return true
    }
    this.#scanner.next()
    return false
  }
}
