// Every value of a group or profile that is of another kind than its key takes: what reads them stops at the first.
import type { ValuePath } from '../base/positions.js'
import { type JsonNode, JsonMembers, parseJson } from '../go/json.js'
import { FieldError, fieldsOf } from '../go/json-struct.js'
import { bootFields, profileFields } from '../matchbox/profile.js'
import { groupFields } from '../matchbox/group.js'
import type { Finding } from './finding.js'
import type { JsonPlaces } from './json-places.js'
import { storeFinding } from './store-rules.js'

type Misfits = readonly FieldError[]

/** In the words of what reads them. */
const wrong = (path: ValuePath, expected: string, node: JsonNode): Misfits => [new FieldError(path, expected, node)]

const string = (path: ValuePath, node: JsonNode): Misfits => node === null || typeof node === 'string' ? [] : wrong(path, 'a string', node)
const flag = (path: ValuePath, node: JsonNode): Misfits => node === null || typeof node === 'boolean' ? [] : wrong(path, 'true or false', node)
const strings = (path: ValuePath, node: JsonNode): Misfits => node === null
  ? []
  : node instanceof JsonMembers || !Array.isArray(node) ? wrong(path, 'a list of strings', node) : node.flatMap((item: JsonNode, n) => string([...path, n], item))

function members (path: ValuePath, node: JsonNode, each: (key: string, value: JsonNode) => Misfits): Misfits {
  if (node === null) return []
  return node instanceof JsonMembers ? node.list.flatMap(([key, value]) => each(key, value)) : wrong(path, 'an object', node)
}

function inGroup (key: string, node: JsonNode): Misfits {
  if (key === 'selector') return members([key], node, (label, value) => string([key, label], value))
  return key === 'metadata' ? members([key], node, () => []) : string([key], node)
}

function inProfile (key: string, node: JsonNode): Misfits {
  if (key !== 'boot') return string([key], node)
  if (node !== null && !(node instanceof JsonMembers)) return wrong([key], 'an object', node)
  return fieldsOf(node, [key], bootFields).flatMap(([name, value]) => {
    const path = [key, name]
    return name === 'initrd' || name === 'args' ? strings(path, value) : name === 'resilient' ? flag(path, value) : string(path, value)
  })
}

/** Nothing of what is no JSON, or no object. */
export function typeFaults (kind: 'group' | 'profile', bytes: Buffer, places: JsonPlaces): readonly Finding[] {
  let root: JsonNode
  try {
    root = parseJson(bytes)
  } catch {
    return []
  }
  if (!(root instanceof JsonMembers)) return []
  const [names, look] = kind === 'group' ? [groupFields, inGroup] as const : [profileFields, inProfile] as const
  return fieldsOf(root, kind, names).flatMap(([key, node]) => look(key, node)).map(({ path, message }) => storeFinding('unreadable', places.of(...path), message))
}
