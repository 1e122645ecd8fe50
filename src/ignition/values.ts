// Decoded values with the help of their types: what is zero, what fills the gaps, and a walk over all that is there.
import type { ValuePath } from '../base/positions.js'
import { ignitionFields } from './schema.js'
import type { Struct, Type, Value, ValueOf, Values } from './schema.js'

export const asValues = (value: Value): Values => (value ?? {}) as Values
export const asList = (value: Value): readonly Value[] => (value ?? []) as readonly Value[]

/** The type behind a pointer. */
export const behind = (type: Type): Type => type.kind === 'optional' ? type.element : type

/** The value of a field that is not there. */
export const zeroOf = <T extends Type>(type: T): ValueOf<T> => zeroValue(type) as ValueOf<T>

/** The same, where the type is not known before it runs. */
export function zeroValue (type: Type): unknown {
  switch (type.kind) {
    case 'string': return ''
    case 'bool': return false
    case 'int': case 'uint': return 0n
    case 'list': return []
    case 'optional': case 'any': return undefined
    case 'custom': return type.zero()
    case 'struct': {
      const zero: Record<string, unknown> = {}
      for (const name of Object.keys(type.fields)) zero[name] = zeroValue(type.fields[name]!)
      return zero
    }
  }
}

const fill = (type: Type, value: Value): Value => {
  if (value === undefined) return zeroValue(type) as Value
  const plain = behind(type)
  if (plain.kind === 'struct') return filled(plain, asValues(value))
  return type.kind === 'list' ? asList(value).map(item => fill(type.element, item)) : value
}

/** A whole value of the struct from some of its fields. */
export const filled = (struct: Struct, some: Values): Values =>
  Object.fromEntries(Object.entries(struct.fields).map(([name, type]) => [name, fill(type, some[name])]))

/** Go's zero value, which the JSON leaves out; a pointer to one stays. Lists count as zero when they are empty. */
export const isZero = (type: Type, value: Value): boolean => {
  if (type.kind === 'list') return asList(value).length === 0
  if (type.kind === 'struct') return ignitionFields(type).every(([name, field]) => isZero(field, asValues(value)[name]))
  return value === undefined || (type.kind !== 'optional' && (value === '' || value === 0n || value === false))
}

/** A path from the inside out: most are never written down. */
export interface Trail { readonly up: Trail | undefined, readonly step: string | number }

export const pathOf = (trail: Trail | undefined): ValuePath => {
  const path: Array<string | number> = []
  for (let at = trail; at !== undefined; at = at.up) path.unshift(at.step)
  return path
}

/** Visits what lies in a value, with the step that leads to each. */
export const eachPart = (type: Type, value: Value, visit: (step: string | number, type: Type, part: Value) => void): void => {
  if (type.kind === 'list') {
    asList(value).forEach((item, i) => visit(i, type.element, item))
  } else if (type.kind === 'custom' && type.inside !== undefined) {
    const inside = type.inside(value)
    eachPart(inside.type, inside.value, visit)
  } else if (type.kind === 'struct') {
    const values = asValues(value)
    for (const name of Object.keys(type.fields)) visit(name, type.fields[name]!, values[name])
  }
}

/** Every value that is there, each before what it holds; pointers are followed. */
export const eachValue = (type: Type, value: Value, visit: (type: Type, value: Value, at: Trail | undefined) => void, at?: Trail): void => {
  if (value === undefined) return
  const plain = behind(type)
  visit(plain, value, at)
  eachPart(plain, value, (step, inside, part) => eachValue(inside, part, visit, { up: at, step }))
}
