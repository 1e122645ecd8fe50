// Executes parse trees as Go 1.19's text/template does with Option("missingkey=error"): evaluation, scopes, and the place of an
// error. What Go leaves to its stack, its heap and patience is bounded here.
import { Failure } from './failure.js'
import { findFunction, type GoFunction } from './funcs.js'
import {
  showNode, type BranchNode, type ChainNode, type CommandNode, type IdentifierNode, type Node, type Operand, type PipeNode,
  type TemplateNode
} from './nodes.js'
import type { Trees } from './parse.js'
import { quote } from './quote.js'
import { sprint } from './print.js'
import { TemplateError } from './template-error.js'
import { GoMap, GoSlice, isTrue, typeName, type Value } from './value.js'

export interface Limits {
  /** The most bytes of output, and of any one string that a template builds on the way. */
  readonly outputBytes: number
  /** The most work: about one for each node evaluated, and one for each 64 bytes handed to or made by a function. */
  readonly steps: number
  /** The most nested calls of templates (Go: 100,000, which it keeps on a stack of a gigabyte). */
  readonly templateDepth: number
}

export const defaultLimits: Limits = { outputBytes: 16 * 1024 * 1024, steps: 10_000_000, templateDepth: 1000 }

// Lists, pipelines and templates inside one another while executing: what fits on a JavaScript stack of the usual megabyte.
const maxDepth = 2600

interface Variable { readonly name: string, value: Value }

/** The previous command's value in a pipeline; `none` for the first command (a value may be undefined). */
const none = Symbol('no value piped')
type Final = Value | typeof none

type Located = Node | Operand | CommandNode

type Jump = 'break' | 'continue' | undefined

class Execution {
  readonly #name: string
  readonly #source: string
  readonly #trees: Trees
  readonly #limits: Limits
  readonly #output: string[] = []
  #length = 0
  #steps = 0
  #depth = 0
  #templateDepth = 0
  /** The template being executed, and where in it: for messages. */
  #template: string
  #node: Located | undefined
  #variables: Variable[]

  constructor (name: string, source: string, trees: Trees, data: Value, limits: Limits) {
    this.#name = name
    this.#source = source
    this.#trees = trees
    this.#limits = limits
    this.#template = name
    this.#variables = [{ name: '$', value: data }]
  }

  run (data: Value): string {
    try {
      this.#list(data, this.#trees.get(this.#name) ?? [])
    } catch (error) {
      if (error instanceof Failure) this.#fail(error.message)
      // Only if the caller's own stack is nearly used up: maxDepth leaves room otherwise.
      if (error instanceof RangeError && error.message.includes('call stack')) this.#fail('actions are nested too deeply')
      throw error
    }
    return this.#output.join('')
  }

  #fail (message: string): never {
    const position = this.#node?.position ?? 0
    const before = this.#source.slice(0, position)
    const line = before.split('\n').length
    const column = position - (before.lastIndexOf('\n') + 1)
    const context = this.#node === undefined ? '' : showNode(this.#node)
    throw new TemplateError(
      `template: ${this.#name}:${line}:${column}: executing ${quote(this.#template)} at <${context}>: ${message}`,
      this.#name, line, column)
  }

  #spend (steps: number): void {
    this.#steps += steps
    if (this.#steps > this.#limits.steps) this.#fail(`execution takes more than ${this.#limits.steps} steps`)
  }

  #enter (): void {
    this.#spend(1)
    if (this.#depth >= maxDepth) this.#fail(`actions are nested deeper than ${maxDepth} levels`)
    this.#depth++
  }

  #write (bytes: string): void {
    this.#length += bytes.length
    if (this.#length > this.#limits.outputBytes) this.#fail(`output is larger than ${this.#limits.outputBytes} bytes`)
    this.#output.push(bytes)
  }

  #list (dot: Value, nodes: readonly Node[]): Jump {
    this.#enter()
    let jump: Jump
    for (const node of nodes) {
      jump = this.#walk(dot, node)
      if (jump !== undefined) break
    }
    this.#depth--
    return jump
  }

  #walk (dot: Value, node: Node): Jump {
    this.#node = node
    this.#spend(1)
    switch (node.type) {
      case 'text':
        this.#write(node.text)
        return undefined
      case 'action': {
        const value = this.#pipeline(dot, node.pipe)
        if (node.pipe.variables.length > 0) return undefined
        this.#node = node
        this.#print(value)
        return undefined
      }
      case 'template':
        this.#call(dot, node)
        return undefined
      case 'range': return this.#range(dot, node)
      case 'break': case 'continue': return node.type
      default: return this.#branch(dot, node)
    }
  }

  #print (value: Value): void {
    const text = typeof value === 'string' ? value : value === undefined ? '<no value>' : sprint([value], this.#limits.outputBytes)
    this.#spend(text.length >> 6)
    this.#write(text)
  }

  /** {{if}} with its chain of {{else if}}, or {{with}}. */
  #branch (dot: Value, first: BranchNode): Jump {
    const scope = this.#variables.length
    let jump: Jump
    for (let node: BranchNode | undefined = first; node !== undefined;) {
      const value = this.#pipeline(dot, node.pipe)
      const { otherwise }: BranchNode = node
      if (isTrue(value)) {
        jump = this.#list(node.type === 'with' ? value : dot, node.list)
      } else if (otherwise !== undefined && 'type' in otherwise) {
        node = otherwise
        continue
      } else if (otherwise !== undefined) {
        jump = this.#list(dot, otherwise as readonly Node[])
      }
      break
    }
    this.#variables.length = scope
    return jump
  }

  #range (dot: Value, node: BranchNode): Jump {
    const scope = this.#variables.length
    const value = this.#pipeline(dot, node.pipe)
    let jump: Jump
    if (value instanceof GoSlice || value instanceof GoMap) {
      const keys = value instanceof GoMap ? value.keys : undefined
      this.#spend(value.length >> 6)
      const body = this.#variables.length
      for (let i = 0; i < value.length; i++) {
        const element = value instanceof GoMap ? value.get(keys![i]!) : value.at(i)
        jump = this.#iteration(node, keys === undefined ? BigInt(i) : keys[i], element)
        this.#variables.length = body
        if (jump === 'break') break
      }
      if (value.length === 0) jump = this.#else(dot, node)
      else jump = undefined
    } else if (value === undefined) {
      jump = this.#else(dot, node)
    } else {
      this.#fail(`range can't iterate over ${sprint([value], 1000)}`)
    }
    this.#variables.length = scope
    return jump
  }

  #else (dot: Value, { otherwise }: BranchNode): Jump {
    return otherwise === undefined || 'type' in otherwise ? undefined : this.#list(dot, otherwise)
  }

  #iteration ({ pipe, list }: BranchNode, key: Value, element: Value): Jump {
    // Go 1.19 sets the variables on top of the stack, whatever they are: with `=` for `:=` those need not be the ones named
    // (golang/go issue 56490), and a template that works with it relies on that.
    if (pipe.variables.length > 0) this.#setTop(1, element)
    if (pipe.variables.length > 1) this.#setTop(2, key)
    return this.#list(element, list)
  }

  #setTop (fromTop: number, value: Value): void {
    const variable = this.#variables[this.#variables.length - fromTop]
    if (variable === undefined) this.#fail('range assigns to more variables than there are')
    variable.value = value
  }

  #call (dot: Value, { template, pipe }: TemplateNode): void {
    const nodes = this.#trees.get(template)
    if (nodes === undefined) this.#fail(`template ${quote(template)} not defined`)
    const { templateDepth } = this.#limits
    if (this.#templateDepth >= templateDepth) this.#fail(`exceeded maximum template depth (${templateDepth})`)
    const value = pipe === undefined ? undefined : this.#pipeline(dot, pipe)
    const caller = { template: this.#template, variables: this.#variables }
    this.#template = template
    this.#variables = [{ name: '$', value }]
    this.#templateDepth++
    this.#list(value, nodes)
    this.#templateDepth--
    this.#template = caller.template
    this.#variables = caller.variables
  }

  #pipeline (dot: Value, pipe: PipeNode): Value {
    this.#enter()
    this.#node = pipe
    let final: Final = none
    for (const command of pipe.commands) {
      const value: Value = this.#command(dot, command, final)
      final = value === null ? undefined : value // a pipeline unwraps interfaces, and in a nil one there is no value
    }
    const value = final === none ? undefined : final
    for (const name of pipe.variables) {
      if (pipe.isAssignment) this.#variable(name).value = value
      else this.#variables.push({ name, value })
    }
    this.#depth--
    return value
  }

  #variable (name: string): Variable {
    return this.#variables.findLast(variable => variable.name === name) ?? this.#fail(`undefined variable: ${name}`)
  }

  #command (dot: Value, command: CommandNode, final: Final): Value {
    this.#spend(1)
    const { args } = command
    const [first] = args
    const hasArgs = args.length > 1 || final !== none
    switch (first.type) {
      case 'identifier': return this.#function(dot, first, command, args.slice(1), final)
      case 'field':
      case 'chain':
        break
      case 'variable':
        if (first.path.length > 0) break
        this.#node = first
        this.#variable(first.variable)
        this.#refuseArguments(first, hasArgs)
        break
      default:
        if (first.type !== 'pipe') this.#node = first
        this.#refuseArguments(first, hasArgs)
        if (first.type === 'nil') this.#fail('nil is not a command')
    }
    return this.#operand(dot, first, hasArgs)
  }

  #refuseArguments (operand: Operand, hasArgs: boolean): void {
    if (hasArgs) this.#fail(`can't give argument to non-function ${showNode(operand)}`)
  }

  /** The value of one operand. `hasArgs` concerns fields: they take no arguments, unlike the methods that Go also finds there. */
  #operand (dot: Value, operand: Operand, hasArgs: boolean): Value {
    if (operand.type !== 'pipe') this.#node = operand
    switch (operand.type) {
      case 'dot': return dot
      case 'nil': return undefined
      case 'bool': case 'string': return operand.value
      case 'number':
        if (operand.value === 'overflow') this.#fail(`${operand.text} overflows int`)
        return operand.value
      case 'field': return this.#fields(dot, operand.path, hasArgs)
      case 'variable': return this.#fields(this.#variable(operand.variable).value, operand.path, hasArgs)
      case 'identifier': return this.#function(dot, operand, operand, [], none)
      case 'chain': return this.#chain(dot, operand, hasArgs)
      case 'pipe': return this.#pipeline(dot, operand)
    }
  }

  #chain (dot: Value, chain: ChainNode, hasArgs: boolean): Value {
    return this.#fields(this.#operand(dot, chain.operand, false), chain.path, hasArgs)
  }

  #fields (receiver: Value, path: readonly string[], hasArgs: boolean): Value {
    let value = receiver
    path.forEach((name, i) => {
      // Where Go knows only that the value came out of an interface{}, its messages say no more.
      const from = (): string => i > 0 || value === null ? 'interface {}' : typeName(value as Exclude<Value, undefined | null>)
      if (value === undefined) this.#fail(`nil data; no entry for key ${quote(name)}`)
      if (value === null) this.#fail(`nil pointer evaluating ${from()}.${name}`)
      if (!(value instanceof GoMap)) this.#fail(`can't evaluate field ${name} in type ${from()}`)
      if (hasArgs && i === path.length - 1) this.#fail(`${name} is not a method but has arguments`)
      if (!value.has(name)) this.#fail(`map has no entry for key ${quote(name)}`)
      value = value.get(name)
    })
    return value
  }

  /** Calls a function; `place` is what a message about its failure shows. */
  #function (dot: Value, node: IdentifierNode, place: CommandNode | IdentifierNode, args: readonly Operand[], final: Final): Value {
    this.#node = node
    const name = node.identifier
    const callee = findFunction(name) ?? this.#fail(`${quote(name)} is not a defined function`)
    const count = args.length + (final === none ? 0 : 1)
    if (callee.variadic && count < callee.fixed) {
      this.#fail(`wrong number of args for ${name}: want at least ${callee.fixed} got ${args.length}`)
    }
    if (!callee.variadic && count !== callee.fixed) this.#fail(`wrong number of args for ${name}: want ${callee.fixed} got ${count}`)
    const values: Value[] = []
    for (const [i, arg] of args.entries()) {
      const value = this.#argument(dot, arg, callee, i)
      if (callee.decides === isTrue(value)) return value
      values.push(value)
    }
    if (final !== none) values.push(callee.takesString === true && args.length === 0 ? this.#string(final) : final)
    return this.#invoke(callee, name, place, values)
  }

  #argument (dot: Value, arg: Operand, callee: GoFunction, at: number): Value {
    this.#node = arg
    this.#spend(1)
    if (callee.takesString !== true || at > 0) return this.#operand(dot, arg, false)
    if (arg.type === 'nil') this.#fail('cannot assign nil to string')
    if (arg.type === 'bool' || arg.type === 'number') this.#fail(`expected string; found ${showNode(arg)}`)
    return this.#string(this.#operand(dot, arg, false))
  }

  /** An argument for a parameter of Go's type string. */
  #string (value: Value): string {
    if (value === undefined) this.#fail('invalid value; expected string')
    if (typeof value === 'string') return value
    this.#fail(`wrong type for value; expected string; found ${value === null ? 'interface {}' : typeName(value)}`)
  }

  #invoke (callee: GoFunction, name: string, place: CommandNode | IdentifierNode, values: readonly Value[]): Value {
    let bytes = 0
    for (const value of values) if (typeof value === 'string') bytes += value.length
    try {
      const result = callee.call(values, this.#limits.outputBytes)
      this.#spend((bytes + (typeof result === 'string' ? result.length : 0)) >> 6)
      return result
    } catch (error) {
      if (!(error instanceof Failure)) throw error
      this.#node = place
      this.#fail(error.isLimit ? error.message : `error calling ${name}: ${error.message}`)
    }
  }
}

/** The output of the tree called `name`, as a byte string. Throws TemplateError. */
export const execute = (name: string, source: string, trees: Trees, data: Value, limits: Limits): string =>
  new Execution(name, source, trees, data, limits).run(data)
