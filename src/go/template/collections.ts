// index, slice and len, on lists, maps and strings (whose elements are bytes).
import { byteAt, byteLength, byteSlice } from '../string.js'
import { Failure } from './failure.js'
import { Printer } from './print.js'
import { GoMap, GoSlice, Uint8, typeName, type Value } from './value.js'

/** An index argument, from 0 to `limit`. */
function indexOf (argument: Value, limit: number): number {
  if (argument === undefined || argument === null) throw new Failure('cannot index slice/array with nil')
  if (typeof argument !== 'bigint' && !(argument instanceof Uint8)) {
    throw new Failure(`cannot index slice/array with type ${typeName(argument)}`)
  }
  const index = argument instanceof Uint8 ? BigInt(argument.value) : argument
  if (index < 0n || index > BigInt(limit)) throw new Failure(`index out of range: ${index}`)
  return Number(index)
}

function element (item: Value, argument: Value): Value {
  if (item === null || item === undefined) throw new Failure('index of nil pointer')
  if (item instanceof GoMap) {
    if (argument === undefined || argument === null) throw new Failure('value is nil; should be of type string')
    if (typeof argument !== 'string') throw new Failure(`value has type ${typeName(argument)}; should be string`)
    return item.get(argument)
  }
  if (!(item instanceof GoSlice) && typeof item !== 'string') throw new Failure(`can't index item of type ${typeName(item)}`)
  const length = lengthOf(item)
  const index = indexOf(argument, length)
  if (index === length) throw new Failure(`reflect: ${typeof item === 'string' ? 'string' : 'slice'} index out of range`)
  return typeof item === 'string' ? new Uint8(byteAt(item, index)!) : item.at(index)
}

/** `index x 1 2` is x[1][2]. A key that a map does not have gives its zero element: nil, or "" of a map[string]string. */
export function index (item: Value, path: readonly Value[]): Value {
  if (item === undefined || item === null) throw new Failure('index of untyped nil')
  return path.reduce(element, item)
}

/** `slice x 1 2` is x[1:2]; of a list it may reach past its length up to its capacity, as in Go. */
export function slice (item: Value, indexes: readonly Value[]): Value {
  if (item === undefined || item === null) throw new Failure('slice of untyped nil')
  if (indexes.length > 3) throw new Failure(`too many slice indexes: ${indexes.length}`)
  if (typeof item !== 'string' && !(item instanceof GoSlice)) throw new Failure(`can't slice item of type ${typeName(item)}`)
  if (typeof item === 'string' && indexes.length === 3) throw new Failure('cannot 3-index slice a string')
  const length = lengthOf(item)
  const capacity = typeof item === 'string' ? length : item.capacity
  const [from = 0, to = length, max = capacity] = indexes.map(argument => indexOf(argument, capacity))
  if (from > to) throw new Failure(`invalid slice index: ${from} > ${to}`)
  if (to > max) throw new Failure(`invalid slice index: ${to} > ${max}`)
  return typeof item === 'string' ? byteSlice(item, from, to) : item.slice(from, to, max)
}

export function length (item: Value): bigint {
  if (item === null) throw new Failure('len of nil pointer')
  if (item === undefined) throw new Failure('reflect: call of reflect.Value.Type on zero Value')
  if (typeof item === 'string' || item instanceof GoSlice || item instanceof GoMap) return BigInt(lengthOf(item))
  throw new Failure(`len of type ${typeName(item)}`)
}

const lengthOf = (item: string | GoSlice | GoMap): number => typeof item === 'string' ? byteLength(item) : item.length

/** The elements of a list as text, with `separator` between them. */
export function join (separator: string, list: Value, limit: number): string {
  if (!(list instanceof GoSlice)) throw new Failure(`join needs a list, not ${list === undefined || list === null ? 'nil' : typeName(list)}`)
  const printer = new Printer(limit)
  for (let i = 0; i < list.length; i++) {
    if (i > 0) printer.write(separator)
    printer.printArg(list.at(i), 'v')
  }
  return printer.take()
}
