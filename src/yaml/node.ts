// The value tree of a YAML document with the place of every node: what the text says, before anything is resolved, because
// what `010` or `yes` means hangs on the dialect and on the type that is wanted (resolve.ts, decode.ts).
// The place of a node with an anchor or a tag is theirs.
import type { TextPosition } from '../base/positions.js'
import type { ScalarStyle } from './token.js'

export interface YamlScalar extends TextPosition {
  readonly kind: 'scalar'
  /** As written: `''`, `'!'`, `'!local'` or in full (`tag:yaml.org,2002:int`). */
  readonly tag: string
  readonly style: ScalarStyle
  /** Spaces that stand before each line of a literal or folded scalar and are no part of its value. */
  readonly indent?: number
  readonly value: string
}

export interface YamlSequence extends TextPosition {
  readonly kind: 'sequence'
  readonly tag: string
  readonly items: readonly YamlNode[]
}

export interface YamlPair { readonly key: YamlNode, readonly value: YamlNode }

export interface YamlMapping extends TextPosition {
  readonly kind: 'mapping'
  readonly tag: string
  readonly pairs: readonly YamlPair[]
}

export interface YamlAlias extends TextPosition {
  readonly kind: 'alias'
  readonly name: string
  /** In v3 the anchor before it, in v2 the last anchor of that name in the document, wherever that is, if there is one. */
  readonly target: YamlNode | undefined
}

export type YamlNode = YamlScalar | YamlSequence | YamlMapping | YamlAlias

/** A node's text as go-yaml's Node.Value: of a scalar its text, of an alias its name, of a collection nothing. */
export const nodeText = (node: YamlNode): string => node.kind === 'scalar' ? node.value : node.kind === 'alias' ? node.name : ''

/** The node itself, or the one that the alias stands for (undefined when there is none, or the aliases go round). */
export function behindAlias (node: YamlNode): Exclude<YamlNode, YamlAlias> | undefined {
  let at: YamlNode | undefined = node
  for (let steps = 0; at?.kind === 'alias'; steps++) at = steps < 64 ? at.target : undefined
  return at
}
