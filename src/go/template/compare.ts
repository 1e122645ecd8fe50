// eq ne lt le gt ge. Only values of one basic kind compare: an int and a float64 do not, so a JSON number is compared with 4.0.
import { compareStrings } from '../string.js'
import { TemplateFailure } from './failure.js'
import { brief } from './print.js'
import { Complex, Uint8, typeName, type TemplateValue } from './value.js'

type Kind = 'bool' | 'complex' | 'int' | 'float' | 'string' | 'uint'

/** undefined for what has no basic kind: nil, lists and maps. */
function basicKind (value: TemplateValue): Kind | undefined {
  switch (typeof value) {
    case 'boolean': return 'bool'
    case 'number': return 'float'
    case 'bigint': return 'int'
    case 'string': return 'string'
  }
  return value instanceof Uint8 ? 'uint' : value instanceof Complex ? 'complex' : undefined
}

/** Of an integer of either kind; undefined for anything else. */
const wholeOf = (value: TemplateValue): bigint | undefined =>
  value instanceof Uint8 ? BigInt(value.value) : typeof value === 'bigint' ? value : undefined

const isNil = (value: TemplateValue): value is undefined | null => value === undefined || value === null

function equalPair (left: TemplateValue, right: TemplateValue): boolean {
  const [one, another] = [wholeOf(left), wholeOf(right)]
  if (one !== undefined && another !== undefined) return one === another
  const kind = basicKind(left)
  const other = basicKind(right)
  if (kind !== other) {
    if (!isNil(left) && !isNil(right)) throw new TemplateFailure('incompatible types for comparison')
    return false
  }
  if (left instanceof Complex && right instanceof Complex) return left.real === right.real && left.imaginary === right.imaginary
  if (kind !== undefined) return left === right
  if (isNil(left) || isNil(right)) return isNil(left) && isNil(right)
  if (left.constructor !== right.constructor) {
    throw new TemplateFailure(`non-comparable types ${brief(left, 's')}: ${typeName(left)}, ${typeName(right)}: ${brief(right, 'v')}`)
  }
  throw new TemplateFailure(`non-comparable type ${brief(right, 's')}: ${typeName(right)}`)
}

/** Whether the first value equals any of the others. */
export function equal (first: TemplateValue, others: readonly TemplateValue[]): boolean {
  if (others.length === 0) throw new TemplateFailure('missing argument for comparison')
  return others.some(other => equalPair(first, other))
}

export function less (left: TemplateValue, right: TemplateValue): boolean {
  const [one, another] = [wholeOf(left), wholeOf(right)]
  if (one !== undefined && another !== undefined) return one < another
  if (typeof left === 'string' && typeof right === 'string') return compareStrings(left, right) < 0
  if (typeof left === 'number' && typeof right === 'number') return left < right
  const [kind, other] = [basicKind(left), basicKind(right)]
  const differ = kind !== undefined && other !== undefined && kind !== other
  throw new TemplateFailure(`${differ ? 'incompatible types' : 'invalid type'} for comparison`)
}

export const lessOrEqual = (left: TemplateValue, right: TemplateValue): boolean => less(left, right) || equal(left, [right])
