// Why YAML text was refused. The message is what go-yaml says, to the word, because people search for those words; its line
// numbers are go-yaml's too, which are now and then one off, so the true position stands beside the message.

/** Which go-yaml: `v2` is the fork that ct 0.9.0 was built with (September 2017), `v3` is yaml.v3 3.0.1 of Butane. */
export type YamlDialect = 'v2' | 'v3'

/** A place in the text; all three count from 0, in characters (not bytes, not UTF-16 units). */
export interface Mark { readonly index: number, readonly line: number, readonly column: number }

export class YamlError extends Error {
  override readonly name = 'YamlError'
  /** From 1; undefined where the trouble has no place. */
  readonly line: number | undefined
  readonly column: number | undefined
  /** The message without go-yaml's line. */
  readonly words: string

  constructor (message: string, at?: { readonly line: number, readonly column: number }, words = message) {
    super(message)
    this.words = words
    this.line = at?.line
    this.column = at?.column
  }
}

/** A syntax error on its way up; `context` is where the construct began that broke at `problem`. */
export interface SyntaxProblem {
  readonly stage: 'reader' | 'scanner' | 'parser'
  readonly text: string
  readonly problem: Mark
  readonly context?: Mark | undefined
}

/**
 * The error in the dialect's words. Both count lines from 0 and print none for line 0; v2 prefers the problem's line, v3 the
 * context's, and v3 adds one to what the scanner found.
 */
export function syntaxError (dialect: YamlDialect, { stage, text, problem, context }: SyntaxProblem): YamlError {
  const [first, second] = dialect === 'v3' ? [context?.line ?? 0, problem.line] : [problem.line, context?.line ?? 0]
  const found = stage === 'reader' ? 0 : first !== 0 ? first : second
  const line = found === 0 ? 0 : found + (dialect === 'v3' && stage === 'scanner' ? 1 : 0)
  return new YamlError(`yaml: ${line === 0 ? '' : `line ${line}: `}${text}`, { line: problem.line + 1, column: problem.column + 1 }, `yaml: ${text}`)
}
