// A JSON object read into named fields as Go's encoding/json fills a struct: keys match without regard to case, a key
// that repeats is read again over what it left, null leaves a value as it is, and unknown keys are passed over.
import type { ValuePath } from '../base/positions.js'
import { type JsonNode, JsonMembers } from './json.js'

/** A value of another type than its field takes. */
export class FieldError extends Error {
  override readonly name = 'FieldError'
  readonly path: ValuePath

  /** `what` is what a person calls it. */
  constructor (path: ValuePath, expected: string, node: JsonNode, what = fieldText(path)) {
    super(`${what} has to be ${expected}, not ${kindOf(node)}`)
    this.path = path
  }
}

/** A name is the path of a field of the document itself. */
const pathOf = (field: string | ValuePath): ValuePath => typeof field === 'string' ? [field] : field

/** `boot.initrd[]`. */
const fieldText = (path: ValuePath): string => path.map((step, n) => typeof step === 'number' ? '[]' : `${n === 0 ? '' : '.'}${step}`).join('')

/** Of what is not null, which stands for nothing said. */
export function kindOf (node: JsonNode): string {
  if (node instanceof JsonMembers) return 'an object'
  return Array.isArray(node) ? 'an array' : `a ${typeof node}`
}

// Go folds case by Unicode's simple folding, where these two letters belong to s and k.
const fold = (key: string): string => key.replaceAll('\u017f', 's').replaceAll('\u212a', 'k').toLowerCase()

/** The members of an object by their field's name, in the order they were written; `what` is its path, or what a document is called. */
export function fieldsOf (node: JsonNode, what: string | ValuePath, names: readonly string[]): Array<readonly [string, JsonNode]> {
  if (node === null) return []
  if (!(node instanceof JsonMembers)) throw typeof what === 'string' ? new FieldError([], 'an object', node, what) : new FieldError(what, 'an object', node)
  const found: Array<readonly [string, JsonNode]> = []
  for (const [key, value] of node.list) {
    const name = names.includes(key) ? key : names.find(n => n === fold(key))
    if (name !== undefined) found.push([name, value])
  }
  return found
}

export function stringField (field: string | ValuePath, node: JsonNode, before: string): string {
  if (node === null) return before
  if (typeof node !== 'string') throw new FieldError(pathOf(field), 'a string', node)
  return node
}

/** A list of strings, whose nulls are empty strings; null instead of the list is no list. */
export function stringsField (field: string | ValuePath, node: JsonNode): readonly string[] {
  if (node === null) return []
  if (node instanceof JsonMembers || !Array.isArray(node)) throw new FieldError(pathOf(field), 'a list of strings', node)
  return node.map((item: JsonNode, n) => stringField([...pathOf(field), n], item, ''))
}
