// The YAML tree as the validators see it. They look neither behind aliases nor into merge keys (what comes from there has the
// place of what surrounds it), and of a key that stands twice they see the last.
import { nodeText } from '../yaml/node.js'
import type { YamlNode } from '../yaml/node.js'

export interface SourceNode {
  readonly node: YamlNode
  /** How a key of the YAML is spelled in the schema that is walked: Ignition's are camelCase, the config's snake_case. */
  readonly spelling: (key: string) => string
}

export interface SourceEntry { readonly key: YamlNode, readonly value: SourceNode }

/** undefined where the node is not a mapping. */
export function entriesOf ({ node, spelling }: SourceNode): ReadonlyMap<string, SourceEntry> | undefined {
  if (node.kind !== 'mapping') return undefined
  return new Map(node.pairs.map(({ key, value }) => [spelling(nodeText(key)), { key, value: { node: value, spelling } }]))
}

export function itemOf ({ node, spelling }: SourceNode, index: number): SourceNode | undefined {
  const item = node.kind === 'sequence' ? node.items[index] : undefined
  return item === undefined ? undefined : { node: item, spelling }
}

/** The node at the end of a path of keys and indices; undefined where the way there is not all there. */
export function nodeAt (root: SourceNode | undefined, ...path: ReadonlyArray<string | number>): SourceNode | undefined {
  return path.reduce<SourceNode | undefined>((at, step) =>
    at === undefined ? undefined : typeof step === 'number' ? itemOf(at, step) : entriesOf(at)?.get(step)?.value, root)
}

/** `wipe_table` to `wipeTable`. */
export const camelCase = (key: string): string => {
  const [first = '', ...words] = key.split('_')
  return first + words.map(word => word.slice(0, 1).toUpperCase() + word.slice(1)).join('')
}

/** `wipeTable` to `wipe_table`. */
export const snakeCase = (key: string): string => key.replace(/[A-Z]/g, letter => `_${letter.toLowerCase()}`)
