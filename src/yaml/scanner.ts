// Characters to tokens, as libyaml divides the work: indentation becomes blockSequence, blockMapping and blockEnd tokens, and
// what turns out to have been a key when its colon comes ("simple key", YAML 1.1 section 9.1.3: one line, at most 1024
// characters) gets its key token in front afterwards. So a token is handed out only when no key can come before it any more.
import { Cursor } from './cursor.js'
import { scanBlockScalar, scanPlain, scanQuoted } from './scan-scalar.js'
import { scanAnchor, scanDirective, scanTag } from './scan-tag.js'
import type { YamlToken, TokenKind } from './token.js'
import type { Mark } from './yaml-error.js'

interface SimpleKey { readonly token: number, readonly required: boolean, readonly mark: Mark }

type BareKind = Exclude<TokenKind, 'alias' | 'anchor' | 'tag' | 'scalar' | 'versionDirective' | 'tagDirective'>

const simpleKeyLength = 1024

/** Levels of indentation or brackets; go-yaml stops at 10,000, no config comes near this. */
export const maximumDepth = 1000

export class Scanner {
  readonly #cursor: Cursor
  // Tokens that wait, from #head on; #taken tokens were handed out before.
  #tokens: YamlToken[] = []
  #head = 0
  #taken = 0
  #indent = -1
  readonly #indents: number[] = []
  // The candidate of each flow level, the block context first.
  readonly #keys: Array<SimpleKey | undefined> = [undefined]
  // The lowest level that may hold a candidate: those below are on earlier lines and settled.
  #oldestKey = 0
  #keyAllowed = true
  #ended = false
  // yaml.v3 looks two tokens ahead to place comments, and so meets errors earlier.
  readonly #lookahead: number

  constructor (cursor: Cursor) {
    this.#cursor = cursor
    this.#lookahead = cursor.dialect === 'v3' ? 2 : 0
  }

  /** The next token, which stays next. After streamEnd nothing more comes. */
  peek (): YamlToken {
    while (!this.#ended && this.#mustFetch()) this.#fetch()
    const token = this.#tokens[this.#head]
    if (token === undefined) throw new RangeError('no token after the end of the stream')
    return token
  }

  next (): YamlToken {
    const token = this.peek()
    this.#head++
    this.#taken++
    if (this.#head > 4096) {
      this.#tokens = this.#tokens.slice(this.#head)
      this.#head = 0
    }
    return token
  }

  #mustFetch (): boolean {
    if (this.#tokens.length - this.#head <= this.#lookahead) return true
    this.#dropStaleKeys()
    // Token numbers rise with the level, so the oldest candidate is the only one that can be next.
    return this.#keys[this.#oldestKey]?.token === this.#taken
  }

  get #inFlow (): boolean { return this.#keys.length > 1 }

  #fetch (): void {
    const cursor = this.#cursor
    this.#skipToToken()
    this.#dropStaleKeys()
    this.#unrollIndent(cursor.column)
    if (cursor.isEnd()) return this.#fetchEnd()
    if (cursor.column === 0 && cursor.is('%')) {
      this.#leaveBlocks()
      this.#add(scanDirective(cursor))
      return
    }
    if (cursor.isDocumentIndicator('-')) return this.#fetchDocumentIndicator('documentStart')
    if (cursor.isDocumentIndicator('.')) return this.#fetchDocumentIndicator('documentEnd')
    if (cursor.is('[')) return this.#openFlow('flowSequence')
    if (cursor.is('{')) return this.#openFlow('flowMapping')
    if (cursor.is(']')) return this.#closeFlow('flowSequenceEnd')
    if (cursor.is('}')) return this.#closeFlow('flowMappingEnd')
    if (cursor.is(',')) {
      this.#dropKey()
      this.#keyAllowed = true
      return this.#indicator('flowEntry')
    }
    if (cursor.is('-') && cursor.isBlankOrEnd(1)) return this.#fetchBlockEntry()
    if (cursor.is('?') && (this.#inFlow || cursor.isBlankOrEnd(1))) return this.#fetchKey()
    if (cursor.is(':') && (this.#inFlow || cursor.isBlankOrEnd(1))) return this.#fetchValue()
    if (cursor.is('*')) return this.#atom(() => scanAnchor(cursor, 'alias'))
    if (cursor.is('&')) return this.#atom(() => scanAnchor(cursor, 'anchor'))
    if (cursor.is('!')) return this.#atom(() => scanTag(cursor))
    if (!this.#inFlow && (cursor.is('|') || cursor.is('>'))) {
      this.#dropKey()
      this.#keyAllowed = true
      this.#add(scanBlockScalar(cursor, cursor.is('|') ? 'literal' : 'folded', this.#indent))
      return
    }
    if (cursor.is("'")) return this.#atom(() => scanQuoted(cursor, 'single'))
    if (cursor.is('"')) return this.#atom(() => scanQuoted(cursor, 'double'))
    if (this.#startsPlain()) {
      return this.#atom(() => {
        const plain = scanPlain(cursor, this.#inFlow, this.#indent + 1)
        if (plain.crossedLines) this.#keyAllowed = true
        return plain.token
      })
    }
    throw cursor.error('found character that cannot start any token', cursor.mark)
  }

  #startsPlain (): boolean {
    const cursor = this.#cursor
    if (cursor.is('-')) return !cursor.isBlank(1)
    if (cursor.is('?') || cursor.is(':')) return !this.#inFlow && !cursor.isBlankOrEnd(1)
    return !cursor.isBlankOrEnd() && !cursor.isOneOf(',[]{}#&*!|>\'"%@`')
  }

  // Tabs may stand where no key can start: after a key's colon, and inside brackets.
  #skipToToken (): void {
    const cursor = this.#cursor
    let belowComment = false
    for (;;) {
      if (cursor.column === 0 && cursor.is('\ufeff')) cursor.skip()
      if (belowComment) this.#skipToComment()
      while (cursor.is(' ') || ((this.#inFlow || !this.#keyAllowed) && cursor.is('\t'))) cursor.skip()
      belowComment = cursor.is('#')
      if (belowComment) cursor.takeLine()
      if (!cursor.isBreak()) return
      cursor.takeBreak()
      if (!this.#inFlow) this.#keyAllowed = true
    }
  }

  /** yaml.v3 reads comments one below the other in one go, whatever they are indented by. */
  #skipToComment (): void {
    const cursor = this.#cursor
    let blanks = 0
    while (cursor.is(' ', blanks) || cursor.is('\t', blanks)) blanks++
    if (cursor.dialect === 'v3' && cursor.is('#', blanks)) cursor.skip(blanks)
  }

  #add (token: YamlToken): void { this.#tokens.push(token) }

  #indicator (kind: BareKind, length = 1): void {
    const start = this.#cursor.mark
    this.#cursor.skip(length)
    this.#add({ kind, start, end: this.#cursor.mark })
  }

  /** Something that may be a key, after which no other key can start on the line. */
  #atom (scan: () => YamlToken): void {
    this.#saveKey()
    this.#keyAllowed = false
    this.#add(scan())
  }

  #saveKey (): void {
    if (!this.#keyAllowed) return
    const cursor = this.#cursor
    const required = !this.#inFlow && this.#indent === cursor.column
    this.#dropKey()
    this.#keys[this.#keys.length - 1] = { token: this.#taken + this.#tokens.length - this.#head, required, mark: cursor.mark }
  }

  #dropKey (): void {
    const level = this.#keys.length - 1
    this.#refuseRequired(this.#keys[level])
    this.#keys[level] = undefined
    this.#oldestKey = Math.min(this.#oldestKey, level)
  }

  #dropStaleKeys (): void {
    for (let level = this.#oldestKey; level < this.#keys.length; level++) {
      const key = this.#keys[level]
      if (key !== undefined) {
        const fresh = key.mark.line >= this.#cursor.line && key.mark.index + simpleKeyLength >= this.#cursor.index
        if (fresh) return
        this.#refuseRequired(key)
        this.#keys[level] = undefined
      }
      // The innermost level may get a candidate any time.
      this.#oldestKey = Math.min(level + 1, this.#keys.length - 1)
    }
  }

  // A word at the indentation of a mapping has to be a key of it.
  #refuseRequired (key: SimpleKey | undefined): void {
    if (key?.required === true) throw this.#cursor.error("could not find expected ':'", key.mark)
  }

  #rollIndent (column: number, kind: 'blockSequence' | 'blockMapping', mark: Mark, before?: number): void {
    if (this.#inFlow || this.#indent >= column) return
    this.#indents.push(this.#indent)
    this.#indent = column
    if (this.#indents.length > maximumDepth) throw this.#cursor.error(`exceeded max depth of ${maximumDepth}`, mark)
    const at = before === undefined ? this.#tokens.length : before - this.#taken + this.#head
    this.#tokens.splice(at, 0, { kind, start: mark, end: mark })
  }

  #unrollIndent (column: number): void {
    if (this.#inFlow) return
    while (this.#indent > column) {
      const mark = this.#cursor.mark
      this.#add({ kind: 'blockEnd', start: mark, end: mark })
      this.#indent = this.#indents.pop() ?? -1
    }
  }

  #leaveBlocks (): void {
    this.#unrollIndent(-1)
    this.#dropKey()
    this.#keyAllowed = false
  }

  #fetchEnd (): void {
    this.#cursor.forceNewLine()
    this.#leaveBlocks()
    const mark = this.#cursor.mark
    this.#add({ kind: 'streamEnd', start: mark, end: mark })
    this.#ended = true
  }

  #fetchDocumentIndicator (kind: 'documentStart' | 'documentEnd'): void {
    this.#leaveBlocks()
    this.#indicator(kind, 3)
  }

  #openFlow (kind: 'flowSequence' | 'flowMapping'): void {
    this.#saveKey()
    this.#keys.push(undefined)
    // The first is the document's own.
    if (this.#keys.length - 1 > maximumDepth) throw this.#cursor.error(`exceeded max depth of ${maximumDepth}`, this.#cursor.mark)
    this.#keyAllowed = true
    this.#indicator(kind)
  }

  #closeFlow (kind: 'flowSequenceEnd' | 'flowMappingEnd'): void {
    this.#dropKey()
    if (this.#inFlow) {
      this.#keys.pop()
      this.#oldestKey = Math.min(this.#oldestKey, this.#keys.length - 1)
    }
    this.#keyAllowed = false
    this.#indicator(kind)
  }

  #fetchBlockEntry (): void {
    const mark = this.#cursor.mark
    if (!this.#inFlow) {
      if (!this.#keyAllowed) throw this.#cursor.error('block sequence entries are not allowed in this context', mark)
      this.#rollIndent(mark.column, 'blockSequence', mark)
    }
    this.#dropKey()
    this.#keyAllowed = true
    this.#indicator('blockEntry')
  }

  #fetchKey (): void {
    const mark = this.#cursor.mark
    if (!this.#inFlow) {
      if (!this.#keyAllowed) throw this.#cursor.error('mapping keys are not allowed in this context', mark)
      this.#rollIndent(mark.column, 'blockMapping', mark)
    }
    this.#dropKey()
    this.#keyAllowed = !this.#inFlow
    this.#indicator('key')
  }

  #fetchValue (): void {
    const level = this.#keys.length - 1
    const key = this.#keys[level]
    if (key !== undefined) {
      this.#tokens.splice(key.token - this.#taken + this.#head, 0, { kind: 'key', start: key.mark, end: key.mark })
      this.#rollIndent(key.mark.column, 'blockMapping', key.mark, key.token)
      this.#keys[level] = undefined
      this.#keyAllowed = false
    } else {
      const mark = this.#cursor.mark
      if (!this.#inFlow) {
        if (!this.#keyAllowed) throw this.#cursor.error('mapping values are not allowed in this context', mark)
        this.#rollIndent(mark.column, 'blockMapping', mark)
      }
      this.#keyAllowed = !this.#inFlow
    }
    this.#indicator('value')
  }
}
