// JSON text to the same tree that YAML becomes, so that configs which come ready, or inside another config, are decoded, checked and
// shown with their places like all others.
import type { TextPosition } from '../base/positions.js'
import { JsonError, type JsonBuilder, placesIn, readJsonText } from '../go/json-read.js'
import type { ScalarStyle } from '../yaml/token.js'
import type { YamlNode, YamlPair, YamlScalar } from '../yaml/node.js'

/** Lines and columns from 1, in characters. */
export interface JsonFault extends TextPosition { readonly problem: string }
export type JsonSource = { readonly root: YamlNode } | JsonFault

/** A tree, or where the text stops being JSON. Never throws for what stands in the text. */
export function readJson (text: string): JsonSource {
  try {
    return { root: readJsonText(text, treeOf(text)) }
  } catch (error) {
    if (!(error instanceof JsonError)) throw error
    const { problem, line, column } = error
    return { problem, line, column }
  }
}

const scalar = (style: ScalarStyle) => (value: string, at: TextPosition): YamlScalar => ({ kind: 'scalar', tag: '', style, value, ...at })
const text = scalar('double')
const bare = scalar('plain')

// What is said of an object or a list stands just inside of it, as with Ignition.
const treeOf = (source: string): JsonBuilder<YamlNode, YamlPair, TextPosition> => ({
  at: placesIn(source),
  string: text,
  number: bare,
  word: bare,
  array: (items, at) => ({ kind: 'sequence', tag: '', items, ...at }),
  object: (pairs, at) => ({ kind: 'mapping', tag: '', pairs, ...at }),
  member: (key, at, value) => ({ key: text(key, at), value })
})
