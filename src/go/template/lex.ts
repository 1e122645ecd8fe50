// Template text into tokens (text/template/parse's lexer). Positions are in units of the JavaScript string.
import { goQuote } from '../quote.js'
import { byteLength, firstRunes, isValidRune, runeOf, stringOfRune } from '../string.js'
import { isPrint } from '../unicode.js'

const keywords = ['block', 'break', 'continue', 'define', 'else', 'end', 'if', 'nil', 'range', 'template', 'with'] as const

export type Keyword = typeof keywords[number]

export type TokenType = Keyword
  | 'assign' | 'bool' | 'char' | 'charConstant' | 'complex' | 'declare' | 'dot' | 'eof' | 'error' | 'field' | 'identifier'
  | 'leftDelim' | 'leftParen' | 'number' | 'pipe' | 'rawString' | 'rightDelim' | 'rightParen' | 'space' | 'string' | 'text' | 'variable'

export interface TemplateToken {
  readonly type: TokenType
  readonly position: number
  /** The text of the token; of an error, its message. */
  readonly text: string
  /** From 1. */
  readonly line: number
}

/** Bounds the memory that a template file of many megabytes can take. */
export const maxTokens = 500_000

const leftDelim = '{{'
const rightDelim = '}}'
const leftComment = '/*'
const rightComment = '*/'

const keywordTypes: ReadonlyMap<string, TokenType> = new Map(keywords.map(word => [word, word]))

const isSpace = (character: string | undefined): boolean =>
  character === ' ' || character === '\t' || character === '\r' || character === '\n'

// What may follow an identifier, a field or a variable.
const terminators: ReadonlySet<string | undefined> = new Set([undefined, ' ', '\t', '\r', '\n', '.', ',', '|', ':', ')', '(', '}'])

const wordCharacter = /^\w$/
const alphaNumeric = /^[\p{L}\p{Nd}_]$/u

/** What an identifier is made of. */
export const isAlphaNumeric = (rune: number): boolean => isValidRune(rune) && alphaNumeric.test(String.fromCodePoint(rune))

/** A problem the text has; as a token it comes last, and stops the parser if it gets that far. */
class LexError extends Error {}

const namedRune = (rune: number): string => {
  const code = 'U+' + rune.toString(16).toUpperCase().padStart(4, '0')
  return isPrint(rune) ? `${code} '${stringOfRune(rune)}'` : code
}

class Lexer {
  readonly tokens: TemplateToken[] = []
  readonly #input: string
  #start = 0
  #at = 0
  #line = 1
  #parens = 0

  constructor (input: string) { this.#input = input }

  run (): TemplateToken[] {
    try {
      while (this.#text()) if (!this.#comment()) this.#action()
      this.#emit('eof')
    } catch (error) {
      if (!(error instanceof LexError)) throw error
      this.tokens.push({ type: 'error', position: this.#start, text: error.message, line: this.#line })
    }
    return this.tokens
  }

  /** Takes the pending input as a token. */
  #emit (type: TokenType): void {
    if (this.tokens.length >= maxTokens) throw new LexError(`template has more than ${maxTokens} tokens`)
    const text = this.#input.slice(this.#start, this.#at)
    this.tokens.push({ type, position: this.#start, text, line: this.#line })
    this.#skip()
  }

  /** Passes over the pending input. */
  #skip (): void {
    for (; this.#start < this.#at; this.#start++) if (this.#input[this.#start] === '\n') this.#line++
    this.#start = this.#at
  }

  /** The character at a place before the end. */
  #character (): string { return String.fromCodePoint(this.#input.codePointAt(this.#at)!) }

  #has (text: string, at = this.#at): boolean { return this.#input.startsWith(text, at) }

  /** Text up to the next action. False at the end of the input. */
  #text (): boolean {
    const open = this.#input.indexOf(leftDelim, this.#at)
    this.#at = open < 0 ? this.#input.length : open
    if (open >= 0 && this.#trimsLeft(open + leftDelim.length)) {
      while (this.#at > this.#start && isSpace(this.#input[this.#at - 1])) this.#at--
    }
    if (this.#at > this.#start) this.#emit('text')
    if (open < 0) return false
    this.#at = open
    this.#skip()
    return true
  }

  /** Whether a left delimiter is followed by a trim marker: a minus and white space. */
  #trimsLeft (at: number): boolean { return this.#input[at] === '-' && isSpace(this.#input[at + 1]) }

  /** Whether a right delimiter with a trim marker is next: white space, a minus, `}}`. */
  #trimsRight (at: number): boolean { return isSpace(this.#input[at]) && this.#has('-' + rightDelim, at + 1) }

  /** Passes over the white space that a right delimiter's trim marker takes. */
  #trimAfter (): void {
    while (isSpace(this.#input[this.#at])) this.#at++
    this.#skip()
  }

  /** A comment, if one is next, with its delimiters. */
  #comment (): boolean {
    const start = this.#at + leftDelim.length
    const open = this.#trimsLeft(start) ? start + 2 : start
    if (!this.#has(leftComment, open)) return false
    const close = this.#input.indexOf(rightComment, open + leftComment.length)
    if (close < 0) throw new LexError('unclosed comment')
    this.#at = close + rightComment.length
    const trims = this.#trimsRight(this.#at)
    if (trims) this.#at += 2
    else if (!this.#has(rightDelim)) throw new LexError('comment ends before closing delimiter')
    this.#at += rightDelim.length
    if (trims) this.#trimAfter()
    else this.#skip()
    return true
  }

  /** An action, from its left delimiter to its right one. */
  #action (): void {
    this.#at += leftDelim.length
    const trims = this.#trimsLeft(this.#at)
    this.#emit('leftDelim')
    if (trims) {
      this.#at += 2
      this.#skip()
    }
    this.#parens = 0
    for (;;) {
      const trimsRight = this.#trimsRight(this.#at)
      if (trimsRight || this.#has(rightDelim)) {
        if (this.#parens !== 0) throw new LexError('unclosed left paren')
        if (trimsRight) {
          this.#at += 2
          this.#skip()
        }
        this.#at += rightDelim.length
        this.#emit('rightDelim')
        if (trimsRight) this.#trimAfter()
        return
      }
      this.#insideAction()
    }
  }

  #insideAction (): void {
    const character = this.#input[this.#at]
    if (character === undefined) throw new LexError('unclosed action')
    if (isSpace(character)) return this.#space()
    const next = this.#input[this.#at + 1]
    switch (character) {
      case '=': return this.#single('assign')
      case ':':
        if (next !== '=') throw new LexError('expected :=')
        this.#at += 2
        return this.#emit('declare')
      case '|': return this.#single('pipe')
      case '"': return this.#quoted('"', 'string', 'unterminated quoted string')
      case "'": return this.#quoted("'", 'charConstant', 'unterminated character constant')
      case '`': return this.#rawString()
      case '(': this.#parens++; return this.#single('leftParen')
      case ')':
        if (--this.#parens < 0) throw new LexError(`unexpected right paren ${namedRune(0x29)}`)
        return this.#single('rightParen')
      case '$': return this.#name('variable', 'variable')
      case '.': return next !== undefined && (next < '0' || next > '9') ? this.#name('dot', 'field') : this.#number()
    }
    if (character === '+' || character === '-' || (character >= '0' && character <= '9')) return this.#number()
    const rune = runeOf(this.#character())
    if (isAlphaNumeric(rune)) return this.#identifier()
    if (rune >= 0x80 || !isPrint(rune)) throw new LexError(`unrecognized character in action: ${namedRune(rune)}`)
    this.#single('char')
  }

  #single (type: TokenType): void {
    this.#at++
    this.#emit(type)
  }

  #space (): void {
    // The last space may belong to the trim marker of a right delimiter.
    while (isSpace(this.#input[this.#at]) && !this.#trimsRight(this.#at)) this.#at++
    if (this.#at > this.#start) this.#emit('space')
  }

  #alphaNumerics (): void {
    while (this.#at < this.#input.length) {
      if (wordCharacter.test(this.#input[this.#at]!)) {
        this.#at++
        continue
      }
      const character = this.#character()
      if (!isAlphaNumeric(runeOf(character))) return
      this.#at += character.length
    }
  }

  #expectTerminator (): void {
    if (!terminators.has(this.#input[this.#at])) {
      throw new LexError(`bad character ${namedRune(runeOf(this.#character()))}`)
    }
  }

  /** `.field` or `$variable`; `bare` where nothing but the sign stands there. */
  #name (bare: TokenType, named: TokenType): void {
    this.#at++
    const isBare = terminators.has(this.#input[this.#at])
    if (!isBare) this.#alphaNumerics()
    this.#expectTerminator()
    this.#emit(isBare ? bare : named)
  }

  #identifier (): void {
    this.#alphaNumerics()
    this.#expectTerminator()
    const word = this.#input.slice(this.#start, this.#at)
    this.#emit(keywordTypes.get(word) ?? (word === 'true' || word === 'false' ? 'bool' : 'identifier'))
  }

  #quoted (mark: string, type: TokenType, complaint: string): void {
    for (this.#at++; ; this.#at++) {
      let character = this.#input[this.#at]
      if (character === mark) break
      if (character === '\\') character = this.#input[++this.#at]
      if (character === undefined || character === '\n') throw new LexError(complaint)
    }
    this.#single(type)
  }

  #rawString (): void {
    const close = this.#input.indexOf('`', this.#at + 1)
    if (close < 0) throw new LexError('unterminated raw quoted string')
    this.#at = close + 1
    this.#emit('rawString')
  }

  #number (): void {
    const good = this.#scanNumber()
    const sign = this.#input[this.#at]
    const isComplex = good && (sign === '+' || sign === '-')
    if (!good || (isComplex && (!this.#scanNumber() || this.#input[this.#at - 1] !== 'i'))) {
      throw new LexError(`bad number syntax: ${goQuote(this.#input.slice(this.#start, this.#at))}`)
    }
    this.#emit(isComplex ? 'complex' : 'number')
  }

  /** Takes what looks like a number; whether it is one is seen when it is read. */
  #scanNumber (): boolean {
    this.#accept('+-')
    let digits = '0123456789_'
    let exponent = 'eE'
    if (this.#accept('0')) {
      if (this.#accept('xX')) {
        digits = '0123456789abcdefABCDEF_'
        exponent = 'pP'
      } else if (this.#accept('oO')) {
        digits = '01234567_'
        exponent = ''
      } else if (this.#accept('bB')) {
        digits = '01_'
        exponent = ''
      }
    }
    while (this.#accept(digits));
    if (this.#accept('.')) while (this.#accept(digits));
    if (this.#accept(exponent)) {
      this.#accept('+-')
      while (this.#accept('0123456789_'));
    }
    this.#accept('i')
    if (this.#at >= this.#input.length) return true
    const character = this.#character()
    if (!isAlphaNumeric(runeOf(character))) return true
    this.#at += character.length
    return false
  }

  #accept (valid: string): boolean {
    const character = this.#input[this.#at]
    if (character === undefined || !valid.includes(character)) return false
    this.#at++
    return true
  }
}

/** The tokens of a template; the last is `eof`, or `error` where the text is wrong. */
export const lex = (input: string): TemplateToken[] => new Lexer(input).run()

/** How a message names a token. */
export function describeToken (token: TemplateToken): string {
  if (token.type === 'eof') return 'EOF'
  if (token.type === 'error') return token.text
  if (token.type === 'dot' || keywordTypes.has(token.type)) return `<${token.text}>`
  return byteLength(token.text) > 10 ? goQuote(firstRunes(token.text, 10)) + '...' : goQuote(token.text)
}
