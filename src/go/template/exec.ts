// Executes parse trees as Go 1.19's text/template does with Option("missingkey=error"). What has been entered and not left stands
// on a stack of frames of our own, since templates that call one another nest deeper than JavaScript's stack.
import { goQuote } from '../quote.js'
import { byteLength } from '../string.js'
import { Evaluator, type Variable } from './eval.js'
import { NoSuchTemplate } from './template-error.js'
import { TemplateFailure } from './failure.js'
import { maxFrames, type TemplateLimits } from './limits.js'
import type { BranchNode, ParseNode, TemplateNode } from './nodes.js'
import type { TemplateSource, Trees } from './parse.js'
import { brief, sprint } from './print.js'
import { GoMap, GoSlice, isTrue, type TemplateValue } from './value.js'

/** A list of nodes being executed. */
interface Frame {
  readonly nodes: readonly ParseNode[]
  /** The next node. */
  at: number
  dot: TemplateValue
  /** How many variables stay when the list ends. */
  readonly scope: number
  /** Set for the body of a {{range}}. */
  readonly loop?: Loop
  /** Set for the body of a template: what the caller goes on with. */
  readonly caller?: { readonly template: string, readonly place: TemplateSource, readonly variables: Variable[] }
}

interface Loop {
  readonly node: BranchNode
  readonly elements: GoSlice | GoMap
  /** How many variables stay when an iteration ends. */
  readonly body: number
  /** The next iteration. */
  index: number
}

class Execution {
  readonly #trees: Trees
  readonly #place: TemplateSource
  readonly #limits: TemplateLimits
  readonly #evaluator: Evaluator
  readonly #frames: Frame[] = []
  readonly #output: string[] = []
  #length = 0
  #templateDepth = 0

  constructor (name: string, source: string, trees: Trees, limits: TemplateLimits) {
    this.#trees = trees
    this.#place = { name, source }
    this.#limits = limits
    this.#evaluator = new Evaluator(name, source, limits)
  }

  run (name: string, data: TemplateValue): string {
    this.#evaluator.variables = [{ name: '$', value: data }]
    this.#push({ nodes: this.#trees.get(name) ?? [], at: 0, dot: data, scope: 1 })
    try {
      for (let frame = this.#frames.at(-1); frame !== undefined; frame = this.#frames.at(-1)) {
        const node = frame.nodes[frame.at++]
        if (node !== undefined) this.#walk(frame.dot, node)
        else if (frame.loop === undefined || !this.#iterate(frame, frame.loop)) this.#pop()
      }
    } catch (error) {
      if (error instanceof TemplateFailure) this.#evaluator.fail(error.message)
      throw error
    }
    return this.#output.join('')
  }

  #push (frame: Frame): void {
    if (this.#frames.length >= maxFrames) this.#evaluator.fail(`actions and templates are nested deeper than ${maxFrames} levels`)
    this.#frames.push(frame)
  }

  #pop (): Frame | undefined {
    const frame = this.#frames.pop()
    if (frame?.caller !== undefined) {
      this.#evaluator.template = frame.caller.template
      this.#evaluator.place = frame.caller.place
      this.#evaluator.variables = frame.caller.variables
      this.#templateDepth--
    } else if (frame !== undefined) {
      this.#evaluator.variables.length = frame.scope
    }
    return frame
  }

  #walk (dot: TemplateValue, node: ParseNode): void {
    this.#evaluator.node = node
    this.#evaluator.spend(1)
    switch (node.type) {
      case 'text': return this.#write(node.text)
      case 'action': {
        const value = this.#evaluator.pipeline(dot, node.pipe)
        if (node.pipe.variables.length > 0) return // they stay until the list ends, and nothing is printed
        this.#evaluator.node = node
        return this.#print(value)
      }
      case 'if': case 'with': return this.#branch(dot, node)
      case 'range': return this.#range(dot, node)
      case 'template': return this.#call(dot, node)
      case 'break': case 'continue': return this.#jump(node.type)
    }
  }

  #write (text: string): void {
    this.#length += byteLength(text)
    if (this.#length > this.#limits.outputBytes) this.#evaluator.fail(`output is larger than ${this.#limits.outputBytes} bytes`)
    this.#output.push(text)
  }

  #print (value: TemplateValue): void {
    const text = typeof value === 'string' ? value : value === undefined ? '<no value>' : sprint([value], this.#limits.outputBytes)
    this.#evaluator.spend(text.length >> 6)
    this.#write(text)
  }

  /** {{if}} with its chain of {{else if}}, or {{with}}. */
  #branch (dot: TemplateValue, first: BranchNode): void {
    const scope = this.#evaluator.variables.length
    for (let node = first; ;) {
      const value = this.#evaluator.pipeline(dot, node.pipe)
      const { otherwise } = node
      if (isTrue(value)) {
        return this.#push({ nodes: node.list, at: 0, dot: node.type === 'with' ? value : dot, scope })
      } else if (otherwise !== undefined && 'type' in otherwise) {
        node = otherwise
      } else {
        return this.#push({ nodes: otherwise ?? [], at: 0, dot, scope })
      }
    }
  }

  #range (dot: TemplateValue, node: BranchNode): void {
    const scope = this.#evaluator.variables.length
    const elements = this.#evaluator.pipeline(dot, node.pipe)
    const isCollection = elements instanceof GoSlice || elements instanceof GoMap
    if (!isCollection && elements !== undefined) this.#evaluator.fail(`range can't iterate over ${brief(elements, 'v')}`)
    if (isCollection && elements.length > 0) {
      this.#evaluator.spend(elements.length >> 6)
      const loop: Loop = { node, elements, body: this.#evaluator.variables.length, index: 0 }
      // Past the end of the list, so that the first iteration is begun like the others.
      return this.#push({ nodes: node.list, at: node.list.length, dot, scope, loop })
    }
    const otherwise = node.otherwise === undefined || 'type' in node.otherwise ? [] : node.otherwise
    this.#push({ nodes: otherwise, at: 0, dot, scope })
  }

  /** Begins the next iteration of a loop. False where there is none. */
  #iterate (frame: Frame, loop: Loop): boolean {
    const { elements, index, node: { pipe } } = loop
    if (index >= elements.length) return false
    loop.index++
    const key = elements instanceof GoMap ? elements.keys[index]! : BigInt(index)
    const element = typeof key === 'string' ? (elements as GoMap).get(key) : (elements as GoSlice).at(index)
    this.#evaluator.spend(1)
    this.#evaluator.variables.length = loop.body
    // Go 1.19 sets the variables on top of the stack, whatever they are: with `=` for `:=` those need not be the ones named
    // (golang/go issue 56490), and a template that works with it relies on that.
    if (pipe.variables.length > 0) this.#setTop(1, element)
    if (pipe.variables.length > 1) this.#setTop(2, key)
    frame.dot = element
    frame.at = 0
    return true
  }

  #setTop (fromTop: number, value: TemplateValue): void {
    const variable = this.#evaluator.variables.at(-fromTop)
    if (variable === undefined) this.#evaluator.fail('range assigns to more variables than there are')
    variable.value = value
  }

  #jump (type: 'break' | 'continue'): void {
    // The parser lets them stand only inside a {{range}} of the same template.
    while (this.#frames.at(-1)?.loop === undefined) this.#pop()
    const frame = this.#frames.at(-1)
    if (type === 'break') this.#pop()
    else if (frame !== undefined) frame.at = frame.nodes.length
  }

  #call (dot: TemplateValue, { template, pipe }: TemplateNode): void {
    const nodes = this.#trees.get(template)
    if (nodes === undefined) this.#evaluator.fail(`template ${goQuote(template)} not defined`, NoSuchTemplate)
    const { templateDepth } = this.#limits
    if (this.#templateDepth >= templateDepth) this.#evaluator.fail(`exceeded maximum template depth (${templateDepth})`)
    const value = pipe === undefined ? undefined : this.#evaluator.pipeline(dot, pipe)
    const caller = { template: this.#evaluator.template, place: this.#evaluator.place, variables: this.#evaluator.variables }
    this.#evaluator.template = template
    this.#evaluator.place = nodes.place ?? this.#place
    this.#evaluator.variables = [{ name: '$', value }]
    this.#templateDepth++
    this.#push({ nodes, at: 0, dot: value, scope: 1, caller })
  }
}

/** The output of the tree called `name`. Throws TemplateError. */
export const execute = (name: string, source: string, trees: Trees, data: TemplateValue, limits: TemplateLimits): string =>
  new Execution(name, source, trees, limits).run(name, data)
