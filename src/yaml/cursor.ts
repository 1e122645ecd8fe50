// A place in YAML text that moves forward and keeps count of lines and columns. Line breaks are those of YAML 1.1 section 5.4:
// CR, LF, CR LF, NEL, LS and PS.
import { syntaxError } from './yaml-error.js'
import type { Mark, YamlDialect, YamlError } from './yaml-error.js'
import type { YamlText } from './reader.js'

const codes = { tab: 9, lf: 10, cr: 13, space: 32, nel: 0x85, ls: 0x2028, ps: 0x2029 } as const

const isBreakCode = (code: number): boolean =>
  code === codes.lf || code === codes.cr || code === codes.nel || code === codes.ls || code === codes.ps

export class Cursor {
  readonly dialect: YamlDialect
  readonly #text: string
  readonly #limit: number
  readonly #problem: string | undefined
  #position = 0
  #index = 0
  #line = 0
  #column = 0

  constructor ({ text, limit, problem }: YamlText, dialect: YamlDialect) {
    this.#text = text
    this.#limit = limit
    this.#problem = problem
    this.dialect = dialect
  }

  get mark (): Mark { return { index: this.#index, line: this.#line, column: this.#column } }
  get index (): number { return this.#index }
  get line (): number { return this.#line }
  get column (): number { return this.#column }

  /** The UTF-16 unit `ahead` units from here, 0 past the end. */
  code (ahead = 0): number {
    const at = this.#position + ahead
    if (at < this.#limit) return this.#text.charCodeAt(at)
    if (this.#problem !== undefined) throw syntaxError(this.dialect, { stage: 'reader', text: this.#problem, problem: this.mark })
    return 0
  }

  is (char: string, ahead = 0): boolean { return this.code(ahead) === char.charCodeAt(0) }
  isOneOf (chars: string, ahead = 0): boolean {
    const code = this.code(ahead)
    return code !== 0 && chars.includes(String.fromCharCode(code))
  }

  isEnd (ahead = 0): boolean { return this.code(ahead) === 0 }
  isBlank (ahead = 0): boolean { const code = this.code(ahead); return code === codes.space || code === codes.tab }
  isBreak (ahead = 0): boolean { return isBreakCode(this.code(ahead)) }
  isBreakOrEnd (ahead = 0): boolean { const code = this.code(ahead); return code === 0 || isBreakCode(code) }
  isBlankOrEnd (ahead = 0): boolean { return this.isBlank(ahead) || this.isBreakOrEnd(ahead) }
  /** A character of an anchor, a tag handle or a directive's name. */
  isWord (ahead = 0): boolean {
    const code = this.code(ahead)
    return (code >= 48 && code <= 57) || (code >= 65 && code <= 90) || (code >= 97 && code <= 122) || code === 95 || code === 45
  }

  /** `---` or `...` at the start of a line. */
  isDocumentIndicator (char: '-' | '.'): boolean {
    return this.#column === 0 && this.is(char) && this.is(char, 1) && this.is(char, 2) && this.isBlankOrEnd(3)
  }

  /** Over one character, which is not a line break. */
  skip (count = 1): void {
    for (let i = 0; i < count; i++) {
      const code = this.code()
      this.#position += code >= 0xd800 && code <= 0xdbff ? 2 : 1
      this.#index++
      this.#column++
    }
  }

  /** Over one character and back comes its text. */
  take (): string {
    const from = this.#position
    this.skip()
    return this.#text.slice(from, this.#position)
  }

  takeWord (): string {
    const from = this.#position
    while (this.isWord()) this.skip()
    return this.#text.slice(from, this.#position)
  }

  takeLine (): string {
    const from = this.#position
    while (!this.isBreakOrEnd()) this.skip()
    return this.#text.slice(from, this.#position)
  }

  skipBlanks (): void { while (this.isBlank()) this.skip() }

  /** Over one line break, if there is one; back comes what it means in a scalar: LF for all but LS and PS, which stay. */
  takeBreak (): string {
    const code = this.code()
    if (!isBreakCode(code)) return ''
    const pair = code === codes.cr && this.code(1) === codes.lf
    this.#position += pair ? 2 : 1
    this.#index += pair ? 2 : 1
    this.#line++
    this.#column = 0
    return code === codes.ls ? '\u2028' : code === codes.ps ? '\u2029' : '\n'
  }

  /** The end of the text counts as the start of a line. */
  forceNewLine (): void {
    if (this.#column === 0) return
    this.#column = 0
    this.#line++
  }

  /** A scanner's error at this place. */
  error (text: string, context: Mark): YamlError {
    return syntaxError(this.dialect, { stage: 'scanner', text, problem: this.mark, context })
  }
}
