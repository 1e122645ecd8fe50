// Scalars: plain (YAML 1.1 section 9.1.3), quoted (9.1.1, 9.1.2) and block (9.2), read as libyaml reads them.
import type { Cursor } from './cursor.js'
import type { ScalarStyle, YamlToken } from './token.js'
import type { Mark } from './yaml-error.js'

/** Text between words: spaces as they are, or line breaks that fold (one is a space, n are n - 1 breaks). */
class Gap {
  #blanks = ''
  #firstBreak = ''
  #moreBreaks = ''
  broken = false

  blank (cursor: Cursor): void {
    if (this.broken) cursor.skip()
    else this.#blanks += cursor.take()
  }

  lineBreak (cursor: Cursor): void {
    if (this.broken) {
      this.#moreBreaks += cursor.takeBreak()
    } else {
      this.#blanks = ''
      this.#firstBreak = cursor.takeBreak()
      this.broken = true
    }
  }

  flush (): string {
    const folded = this.#firstBreak === '\n' ? (this.#moreBreaks === '' ? ' ' : this.#moreBreaks) : this.#firstBreak + this.#moreBreaks
    const text = this.broken ? folded : this.#blanks
    this.#blanks = this.#firstBreak = this.#moreBreaks = ''
    this.broken = false
    return text
  }
}

export interface Plain { readonly token: YamlToken, readonly crossedLines: boolean }

/** `indent` is the column that lines after the first must reach in the block context. */
export function scanPlain (cursor: Cursor, inFlow: boolean, indent: number): Plain {
  const start = cursor.mark
  let end = start
  let value = ''
  const gap = new Gap()
  for (;;) {
    if (cursor.isDocumentIndicator('-') || cursor.isDocumentIndicator('.') || cursor.is('#')) break
    while (!cursor.isBlankOrEnd()) {
      // `{a: b:c}` was refused up to the go-yaml of 2017: a colon inside a flow collection had to end a key.
      if (cursor.dialect === 'v2' && inFlow && cursor.is(':') && !cursor.isBlankOrEnd(1)) throw cursor.error("found unexpected ':'", start)
      if (cursor.is(':') && cursor.isBlankOrEnd(1)) break
      if (inFlow && cursor.isOneOf(',?[]{}')) break
      value += gap.flush() + cursor.take()
      end = cursor.mark
    }
    if (!cursor.isBlank() && !cursor.isBreak()) break
    while (cursor.isBlank() || cursor.isBreak()) {
      if (cursor.isBreak()) {
        gap.lineBreak(cursor)
      } else {
        if (gap.broken && cursor.column < indent && cursor.is('\t')) {
          throw cursor.error('found a tab character that violates indentation', start)
        }
        gap.blank(cursor)
      }
    }
    if (!inFlow && cursor.column < indent) break
  }
  return { token: { kind: 'scalar', value, style: 'plain', start, end }, crossedLines: gap.broken }
}

const escapes: ReadonlyMap<string, string> = new Map([
  ['0', '\0'], ['a', '\x07'], ['b', '\b'], ['t', '\t'], ['\t', '\t'], ['n', '\n'], ['v', '\v'], ['f', '\f'], ['r', '\r'], ['e', '\x1b'],
  [' ', ' '], ['"', '"'], ["'", "'"], ['\\', '\\'], ['N', '\x85'], ['_', '\xa0'], ['L', '\u2028'], ['P', '\u2029']
])
const hexEscapes: ReadonlyMap<string, number> = new Map([['x', 2], ['u', 4], ['U', 8]])

// YAML 1.1 has no \/, which came with 1.2, where JSON became a subset; both generations of go-yaml keep to that.
function scanEscape (cursor: Cursor, start: Mark): string {
  const letter = String.fromCharCode(cursor.code(1))
  const digits = hexEscapes.get(letter)
  const plain = escapes.get(letter)
  if (plain === undefined && digits === undefined) throw cursor.error('found unknown escape character', start)
  cursor.skip(2)
  if (digits === undefined) return plain ?? ''
  let value = 0
  for (let i = 0; i < digits; i++) {
    if (!cursor.isOneOf('0123456789abcdefABCDEF', i)) throw cursor.error('did not find expected hexdecimal number', start)
    value = value * 16 + parseInt(String.fromCharCode(cursor.code(i)), 16)
  }
  if ((value >= 0xd800 && value <= 0xdfff) || value > 0x10ffff) {
    throw cursor.error('found invalid Unicode character escape code', start)
  }
  cursor.skip(digits)
  return String.fromCodePoint(value)
}

export function scanQuoted (cursor: Cursor, style: 'single' | 'double'): YamlToken {
  const quote = style === 'single' ? "'" : '"'
  const start = cursor.mark
  cursor.skip()
  let value = ''
  const gap = new Gap()
  for (;;) {
    if (cursor.isDocumentIndicator('-') || cursor.isDocumentIndicator('.')) throw cursor.error('found unexpected document indicator', start)
    if (cursor.isEnd()) throw cursor.error('found unexpected end of stream', start)
    let joined = false
    while (!cursor.isBlankOrEnd()) {
      if (style === 'single' && cursor.is("'") && cursor.is("'", 1)) {
        cursor.skip(2)
        value += "'"
      } else if (cursor.is(quote)) {
        break
      } else if (style === 'double' && cursor.is('\\') && cursor.isBreak(1)) {
        cursor.skip()
        cursor.takeBreak()
        joined = true
        break
      } else {
        value += style === 'double' && cursor.is('\\') ? scanEscape(cursor, start) : cursor.take()
      }
    }
    if (cursor.is(quote)) break
    // After an escaped line break the spaces that follow vanish, and further breaks count in full.
    while (cursor.isBlank() || cursor.isBreak()) {
      if (cursor.isBreak()) {
        if (joined) value += cursor.takeBreak()
        else gap.lineBreak(cursor)
      } else if (joined) {
        cursor.skip()
      } else {
        gap.blank(cursor)
      }
    }
    value += gap.flush()
  }
  cursor.skip()
  return { kind: 'scalar', value, style, start, end: cursor.mark }
}

const refusedZero = 'found an indentation indicator equal to 0'

/** `parentIndent` is the indentation of the collection around it, -1 at the top. */
export function scanBlockScalar (cursor: Cursor, style: 'literal' | 'folded', parentIndent: number): YamlToken {
  const start = cursor.mark
  cursor.skip()
  const header = scanHeader(cursor, start)
  let indent = header.increment === 0 ? 0 : Math.max(parentIndent, 0) + header.increment
  let value = ''
  let leadingBreak = ''
  let end = cursor.mark
  let afterBlank = false

  const breaks = (): string => {
    let found = ''
    let widest = 0
    end = cursor.mark
    const atMost = indent === 0 ? Infinity : indent
    for (;;) {
      while (cursor.column < atMost && cursor.is(' ')) cursor.skip()
      widest = Math.max(widest, cursor.column)
      if (cursor.column < atMost && cursor.is('\t')) {
        throw cursor.error('found a tab character where an indentation space is expected', start)
      }
      if (!cursor.isBreak()) break
      found += cursor.takeBreak()
      end = cursor.mark
    }
    if (indent === 0) indent = Math.max(widest, parentIndent + 1, 1)
    return found
  }

  let trailingBreaks = breaks()
  while (cursor.column === indent && !cursor.isEnd()) {
    const startsBlank = cursor.isBlank()
    if (style === 'folded' && leadingBreak === '\n' && !afterBlank && !startsBlank) {
      if (trailingBreaks === '') value += ' '
    } else {
      value += leadingBreak
    }
    value += trailingBreaks
    afterBlank = startsBlank
    value += cursor.takeLine()
    leadingBreak = cursor.takeBreak()
    trailingBreaks = breaks()
  }
  if (header.chomp !== '-') value += leadingBreak
  if (header.chomp === '+') value += trailingBreaks
  return { kind: 'scalar', value, style: style satisfies ScalarStyle, indent, start, end }
}

interface Header { readonly chomp: '' | '+' | '-', readonly increment: number }

function scanHeader (cursor: Cursor, start: Mark): Header {
  let chomp: Header['chomp'] = ''
  let increment = 0
  const takeChomp = (): void => {
    if (!cursor.isOneOf('+-')) return
    chomp = cursor.is('+') ? '+' : '-'
    cursor.skip()
  }
  const takeIncrement = (): boolean => {
    if (!cursor.isOneOf('0123456789')) return false
    if (cursor.is('0')) throw cursor.error(refusedZero, start)
    increment = cursor.code() - 48
    cursor.skip()
    return true
  }
  if (takeIncrement()) {
    takeChomp()
  } else {
    takeChomp()
    if (chomp !== '') takeIncrement()
  }
  cursor.skipBlanks()
  if (cursor.is('#')) cursor.takeLine()
  if (!cursor.isBreakOrEnd()) throw cursor.error('did not find expected comment or line break', start)
  cursor.takeBreak()
  return { chomp, increment }
}
