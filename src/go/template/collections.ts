// index, slice and len, on lists, maps and strings (whose elements are bytes).
import { byteAt, byteLength, byteSlice } from '../string.js'
import { TemplateFailure } from './failure.js'
import { Printer } from './print.js'
import { GoMap, GoSlice, Uint8, typeName, type TemplateValue } from './value.js'

/** An index argument, from 0 to `limit`. */
function indexOf (argument: TemplateValue, limit: number): number {
  if (argument === undefined || argument === null) throw new TemplateFailure('cannot index slice/array with nil')
  if (typeof argument !== 'bigint' && !(argument instanceof Uint8)) {
    throw new TemplateFailure(`cannot index slice/array with type ${typeName(argument)}`)
  }
  const index = argument instanceof Uint8 ? BigInt(argument.value) : argument
  if (index < 0n || index > BigInt(limit)) throw new TemplateFailure(`index out of range: ${index}`)
  return Number(index)
}

function element (item: TemplateValue, argument: TemplateValue): TemplateValue {
  if (item === null || item === undefined) throw new TemplateFailure('index of nil pointer')
  if (item instanceof GoMap) {
    if (argument === undefined || argument === null) throw new TemplateFailure('value is nil; should be of type string')
    if (typeof argument !== 'string') throw new TemplateFailure(`value has type ${typeName(argument)}; should be string`)
    return item.get(argument)
  }
  if (!(item instanceof GoSlice) && typeof item !== 'string') throw new TemplateFailure(`can't index item of type ${typeName(item)}`)
  const length = lengthOf(item)
  const index = indexOf(argument, length)
  if (index === length) throw new TemplateFailure(`reflect: ${typeof item === 'string' ? 'string' : 'slice'} index out of range`)
  return typeof item === 'string' ? new Uint8(byteAt(item, index)!) : item.at(index)
}

/** `index x 1 2` is x[1][2]. A key that a map does not have gives its zero element: nil, or "" of a map[string]string. */
export function index (item: TemplateValue, path: readonly TemplateValue[]): TemplateValue {
  if (item === undefined || item === null) throw new TemplateFailure('index of untyped nil')
  return path.reduce(element, item)
}

/** `slice x 1 2` is x[1:2]; of a list it may reach past its length up to its capacity, as in Go. */
export function slice (item: TemplateValue, indexes: readonly TemplateValue[]): TemplateValue {
  if (item === undefined || item === null) throw new TemplateFailure('slice of untyped nil')
  if (indexes.length > 3) throw new TemplateFailure(`too many slice indexes: ${indexes.length}`)
  if (typeof item !== 'string' && !(item instanceof GoSlice)) throw new TemplateFailure(`can't slice item of type ${typeName(item)}`)
  if (typeof item === 'string' && indexes.length === 3) throw new TemplateFailure('cannot 3-index slice a string')
  const length = lengthOf(item)
  const capacity = typeof item === 'string' ? length : item.capacity
  const [from = 0, to = length, max = capacity] = indexes.map(argument => indexOf(argument, capacity))
  if (from > to) throw new TemplateFailure(`invalid slice index: ${from} > ${to}`)
  if (to > max) throw new TemplateFailure(`invalid slice index: ${to} > ${max}`)
  return typeof item === 'string' ? byteSlice(item, from, to) : item.slice(from, to, max)
}

export function length (item: TemplateValue): bigint {
  if (item === null) throw new TemplateFailure('len of nil pointer')
  if (item === undefined) throw new TemplateFailure('reflect: call of reflect.Value.Type on zero Value')
  if (typeof item === 'string' || item instanceof GoSlice || item instanceof GoMap) return BigInt(lengthOf(item))
  throw new TemplateFailure(`len of type ${typeName(item)}`)
}

const lengthOf = (item: string | GoSlice | GoMap): number => typeof item === 'string' ? byteLength(item) : item.length

/** The elements of a list as text, with `separator` between them. */
export function join (separator: string, list: TemplateValue, limit: number): string {
  if (!(list instanceof GoSlice)) throw new TemplateFailure(`join needs a list, not ${list === undefined || list === null ? 'nil' : typeName(list)}`)
  const printer = new Printer(limit)
  for (let i = 0; i < list.length; i++) {
    if (i > 0) printer.write(separator)
    printer.printArg(list.at(i), 'v')
  }
  return printer.take()
}
