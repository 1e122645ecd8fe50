// Decoded Ignition 3 values with the help of their schema: what is zero, what is empty, and the JSON document they become.
import type { JsonWritable } from '../../go/json.js'
import type { Field, Struct, Type, Value, Values } from './schema.js'

/** Where a value is: keys and list indexes from the root. */
export type Path = ReadonlyArray<string | number>

const zeroOf = (type: Type): Value => {
  if (type.kind === 'list' || type.optional) return undefined
  if (type.kind === 'struct') return filled(type.of, {})
  return type.kind === 'string' ? '' : type.kind === 'int' ? 0n : false
}

export const asValues = (value: Value): Values => (value ?? {}) as Values
export const asList = (value: Value): readonly Value[] => (value ?? []) as readonly Value[]

const fill = (type: Type, value: Value): Value => {
  if (value === undefined) return zeroOf(type)
  if (type.kind === 'struct') return filled(type.of, asValues(value))
  return type.kind === 'list' ? asList(value).map(item => fill(type.of, item)) : value
}

/** A whole value of the struct from some of its fields. */
export const filled = (struct: Struct, some: Values): Values =>
  Object.fromEntries(struct.fields.map(({ json, type }) => [json, fill(type, some[json])]))

/** Go's zero value, which the JSON leaves out; a pointer to one stays. Lists count as zero when they are empty. */
export const isZero = (type: Type, value: Value): boolean => {
  if (type.kind === 'list') return asList(value).length === 0
  if (type.optional) return value === undefined
  if (type.kind === 'struct') return ignitionFields(type.of).every(field => isZero(field.type, asValues(value)[field.json]))
  return value === '' || value === 0n || value === false
}

/** The fields that Ignition knows, without Butane's sugar. */
export const ignitionFields = (struct: Struct): readonly Field[] => struct.fields.filter(field => field.only !== 'butane')

const typeToJson = (type: Type, value: Value): JsonWritable => {
  if (value === undefined) return type.kind === 'list' ? [] : null
  if (type.kind === 'struct') return toJson(type.of, asValues(value))
  if (type.kind === 'list') return asList(value).map(item => typeToJson(type.of, item))
  return value as string | bigint | boolean
}

export const toJson = (struct: Struct, values: Values): { [key: string]: JsonWritable } =>
  Object.fromEntries(ignitionFields(struct)
    .filter(({ type, json, keep }) => keep === true || !isZero(type, values[json]))
    .map(({ type, json }) => [json, typeToJson(type, values[json])]))

/**
 * Every value that is there, each before what it holds: by its JSON names without the sugar, or as the YAML has it.
 */
export const eachValue = (struct: Struct, values: Values, names: 'json' | 'yaml', visit: (type: Type, value: Value, at: Path) => void): void => {
  const walk = (type: Type, value: Value, at: Path): void => {
    if (value === undefined) return
    visit(type, value, at)
    if (type.kind === 'list') {
      asList(value).forEach((item, i) => walk(type.of, item, [...at, i]))
    } else if (type.kind === 'struct') {
      for (const field of names === 'json' ? ignitionFields(type.of) : type.of.fields) {
        if (names === 'json' || field.only !== 'ignition') walk(field.type, asValues(value)[field.json], [...at, field[names]])
      }
    }
  }
  walk({ kind: 'struct', of: struct, optional: false }, values, [])
}
