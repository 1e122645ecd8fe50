// Where decoded values stand in their YAML, and which keys of it nobody reads. Aliases and merge keys are not followed (what comes
// from there has the place of what surrounds it), and of a key that stands twice the last counts.
import type { ValuePath } from '../base/positions.js'
import { nodeText } from '../yaml/node.js'
import { spelled, writtenFields } from './schema.js'
import { eachValue, pathOf } from './values.js'
import type { YamlNode } from '../yaml/node.js'
import type { DocumentForm, Struct, Value } from './schema.js'

type Mapping = Extract<YamlNode, { kind: 'mapping' }>
interface Entry { readonly key: YamlNode, readonly value: YamlNode }

/** A mapping is asked for its keys once for each thing below it, and it may have very many of both. */
const knownEntries = new WeakMap<Mapping, ReadonlyMap<string, Entry>>()

const entriesOf = (node: Mapping): ReadonlyMap<string, Entry> => {
  const known = knownEntries.get(node) ?? new Map(node.pairs.map(pair => [nodeText(pair.key), pair]))
  knownEntries.set(node, known)
  return known
}

const child = (node: YamlNode, step: string | number, form: DocumentForm): YamlNode | undefined =>
  node.kind === 'mapping' && typeof step === 'string'
    ? entriesOf(node).get(spelled(step, form))?.value
    : node.kind === 'sequence' && typeof step === 'number' ? node.items[step] : undefined

/** The node at a path of field names and indexes, or the deepest one on the way there. */
export const nearestNode = (root: YamlNode, path: ValuePath, form: DocumentForm = 'yaml'): { readonly node: YamlNode, readonly exact: boolean } => {
  let node = root
  for (const step of path) {
    const next = child(node, step, form)
    if (next === undefined) return { node, exact: false }
    node = next
  }
  return { node, exact: true }
}

/** The node at a path; undefined where the way there is not all there. */
export const nodeAt = (root: YamlNode | undefined, ...path: ValuePath): YamlNode | undefined =>
  path.reduce<YamlNode | undefined>((node, step) => node === undefined ? undefined : child(node, step, 'yaml'), root)

/** A path as it is written in a document of that form. */
export const writtenPath = (path: ValuePath, form: DocumentForm = 'yaml'): ValuePath => path.map(step => typeof step === 'string' ? spelled(step, form) : step)

export interface UnusedKey {
  readonly key: YamlNode
  /** As the document writes it, with the key at its end. */
  readonly path: ValuePath
  readonly name: string
  /** What could stand there. */
  readonly known: readonly string[]
}

/**
 * Goes through the sections and tells of keys that mean nothing in their place.
 * @param hidden told of a section whose keys cannot be looked at, because it is no mapping where it stands
 */
export const unusedKeys = (
  root: YamlNode, type: Struct, value: Value, unused: (key: UnusedKey) => void,
  hidden: (path: ValuePath, node: YamlNode) => void = () => {}, form: DocumentForm = 'yaml'
): void => {
  eachValue(type, value, (inner, part, trail) => {
    const section = inner.kind === 'custom' ? inner.inside?.(part).type : inner
    if (section?.kind !== 'struct') return
    const path = writtenPath(pathOf(trail), form)
    const { node, exact } = nearestNode(root, pathOf(trail), form)
    if (!exact) return
    if (node.kind !== 'mapping') return hidden(path, node)
    const known = writtenFields(section, form)
    for (const [name, { key }] of entriesOf(node)) {
      if (!known.has(name)) unused({ key, path: [...path, name], name, known: [...known.keys()] })
    }
  })
}
