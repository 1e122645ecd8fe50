// A typed value to a JSON tree by its schema, with Go's omitempty: empty strings, false, 0, empty lists and absent pointers are
// left out; structs never are.
import type { JsonWritable } from '../go/json.js'
import type { YamlType } from './schema.js'

export const encodeValue = (value: unknown, type: YamlType): JsonWritable => encode(value, type) ?? {}

function encode (value: unknown, type: YamlType): JsonWritable | undefined {
  switch (type.kind) {
    case 'string': return typeof value === 'string' && value !== '' ? value : undefined
    case 'bool': return value === true ? true : undefined
    case 'int': case 'uint': return typeof value === 'bigint' && value !== 0n ? value : undefined
    case 'optional': return value === undefined ? undefined : always(value, type.element)
    case 'list': return Array.isArray(value) && value.length > 0 ? value.map(item => always(item, type.element)) : undefined
    case 'struct': case 'any': case 'custom': return always(value, type)
  }
}

/** In a list or behind a pointer nothing is too empty to be written. */
function always (value: unknown, type: YamlType): JsonWritable {
  if (type.kind === 'struct') {
    const from: object = typeof value === 'object' && value !== null ? value : {}
    return Object.fromEntries(Object.entries(type.fields).map(([key, field]) => [key, encode(Reflect.get(from, key), field)]))
  }
  if (typeof value === 'string' || typeof value === 'boolean' || typeof value === 'bigint') return value
  return encode(value, type) ?? (type.kind === 'list' ? [] : null)
}
