// Number literals: the rules of Go's language specification as strconv.ParseInt and ParseFloat apply them, and those by which
// text/template gives a literal its type where the context gives none: int, unless it is written as a float or is complex.
import { unquoteChar } from '../quote.js'
import { Complex } from './value.js'

/** `overflow`: a whole number that only an unsigned 64-bit integer holds; Go refuses it when the template runs, not before. */
export type Constant = bigint | number | Complex | 'overflow'

export class NumberSyntaxError extends Error {}

/** Whether each underscore stands between digits (or between the base prefix and a digit). */
function underscoresFit (text: string): boolean {
  const [, prefix = '', rest = ''] = /^[+-]?(0[bBoOxX])?(.*)$/.exec(text) ?? []
  const digit = /[xX]/.test(prefix) ? '[0-9a-fA-F]' : '[0-9]'
  const marked = (prefix === '' ? '' : '0') + rest
  return !new RegExp(`(?<!${digit})_|_(?!${digit})`).test(marked)
}

// A 64-bit integer has at most 64 digits (binary); the rest is room for leading zeros and underscores.
const longestWhole = 1000

/** strconv.ParseUint with base 0, without the range check. */
function parseWhole (text: string): bigint | undefined {
  if (text.length > longestWhole || !/^[0-9]/.test(text) || (text.includes('_') && !underscoresFit(text))) return undefined
  const digits = text.replaceAll('_', '').toLowerCase()
  if (/^0[0-7]+$/.test(digits)) return BigInt('0o' + digits)
  return /^(?:0|[1-9]\d*|0b[01]+|0o[0-7]+|0x[0-9a-f]+)$/.test(digits) ? BigInt(digits) : undefined
}

function parseHexFloat (text: string): number | undefined {
  const parts = /^([+-]?)0x([0-9a-f]*)(?:\.([0-9a-f]*))?p([+-]?\d+)$/.exec(text)
  if (parts === null) return undefined
  const [, sign, whole = '', fraction = '', power = ''] = parts
  if (whole + fraction === '') return undefined
  // In steps, since the mantissa may be far larger than the result or far smaller, while 2**exponent alone is out of range.
  let value = Number(BigInt('0x' + whole + fraction))
  let exponent = Math.max(-20000, Math.min(20000, Number(power))) - 4 * fraction.length
  for (; exponent > 1000; exponent -= 1000) value *= 2 ** 1000
  for (; exponent < -1000; exponent += 1000) value *= 2 ** -1000
  value *= 2 ** exponent
  return sign === '-' ? -value : value
}

/** strconv.ParseFloat, or undefined where it reports an error (out of range is one). */
function parseFloat64 (text: string): number | undefined {
  if (text.includes('_') && !underscoresFit(text)) return undefined
  const plain = text.replaceAll('_', '').toLowerCase()
  const value = /^[+-]?0x/.test(plain)
    ? parseHexFloat(plain)
    : /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?$/.test(plain) ? Number(plain) : undefined
  return value === undefined || !Number.isFinite(value) ? undefined : value
}

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
