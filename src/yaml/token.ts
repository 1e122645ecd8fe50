// The tokens between the scanner and the composer.
import type { Mark } from './yaml-error.js'

export type ScalarStyle = 'plain' | 'single' | 'double' | 'literal' | 'folded'

interface Span { readonly start: Mark, readonly end: Mark }

export type YamlToken = Span & (
  | {
    readonly kind: 'streamEnd' | 'documentStart' | 'documentEnd' | 'blockSequence' | 'blockMapping' | 'blockEnd' | 'flowSequence' |
    'flowSequenceEnd' | 'flowMapping' | 'flowMappingEnd' | 'blockEntry' | 'flowEntry' | 'key' | 'value'
  }
  | { readonly kind: 'alias' | 'anchor', readonly name: string }
  | { readonly kind: 'tag', readonly handle: string, readonly suffix: string }
  /** `indent`: spaces before each line of a literal or folded one. */
  | { readonly kind: 'scalar', readonly value: string, readonly style: ScalarStyle, readonly indent?: number }
  | { readonly kind: 'versionDirective', readonly major: number, readonly minor: number }
  | { readonly kind: 'tagDirective', readonly handle: string, readonly prefix: string }
)

export type TokenKind = YamlToken['kind']
