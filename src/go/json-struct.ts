// A JSON object read into named fields as Go's encoding/json fills a struct: keys match without regard to case, a key
// that repeats is read again over what it left, null leaves a value as it is, and unknown keys are passed over.
import { type JsonNode, JsonMembers } from './json.js'

/** A value of another type than its field takes; `field` is its dotted name. */
export class FieldError extends Error {
  override readonly name = 'FieldError'
  constructor (field: string, expected: string, node: JsonNode) {
    super(`${field} has to be ${expected}, not ${kindOf(node)}`)
  }
}

export function kindOf (node: JsonNode): string {
  if (node instanceof JsonMembers) return 'an object'
  if (node === null) return 'null'
  return Array.isArray(node) ? 'an array' : `a ${typeof node}`
}

// Go folds case by Unicode's simple folding, where these two letters belong to s and k.
const fold = (key: string): string => key.replaceAll('\u017f', 's').replaceAll('\u212a', 'k').toLowerCase()

/** The members of an object by their field's name, in the order they were written. */
export function fieldsOf (node: JsonNode, what: string, names: readonly string[]): Array<readonly [string, JsonNode]> {
  if (node === null) return []
  if (!(node instanceof JsonMembers)) throw new FieldError(what, 'an object', node)
  const found: Array<readonly [string, JsonNode]> = []
  for (const [key, value] of node.list) {
    const name = names.includes(key) ? key : names.find(n => n === fold(key))
    if (name !== undefined) found.push([name, value])
  }
  return found
}

export function stringField (field: string, node: JsonNode, before: string): string {
  if (node === null) return before
  if (typeof node !== 'string') throw new FieldError(field, 'a string', node)
  return node
}

/** A list of strings, whose nulls are empty strings; null instead of the list is no list. */
export function stringsField (field: string, node: JsonNode): readonly string[] {
  if (node === null) return []
  if (node instanceof JsonMembers || !Array.isArray(node)) throw new FieldError(field, 'a list of strings', node)
  return node.map((item: JsonNode) => stringField(`${field}[]`, item, ''))
}
