// A Butane document to values by the schema of its dialect, with what the YAML says beside it: where each part stands, and
// which keys nobody reads.
import { decodeYaml } from '../decode.js'
import * as yaml from '../schema.js'
import { asList, eachValue } from '../spec3/value.js'
import { nodeText } from '../../yaml/node.js'
import type { Fields, YamlType } from '../schema.js'
import type { Finding } from '../spec3/checks.js'
import type { Struct, Type, Value, Values } from '../spec3/schema.js'
import type { Path } from '../spec3/value.js'
import type { YamlNode } from '../../yaml/node.js'

/** Aliases may make a short text long; more than this in one config is refused, whatever it is made of. */
export const maximumText = 32 * 1024 * 1024

/** A type that is known only when it runs, so that its value has no TypeScript type either. */
type UnknownStruct = Extract<YamlType, { kind: 'struct' }>

const fieldsOf = (struct: Struct): Fields =>
  Object.fromEntries(struct.fields.flatMap(field => field.only === 'ignition' ? [] : [[field.yaml, yamlType(field.type)]]))

const yamlType = (type: Type): YamlType => {
  if (type.kind === 'list') return yaml.list(yamlType(type.of), type.name)
  const plain: YamlType = type.kind === 'struct' ? yaml.struct(type.of.name, fieldsOf(type.of)) : { kind: type.kind, goType: type.name }
  return type.optional ? yaml.optional(plain) : plain
}

/** Throws YamlError as decodeYaml does. */
export const decodeDocument = (root: YamlNode, config: Struct): Values =>
  renamed(config, decodeYaml<UnknownStruct>(root, { kind: 'struct', goType: config.name, fields: fieldsOf(config) }, 'v3') as Values)

/** The decoder names fields as YAML does; from here on they have their JSON names. */
const renamed = (struct: Struct, decoded: Values): Values =>
  Object.fromEntries(struct.fields.map(field => [field.json, renamedValue(field.type, field.only === 'ignition' ? '' : decoded[field.yaml])]))

const renamedValue = (type: Type, value: Value): Value => {
  if (value === undefined) return undefined
  if (type.kind === 'struct') return renamed(type.of, value as Values)
  return type.kind === 'list' ? asList(value).map(item => renamedValue(type.of, item)) : value
}

/** How much text the config holds once its aliases are followed, in characters. */
export const textSize = (struct: Struct, values: Values): number => {
  let size = 0
  eachValue(struct, values, 'yaml', (_, value) => { if (typeof value === 'string') size += value.length })
  return size
}

type Mapping = Extract<YamlNode, { kind: 'mapping' }>

/** A mapping is asked for its keys once for each thing below it, and it may have very many of both. */
const knownKeys = new WeakMap<Mapping, ReadonlyMap<string, YamlNode>>()

const keysOf = (node: Mapping): ReadonlyMap<string, YamlNode> => {
  const known = knownKeys.get(node) ?? new Map(node.pairs.map(({ key, value }) => [nodeText(key), value]))
  knownKeys.set(node, known)
  return known
}

const child = (node: YamlNode, step: string | number): YamlNode | undefined =>
  node.kind === 'mapping' && typeof step === 'string'
    ? keysOf(node).get(step)
    : node.kind === 'sequence' && typeof step === 'number' ? node.items[step] : undefined

/** The node at a path, or the deepest one on the way there. Aliases are not followed: the place is where the alias stands. */
export const nearestNode = (root: YamlNode, path: Path): { readonly node: YamlNode, readonly exact: boolean } => {
  let node = root
  for (const step of path) {
    const next = child(node, step)
    if (next === undefined) return { node, exact: false }
    node = next
  }
  return { node, exact: true }
}

/** A finding about a key stands at the key, not at its value. */
export interface Located extends Finding { readonly node?: YamlNode }

/** Keys that mean nothing in their place, and sections whose keys cannot be looked at because they came by an alias. */
export const unusedKeys = (root: YamlNode, struct: Struct, values: Values): readonly Located[] => {
  const found: Located[] = []
  eachValue(struct, values, 'yaml', (type, _, path) => {
    if (type.kind !== 'struct') return
    const { node, exact } = nearestNode(root, path)
    if (!exact) return
    if (node.kind !== 'mapping') {
      const text = ['$', ...path].join('.')
      const message = `context tree does not match content tree at ${text}. ` +
        'Line and column reporting may be inconsistent. Unused keys may not be reported.'
      found.push({ kind: 'warning', path, message })
      return
    }
    const known = new Set(type.of.fields.flatMap(field => field.only === 'ignition' ? [] : [field.yaml]))
    for (const { key } of node.pairs) {
      const name = nodeText(key)
      if (!known.has(name)) found.push({ kind: 'warning', path: [...path, name], message: `Unused key ${name}`, node: key })
    }
  })
  return found
}
