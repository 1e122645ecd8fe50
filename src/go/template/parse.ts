// Tokens into parse trees: the grammar of Go 1.19's text/template/parse. A template text gives one tree for itself and one for
// each {{define}} and {{block}} in it.
import { goQuote, unquote } from '../quote.js'
import { trimSpace } from '../unicode.js'
import { findFunction } from './funcs.js'
import { describeToken, lex, type TemplateToken, type TokenType } from './lex.js'
import { showNode, type BranchNode, type CommandNode, type ParseNode, type NumberNode, type Operand, type PipeNode, type TemplateNode } from './nodes.js'
import { NumberSyntaxError, parseCharacter, parseComplex, parseNumber } from './number.js'
import { TemplateScope } from './scope.js'
import { TemplateError } from './template-error.js'

/** How deep control structures and parentheses may nest: what the call stack bears with room to spare. An else-if chain is flat. */
export const maxNesting = 250

/** `place` is where its text stands, for a tree that another text calls. */
export type Tree = readonly ParseNode[] & { readonly place?: TemplateSource }
export interface TemplateSource { readonly name: string, readonly source: string }
export type Trees = ReadonlyMap<string, Tree>

/** What ended a list of nodes. */
type Terminator = 'end' | 'else'

const operandTypes: ReadonlySet<TokenType> = new Set<TokenType>([
  'bool', 'charConstant', 'complex', 'dot', 'field', 'identifier', 'number', 'nil', 'rawString', 'string', 'variable', 'leftParen'
])

/** Whether a tree gives way to another of its name. Anything but white space counts, even an action without effect. */
const isEmptyTree = (nodes: readonly ParseNode[]): boolean => nodes.every(node => node.type === 'text' && trimSpace(node.text) === '')

class Parser {
  readonly #name: string
  readonly #tokens: readonly TemplateToken[]
  readonly #trees = new Map<string, readonly ParseNode[]>()
  #next = 0
  // The last token read: Go's messages give its line, however far has been put back.
  #last: TemplateToken
  #variables = new TemplateScope()
  #rangeDepth = 0
  #nesting = 0
  #actionLine = 0

  constructor (name: string, tokens: readonly TemplateToken[]) {
    this.#name = name
    this.#tokens = tokens
    this.#last = tokens[0]!
  }

  run (): Trees {
    const nodes: ParseNode[] = []
    while (this.#peek().type !== 'eof') {
      if (this.#peek().type === 'leftDelim') {
        const mark = this.#next
        this.#read()
        if (this.#readPastSpace().type === 'define') {
          this.#definition()
          continue
        }
        this.#next = mark
      }
      const node = this.#textOrAction()
      if (typeof node === 'string') this.#fail(`unexpected {{${node}}}`)
      nodes.push(node)
    }
    this.#add(this.#name, nodes)
    return this.#trees
  }

  #fail (message: string): never {
    throw new TemplateError(message, { name: this.#name, line: this.#last.line })
  }

  #unexpected (token: TemplateToken, context: string): never {
    if (token.type !== 'error') this.#fail(`unexpected ${describeToken(token)} in ${context}`)
    if (this.#actionLine === 0 || this.#actionLine === token.line) this.#fail(token.text)
    const started = ` in action started at ${this.#name}:${this.#actionLine}`
    this.#fail(token.text + (token.text.endsWith(' action') ? started.slice(' in action'.length) : started))
  }

  #tokenAt (at: number): TemplateToken { return this.#tokens[Math.min(at, this.#tokens.length - 1)]! }

  #peek (): TemplateToken {
    const token = this.#tokenAt(this.#next)
    if (token.position >= this.#last.position) this.#last = token
    return token
  }

  #read (): TemplateToken {
    const token = this.#peek()
    this.#next++
    return token
  }

  #readPastSpace (): TemplateToken {
    let token = this.#read()
    while (token.type === 'space') token = this.#read()
    return token
  }

  #peekPastSpace (): TemplateToken {
    const token = this.#readPastSpace()
    this.#next--
    return token
  }

  #expect (type: TokenType, context: string): TemplateToken {
    const token = this.#readPastSpace()
    if (token.type !== type) this.#unexpected(token, context)
    return token
  }

  /** Runs `parse` one level deeper. */
  #nested<T> (parse: () => T): T {
    if (this.#nesting >= maxNesting) this.#fail(`actions are nested deeper than ${maxNesting} levels`)
    this.#nesting++
    const result = parse()
    this.#nesting--
    return result
  }

  #add (name: string, nodes: readonly ParseNode[]): void {
    const known = this.#trees.get(name)
    if (known !== undefined && !isEmptyTree(known)) {
      if (!isEmptyTree(nodes)) this.#fail(`template: multiple definition of template ${goQuote(name)}`)
      return
    }
    this.#trees.set(name, nodes)
  }

  /** The body of a {{define}} or {{block}}: a tree of its own, which sees no variable of the text around it. */
  #body (name: string, context: string): void {
    const outer = { variables: this.#variables, rangeDepth: this.#rangeDepth, actionLine: this.#actionLine }
    this.#variables = new TemplateScope()
    this.#rangeDepth = 0
    this.#actionLine = 0
    const [nodes, terminator] = this.#nested(() => this.#list())
    if (terminator !== 'end') this.#fail(`unexpected {{${terminator}}} in ${context}`)
    this.#add(name, nodes)
    this.#variables = outer.variables
    this.#rangeDepth = outer.rangeDepth
    this.#actionLine = outer.actionLine
  }

  #definition (): void {
    const name = this.#templateName(this.#readPastSpace(), 'define clause')
    this.#expect('rightDelim', 'define clause')
    this.#body(name, 'define clause')
  }

  #templateName (token: TemplateToken, context: string): string {
    return token.type === 'string' || token.type === 'rawString' ? this.#unquoted(token) : this.#unexpected(token, context)
  }

  #unquoted (token: TemplateToken): string { return unquote(token.text) ?? this.#fail('invalid syntax') }

  /** Nodes up to {{end}} or {{else}}, which is read. */
  #list (): [ParseNode[], Terminator] {
    const nodes: ParseNode[] = []
    while (this.#peekPastSpace().type !== 'eof') {
      const node = this.#textOrAction()
      if (typeof node === 'string') return [nodes, node]
      nodes.push(node)
    }
    this.#fail('unexpected EOF')
  }

  #textOrAction (): ParseNode | Terminator {
    const token = this.#readPastSpace()
    if (token.type === 'text') return { type: 'text', position: token.position, text: token.text }
    if (token.type !== 'leftDelim') this.#unexpected(token, 'input')
    this.#actionLine = token.line
    const node = this.#action()
    this.#actionLine = 0
    return node
  }

  #action (): ParseNode | Terminator {
    const token = this.#readPastSpace()
    switch (token.type) {
      case 'block': return this.#block()
      case 'break': case 'continue': return this.#jump(token.type, token.position)
      case 'else': return this.#else()
      case 'end':
        this.#expect('rightDelim', 'end')
        return 'end'
      case 'if': return this.#if()
      case 'range': case 'with': return this.#branch(token.type)
      case 'template': return this.#template()
    }
    this.#next--
    // Variables that it declares live until the {{end}} of the structure around it.
    return { type: 'action', position: token.position, pipe: this.#pipeline('command', 'rightDelim') }
  }

  #jump (type: 'break' | 'continue', position: number): ParseNode {
    const token = this.#readPastSpace()
    if (token.type !== 'rightDelim') this.#unexpected(token, `{{${type}}}`)
    if (this.#rangeDepth === 0) this.#fail(`{{${type}}} outside {{range}}`)
    return { type, position }
  }

  /** `{{else}}` is read whole, of `{{else if` the `if` is left. */
  #else (): Terminator {
    if (this.#peekPastSpace().type !== 'if') this.#expect('rightDelim', 'else')
    return 'else'
  }

  #otherwise (terminator: Terminator): readonly ParseNode[] | undefined {
    if (terminator === 'end') return undefined
    const [nodes, end] = this.#nested(() => this.#list())
    if (end !== 'end') this.#fail(`expected end; found {{${end}}}`)
    return nodes
  }

  #branch (type: 'range' | 'with'): BranchNode {
    const scope = this.#variables.depth
    const pipe = this.#pipeline(type, 'rightDelim')
    if (type === 'range') this.#rangeDepth++
    const [list, terminator] = this.#nested(() => this.#list())
    if (type === 'range') this.#rangeDepth--
    const otherwise = this.#otherwise(terminator)
    this.#variables.leave(scope)
    return { type, position: pipe.position, pipe, list, otherwise }
  }

  /** A whole chain of {{if}} and {{else if}}, which shares one {{end}}: in a loop, for chains can be as long as a fleet. */
  #if (): BranchNode {
    const scope = this.#variables.depth
    const branches: Array<{ readonly pipe: PipeNode, readonly list: readonly ParseNode[] }> = []
    let otherwise: readonly ParseNode[] | undefined
    for (;;) {
      const pipe = this.#pipeline('if', 'rightDelim')
      const [list, terminator] = this.#nested(() => this.#list())
      branches.push({ pipe, list })
      if (terminator === 'else' && this.#peek().type === 'if') {
        this.#read()
        continue
      }
      otherwise = this.#otherwise(terminator)
      break
    }
    this.#variables.leave(scope)
    const last = branches.pop()!
    return branches.reduceRight<BranchNode>(
      (rest, { pipe, list }) => ({ type: 'if', position: pipe.position, pipe, list, otherwise: rest }),
      { type: 'if', position: last.pipe.position, pipe: last.pipe, list: last.list, otherwise })
  }

  #block (): TemplateNode {
    const token = this.#readPastSpace()
    const template = this.#templateName(token, 'block clause')
    const pipe = this.#pipeline('block clause', 'rightDelim')
    this.#body(template, 'block clause')
    return { type: 'template', position: token.position, template, pipe }
  }

  #template (): TemplateNode {
    const token = this.#readPastSpace()
    const template = this.#templateName(token, 'template clause')
    if (this.#readPastSpace().type === 'rightDelim') return { type: 'template', position: token.position, template, pipe: undefined }
    this.#next--
    return { type: 'template', position: token.position, template, pipe: this.#pipeline('template clause', 'rightDelim') }
  }

  #pipeline (context: string, end: TokenType): PipeNode {
    const { position } = this.#peekPastSpace()
    const { variables, isAssignment } = this.#declarations(context)
    const commands: CommandNode[] = []
    for (;;) {
      const token = this.#readPastSpace()
      if (token.type === end) break
      if (!operandTypes.has(token.type)) this.#unexpected(token, context)
      this.#next--
      commands.push(this.#command())
    }
    if (commands.length === 0) this.#fail(`missing value for ${context}`)
    commands.forEach(({ args: [first] }, i) => {
      if (i > 0 && ['bool', 'dot', 'nil', 'number', 'string'].includes(first.type)) {
        this.#fail(`non executable command in pipeline stage ${i + 1}`)
      }
    })
    return { type: 'pipe', position, variables, isAssignment, commands }
  }

  /** `$x :=`, `$x =` and, of a range, `$i, $x :=`, if the pipeline begins so. */
  #declarations (context: string): { variables: string[], isAssignment: boolean } {
    const variables: string[] = []
    for (;;) {
      const mark = this.#next
      const variable = this.#peekPastSpace()
      if (variable.type !== 'variable') return { variables, isAssignment: false }
      this.#readPastSpace()
      const sign = this.#peekPastSpace()
      const isComma = sign.type === 'char' && sign.text === ','
      if (!isComma && sign.type !== 'assign' && sign.type !== 'declare') {
        this.#next = mark // an operand
        return { variables, isAssignment: false }
      }
      this.#readPastSpace()
      variables.push(variable.text)
      this.#variables.declare(variable.text)
      if (!isComma) return { variables, isAssignment: sign.type === 'assign' }
      if (context !== 'range' || variables.length > 1) this.#fail(`too many declarations in ${context}`)
      if (!['variable', 'rightDelim', 'rightParen'].includes(this.#peekPastSpace().type)) {
        this.#fail('range can only initialize variables')
      }
    }
  }

  /** Operands separated by white space, up to a pipe, which is read, or to the end of the pipeline, which is not. */
  #command (): CommandNode {
    const { position } = this.#peekPastSpace()
    const args: Operand[] = []
    for (;;) {
      this.#peekPastSpace()
      const operand = this.#operand()
      if (operand !== undefined) args.push(operand)
      const token = this.#read()
      if (token.type === 'space') continue
      if (token.type === 'rightDelim' || token.type === 'rightParen') this.#next--
      else if (token.type !== 'pipe') this.#unexpected(token, 'operand')
      break
    }
    const [first, ...rest] = args
    if (first === undefined) this.#fail('empty command')
    return { type: 'command', position, args: [first, ...rest] }
  }

  #operand (): Operand | undefined {
    const term = this.#term()
    if (term === undefined || this.#peek().type !== 'field') return term
    const { position } = this.#peek()
    const path: string[] = []
    while (this.#peek().type === 'field') path.push(this.#read().text.slice(1))
    switch (term.type) {
      case 'field': return { type: 'field', position, path: [...term.path, ...path] }
      case 'variable': return { type: 'variable', position, variable: term.variable, path }
      case 'identifier': case 'pipe': return { type: 'chain', position, operand: term, path }
      default: return this.#fail(`unexpected . after term ${goQuote(showNode(term))}`)
    }
  }

  #term (): Operand | undefined {
    const token = this.#readPastSpace()
    const { position, text } = token
    switch (token.type) {
      case 'identifier':
        if (findFunction(text) === undefined) this.#fail(`function ${goQuote(text)} not defined`)
        return { type: 'identifier', position, identifier: text }
      case 'dot': return { type: 'dot', position }
      case 'nil': return { type: 'nil', position }
      case 'variable':
        if (!this.#variables.has(text)) this.#fail(`undefined variable ${goQuote(text)}`)
        return { type: 'variable', position, variable: text, path: [] }
      case 'field': return { type: 'field', position, path: [text.slice(1)] }
      case 'bool': return { type: 'bool', position, value: text === 'true' }
      case 'charConstant': case 'complex': case 'number': return this.#number(token)
      case 'leftParen': return this.#nested(() => this.#pipeline('parenthesized pipeline', 'rightParen'))
      case 'string': case 'rawString': return { type: 'string', position, literal: text, value: this.#unquoted(token) }
    }
    this.#next--
    return undefined
  }

  #number ({ type, position, text }: TemplateToken): NumberNode {
    const read = type === 'charConstant' ? parseCharacter : type === 'complex' ? parseComplex : parseNumber
    try {
      return { type: 'number', position, text, value: read(text) }
    } catch (error) {
      if (error instanceof NumberSyntaxError) this.#fail(error.message)
      throw error
    }
  }
}

/** The trees of a template text, by name: its own and those it defines. Throws TemplateError. */
export const parse = (name: string, source: string): Trees => new Parser(name, lex(source)).run()
