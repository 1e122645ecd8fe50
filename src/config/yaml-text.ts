// YAML as people write configuration in it: the value, what is wrong with its place, and where in the text a path of it stands.
import { isMap, LineCounter, type Document } from 'yaml'
import { AppError, messageOf } from '../base/errors.js'
import type { TextPosition, ValuePath } from '../base/positions.js'
import { yamlDocument } from './yaml-document.js'

export interface YamlSource {
  /** undefined when something is wrong. */
  readonly value: unknown
  /** `config.yaml:31:1: ...`, a line each. */
  readonly problems: readonly string[]
  /** Of a path, or of the nearest part of it that is written down; counted from 1. */
  readonly placeOf: (path: ValuePath) => TextPosition
}

/** `name` is what the problems call it. */
export function parseYaml (name: string, text: string): YamlSource {
  const lines = new LineCounter()
  const document = yamlDocument(text, lines)
  const at = (path: ValuePath): TextPosition => placeOf(document, lines, path)
  if (document.errors.length > 0) {
    const problems = document.errors.map(fault => {
      const { line, col } = lines.linePos(fault.pos[0])
      return `${name}:${line}:${col}: ${firstLine(fault.message)}`
    })
    return { value: undefined, problems, placeOf: at }
  }
  const { value, problem } = valueOf(document)
  return { value, problems: problem === undefined ? [] : [`${name}:1:1: ${problem}`], placeOf: at }
}

/** The value that somebody gives a key on the command line; AppError usage. */
export function parseValue (key: string, text: string): unknown {
  const document = yamlDocument(text)
  if (document.errors.length > 0) throw new AppError('usage', `--set ${key}: ${firstLine(document.errors[0]?.message ?? '')}`)
  const { value, problem } = valueOf(document)
  if (problem !== undefined) throw new AppError('usage', `--set ${key}: ${problem}`)
  return value ?? ''
}

function placeOf (document: Document, lines: LineCounter, path: ValuePath): TextPosition {
  for (let length = path.length; length > 0; length--) {
    const parent = document.getIn(path.slice(0, length - 1), true)
    const key = path[length - 1]
    const pair = isMap(parent) ? parent.items.find(item => String(item.key) === String(key)) : undefined
    const node = (pair?.key ?? document.getIn(path.slice(0, length), true)) as { range?: readonly number[] | null } | undefined
    const start = node?.range?.[0]
    if (start === undefined) continue
    const { line, col } = lines.linePos(start)
    return { line, column: col }
  }
  return { line: 1, column: 1 }
}

const firstLine = (message: string): string => message.split('\n')[0] ?? message

/** An alias of nothing, and aliases that would make a giant, only show when the value is made. */
function valueOf (document: Document): { readonly value: unknown, readonly problem?: string } {
  try {
    return { value: document.toJS({ maxAliasCount: 100 }) as unknown }
  } catch (error) {
    return { value: undefined, problem: firstLine(messageOf(error)) }
  }
}
