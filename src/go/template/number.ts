// Number literals: how text/template gives a literal its type where the context gives none: int, unless it is written as a float
// or is complex.
import { parseFloat64, parseWhole } from '../number.js'
import { unquoteChar } from '../quote.js'
import { Complex } from './value.js'

/** `overflow`: a whole number that only an unsigned 64-bit integer holds; Go refuses it when the template runs, not before. */
export type Constant = bigint | number | Complex | 'overflow'

export class NumberSyntaxError extends Error {}

export function parseCharacter (text: string): bigint {
  const character = unquoteChar(text, 1, "'")
  if (character === undefined) throw new NumberSyntaxError('invalid syntax')
  if (text.slice(1 + character.width) !== "'") throw new NumberSyntaxError(`malformed character constant: ${text}`)
  return BigInt(character.value)
}

/** A complex literal of two parts, `1+2i`. */
export function parseComplex (text: string): Complex {
  const part = String.raw`(?:0[xX][0-9a-fA-F_]*(?:\.[0-9a-fA-F_]*)?(?:[pP][+-]?[0-9_]*)?|[0-9_]*(?:\.[0-9_]*)?(?:[eE][+-]?[0-9_]*)?)`
  const parts = new RegExp(`^([+-]?${part})([+-]${part})i`).exec(text)
  const real = parseFloat64(parts?.[1] ?? '')
  const imaginary = parseFloat64(parts?.[2] ?? '')
  if (real === undefined || imaginary === undefined) throw new NumberSyntaxError('syntax error scanning complex number')
  return new Complex(real, imaginary)
}

/** Any other number literal. Throws NumberSyntaxError. */
export function parseNumber (text: string): Constant {
  if (text.endsWith('i')) {
    const imaginary = parseFloat64(text.slice(0, -1))
    if (imaginary !== undefined) return new Complex(0, imaginary)
  }
  const looksLikeFloat = /[.eEpP]/.test(text)
  const magnitude = parseWhole(text.replace(/^[+-]/, ''))
  const whole = magnitude === undefined ? undefined : text.startsWith('-') ? -magnitude : magnitude
  if (whole !== undefined && BigInt.asIntN(64, whole) === whole) {
    // Go looks for the letters of a float in the text: an E makes a *signed* hexadecimal literal (-0xE) a float64.
    return looksLikeFloat && !/^0[xX]./.test(text) ? Number(whole) : whole
  }
  if (whole !== undefined && /^\d/.test(text) && BigInt.asUintN(64, whole) === whole) return 'overflow'
  const float = parseFloat64(text)
  if (float === undefined) throw new NumberSyntaxError(`illegal number syntax: "${text}"`)
  if (!looksLikeFloat) throw new NumberSyntaxError(`integer overflow: "${text}"`)
  return float
}
