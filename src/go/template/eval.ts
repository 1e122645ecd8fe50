// Evaluates the pipelines of a template: fields, variables, function calls, and the place that a message names when one fails.
// Parentheses are as deep as the parser lets them nest, so this part may recurse.
import { goQuote } from '../quote.js'
import { byteLength } from '../string.js'
import { TemplateFailure } from './failure.js'
import { findFunction, type GoFunction } from './funcs.js'
import type { TemplateLimits } from './limits.js'
import { showNode, type CommandNode, type IdentifierNode, type ParseNode, type Operand, type PipeNode } from './nodes.js'
import type { TemplateSource } from './parse.js'
import { TemplateError, TooManySteps } from './template-error.js'
import { GoMap, isTrue, typeName, type TemplateValue } from './value.js'

export interface Variable { readonly name: string, value: TemplateValue }

/** The previous command's value in a pipeline; `none` for the first command (a value may be undefined). */
const none = Symbol('no value piped')
type Final = TemplateValue | typeof none

export class Evaluator {
  /** The template being executed. */
  template: string
  /** What is being evaluated. Go's messages name the last node visited, so it is set where Go sets it. */
  node: ParseNode | Operand | CommandNode | undefined
  /** The variables in scope, innermost last. */
  variables: Variable[] = []
  /** Where the text of it stands. */
  place: TemplateSource
  readonly #limits: TemplateLimits
  #steps = 0

  constructor (name: string, source: string, limits: TemplateLimits) {
    this.template = name
    this.place = { name, source }
    this.#limits = limits
  }

  fail (message: string, Kind: typeof TemplateError = TemplateError): never {
    const position = this.node?.position ?? 0
    const { name, source } = this.place
    const before = source.slice(0, position)
    const line = before.split('\n').length
    const column = byteLength(before.slice(before.lastIndexOf('\n') + 1))
    const context = this.node === undefined ? '' : showNode(this.node)
    throw new Kind(`executing ${goQuote(this.template)} at <${context}>: ${message}`, { name, line, column, context })
  }

  spend (steps: number): void {
    this.#steps += steps
    if (this.#steps > this.#limits.steps) this.fail(`execution takes more than ${this.#limits.steps} steps`, TooManySteps)
  }

  /** The value of a pipeline, whose variables are declared or assigned. */
  pipeline (dot: TemplateValue, pipe: PipeNode): TemplateValue {
    this.node = pipe
    let final: Final = none
    for (const command of pipe.commands) {
      const value: TemplateValue = this.#command(dot, command, final)
      final = value === null ? undefined : value // a pipeline unwraps interfaces, and in a nil one there is no value
    }
    const value = final === none ? undefined : final
    for (const name of pipe.variables) {
      if (pipe.isAssignment) this.#variable(name).value = value
      else this.variables.push({ name, value })
    }
    return value
  }

  #variable (name: string): Variable {
    const at = this.variables.findLastIndex(variable => variable.name === name)
    this.spend((this.variables.length - at) >> 3)
    return this.variables[at] ?? this.fail(`undefined variable: ${name}`)
  }

  #command (dot: TemplateValue, command: CommandNode, final: Final): TemplateValue {
    this.spend(1)
    const { args } = command
    const [first] = args
    const hasArgs = args.length > 1 || final !== none
    switch (first.type) {
      case 'identifier': return this.#function(dot, first, command, args.slice(1), final)
      case 'field': case 'chain': return this.#operand(dot, first, hasArgs)
      case 'variable':
        if (hasArgs && first.path.length === 0) this.#refuseArguments(first)
        break
      default:
        if (hasArgs) this.#refuseArguments(first)
        if (first.type === 'nil') {
          this.node = first
          this.fail('nil is not a command')
        }
    }
    return this.#operand(dot, first, hasArgs)
  }

  #refuseArguments (operand: Operand): never {
    if (operand.type !== 'pipe') this.node = operand
    this.fail(`can't give argument to non-function ${showNode(operand)}`)
  }

  /** The value of one operand. `hasArgs` concerns fields: they take no arguments, unlike the methods that Go also finds there. */
  #operand (dot: TemplateValue, operand: Operand, hasArgs: boolean): TemplateValue {
    if (operand.type !== 'pipe') this.node = operand
    switch (operand.type) {
      case 'dot': return dot
      case 'nil': return undefined
      case 'bool': case 'string': return operand.value
      case 'number': return operand.value === 'overflow' ? this.fail(`${operand.text} overflows int`) : operand.value
      case 'field': return this.#fields(dot, operand.path, hasArgs)
      case 'variable': return this.#fields(this.#variable(operand.variable).value, operand.path, hasArgs)
      case 'identifier': return this.#function(dot, operand, operand, [], none)
      case 'chain': return this.#fields(this.#operand(dot, operand.operand, false), operand.path, hasArgs)
      case 'pipe': return this.pipeline(dot, operand)
    }
  }

  #fields (receiver: TemplateValue, path: readonly string[], hasArgs: boolean): TemplateValue {
    let value = receiver
    // Of a value that came out of another, Go's messages know only the type of that one's elements.
    let type: string | undefined
    for (let i = 0; i < path.length; i++) {
      const name = path[i]!
      if (value === undefined) this.fail(`nil data; no entry for key ${goQuote(name)}`)
      if (value === null) this.fail(`nil pointer evaluating interface {}.${name}`)
      if (!(value instanceof GoMap)) {
        this.fail(`can't evaluate field ${name} in type ${type ?? typeName(value)}`)
      }
      if (hasArgs && i === path.length - 1) this.fail(`${name} is not a method but has arguments`)
      if (!value.has(name)) this.fail(`map has no entry for key ${goQuote(name)}`)
      type = value.elementType
      value = value.get(name)
    }
    return value
  }

  /** Calls a function; `place` is what a message about its failure shows. */
  #function (
    dot: TemplateValue, node: IdentifierNode, place: CommandNode | IdentifierNode, args: readonly Operand[], final: Final
  ): TemplateValue {
    this.node = node
    const name = node.identifier
    const callee = findFunction(name) ?? this.fail(`${goQuote(name)} is not a defined function`)
    const count = args.length + (final === none ? 0 : 1)
    if (callee.variadic && count < callee.fixed) {
      this.fail(`wrong number of args for ${name}: want at least ${callee.fixed} got ${args.length}`)
    }
    if (!callee.variadic && count !== callee.fixed) this.fail(`wrong number of args for ${name}: want ${callee.fixed} got ${count}`)
    const values: TemplateValue[] = []
    for (const arg of args) {
      const value = this.#argument(dot, arg, callee.takesString === true && values.length === 0)
      if (callee.decides === isTrue(value)) return value
      values.push(value)
    }
    if (final !== none) values.push(callee.takesString === true && args.length === 0 ? this.#string(final) : final)
    return this.#call(callee, name, place, values)
  }

  #argument (dot: TemplateValue, arg: Operand, isString: boolean): TemplateValue {
    this.node = arg
    this.spend(1)
    if (!isString) return this.#operand(dot, arg, false)
    if (arg.type === 'nil') this.fail('cannot assign nil to string')
    if (arg.type === 'bool' || arg.type === 'number') this.fail(`expected string; found ${showNode(arg)}`)
    return this.#string(this.#operand(dot, arg, false))
  }

  /** An argument for a parameter of Go's type string. */
  #string (value: TemplateValue): string {
    if (value === undefined) this.fail('invalid value; expected string')
    if (typeof value === 'string') return value
    this.fail(`wrong type for value; expected string; found ${value === null ? 'interface {}' : typeName(value)}`)
  }

  #call (callee: GoFunction, name: string, place: CommandNode | IdentifierNode, values: readonly TemplateValue[]): TemplateValue {
    for (const value of values) if (typeof value === 'string') this.spend(value.length >> 6)
    try {
      const result = callee.call(values, this.#limits.outputBytes)
      if (typeof result === 'string') this.spend(result.length >> 3)
      return result
    } catch (error) {
      if (!(error instanceof TemplateFailure)) throw error
      this.node = place
      this.fail(error.isLimit ? error.message : `error calling ${name}: ${error.message}`)
    }
  }
}
