// The parse tree of a template, and how a message shows a part of it. A node is plain, readonly data;
// positions are in units of the JavaScript string.
import { goQuote } from '../quote.js'
import type { Constant } from './number.js'

interface Positioned { readonly position: number }

export interface DotNode extends Positioned { readonly type: 'dot' }
export interface NilNode extends Positioned { readonly type: 'nil' }
export interface BoolNode extends Positioned { readonly type: 'bool', readonly value: boolean }
export interface NumberNode extends Positioned { readonly type: 'number', readonly text: string, readonly value: Constant }
export interface StringNode extends Positioned { readonly type: 'string', readonly literal: string, readonly value: string }
/** `.a.b` */
export interface FieldNode extends Positioned { readonly type: 'field', readonly path: readonly string[] }
/** `$x.a.b` */
export interface VariableNode extends Positioned { readonly type: 'variable', readonly variable: string, readonly path: readonly string[] }
/** A function's name. */
export interface IdentifierNode extends Positioned { readonly type: 'identifier', readonly identifier: string }
/** `(pipeline).a.b` */
export interface ChainNode extends Positioned { readonly type: 'chain', readonly operand: Operand, readonly path: readonly string[] }

export interface PipeNode extends Positioned {
  readonly type: 'pipe'
  /** The variables it declares, or assigns to. */
  readonly variables: readonly string[]
  readonly isAssignment: boolean
  readonly commands: readonly CommandNode[]
}

export type Operand =
  | DotNode | NilNode | BoolNode | NumberNode | StringNode | FieldNode | VariableNode | IdentifierNode | ChainNode | PipeNode

export interface CommandNode extends Positioned { readonly type: 'command', readonly args: readonly [Operand, ...Operand[]] }

export interface TextNode extends Positioned { readonly type: 'text', readonly text: string }
export interface ActionNode extends Positioned { readonly type: 'action', readonly pipe: PipeNode }
export interface TemplateNode extends Positioned { readonly type: 'template', readonly template: string, readonly pipe: PipeNode | undefined }
export interface BranchNode extends Positioned {
  readonly type: 'if' | 'range' | 'with'
  readonly pipe: PipeNode
  readonly list: readonly ParseNode[]
  /** The nodes of {{else}}, or the node of {{else if}}. */
  readonly otherwise: readonly ParseNode[] | BranchNode | undefined
}
export interface JumpNode extends Positioned { readonly type: 'break' | 'continue' }

export type ParseNode = TextNode | ActionNode | TemplateNode | BranchNode | JumpNode

export function showNode (node: ParseNode | Operand | CommandNode): string {
  switch (node.type) {
    case 'dot': return '.'
    case 'nil': return 'nil'
    case 'bool': return String(node.value)
    case 'number': return node.text
    case 'string': return node.literal
    case 'field': return node.path.map(name => '.' + name).join('')
    case 'variable': return [node.variable, ...node.path].join('.')
    case 'identifier': return node.identifier
    case 'chain': return [parenthesised(node.operand), ...node.path].join('.')
    case 'command': return node.args.map(parenthesised).join(' ')
    case 'pipe': return showPipe(node)
    case 'text': return goQuote(node.text)
    case 'action': return `{{${showPipe(node.pipe)}}}`
    case 'template': return `{{template ${goQuote(node.template)}${node.pipe === undefined ? '' : ' ' + showPipe(node.pipe)}}}`
    case 'break': case 'continue': return `{{${node.type}}}`
    default: return `{{${node.type} ${showPipe(node.pipe)}}}`
  }
}

const parenthesised = (operand: Operand): string => operand.type === 'pipe' ? `(${showPipe(operand)})` : showNode(operand)

function showPipe (pipe: PipeNode): string {
  const commands = pipe.commands.map(showNode).join(' | ')
  return pipe.variables.length === 0 ? commands : `${pipe.variables.join(', ')} ${pipe.isAssignment ? '=' : ':='} ${commands}`
}
