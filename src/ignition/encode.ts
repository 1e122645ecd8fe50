// A typed value to a JSON tree, with Go's omitempty: empty strings, false, 0, empty lists and absent pointers are left out, and so is
// sugar. Structs with nothing in them are written by Ignition 2 and left out by Ignition 3.
import { ignitionFields } from './schema.js'
import { asList, asValues, behind, isZero } from './values.js'
import type { JsonWritable } from '../go/json.js'
import type { Struct, Type, Value } from './schema.js'

export const encodeValue = (type: Struct, value: Value, emptyStructs: 'written' | 'left out'): JsonWritable => {
  const omitted = (field: Type, part: Value): boolean =>
    field.keep !== true && !(field.kind === 'struct' && emptyStructs === 'written') && isZero(field, part)
  const encode = (pointer: Type, value: Value): JsonWritable => {
    const type = behind(pointer)
    if (type.kind === 'list') return asList(value).map(item => encode(type.element, item))
    if (type.kind !== 'struct') return (value ?? null) as JsonWritable
    return Object.fromEntries(ignitionFields(type).flatMap(([name, field]) => {
      const part = asValues(value)[name]
      return omitted(field, part) ? [] : [[name, encode(field, part)]]
    }))
  }
  return encode(type, value)
}
