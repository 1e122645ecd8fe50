// Checks a typed value by the rules of its types. Rules speak of paths; where these stand in the source is another's work
// (source-tree.ts). The two generations of Ignition go through a config in different ways.
import type { ValuePath } from '../base/positions.js'
import { asList, asValues, behind, eachPart, eachValue, pathOf } from './values.js'
import { bareName, ignitionFields, keyOf } from './schema.js'
import type { Struct, Type, Value, ValueOf } from './schema.js'
import type { Trail } from './values.js'

export interface SchemaFinding { readonly kind: 'error' | 'warning', readonly path: ValuePath, readonly message: string }

/** Takes findings about a value; paths are relative to it, and no message is no finding. */
export interface Findings {
  readonly error: (path: ValuePath, message: string | undefined) => void
  readonly warning: (path: ValuePath, message: string | undefined) => void
}

/** A value's own rules. They look at the fields it has, not at what lies in structs below, which have rules of their own. */
export type Check<T, C> = (value: T, report: Findings, context: C) => void

/** Rules by the bare names of their types; `C` is what they hang on beside the value: a spec, a dialect. */
export type Rules<C> = ReadonlyMap<string, Check<unknown, C>>
export type Rule<C> = readonly [string, Check<unknown, C>]

/** The rules of one type of a table. */
export const rule = <T extends { readonly goType: string }, C = unknown>(type: T, check: Check<ValueOf<T>, C>): Rule<C> =>
  [bareName(type), check as Check<unknown, C>]

class FindingsBelow implements Findings {
  readonly #found: SchemaFinding[]
  readonly #at: Trail | undefined

  constructor (found: SchemaFinding[], at: Trail | undefined) {
    this.#found = found
    this.#at = at
  }

  error (path: ValuePath, message: string | undefined): void { this.#take('error', path, message) }
  warning (path: ValuePath, message: string | undefined): void { this.#take('warning', path, message) }

  #take (kind: SchemaFinding['kind'], path: ValuePath, message: string | undefined): void {
    if (message !== undefined) this.#found.push({ kind, path: [...pathOf(this.#at), ...path], message })
  }
}

/** Takes what is said of a value into `found`. */
export const findingsAt = (found: SchemaFinding[], at?: Trail): Findings => new FindingsBelow(found, at)

/** The rules by the types themselves, so that no name is looked at for each of very many values. */
const byType = <C>(rules: Rules<C>): (type: Type) => Check<unknown, C> | undefined => {
  const known = new Map<Type, Check<unknown, C> | undefined>()
  return type => {
    // A list's name has that of its entries in it.
    if (!known.has(type)) known.set(type, type.kind === 'list' ? undefined : rules.get(bareName(type)))
    return known.get(type)
  }
}

/** What the rules have to say of each value, from the outside in: Ignition 3's way. */
export const validate = <C>(type: Type, value: Value, rules: Rules<C>, context: C): readonly SchemaFinding[] => {
  const found: SchemaFinding[] = []
  const checkOf = byType(rules)
  eachValue(type, value, (inner, part, trail) => checkOf(inner)?.(part, findingsAt(found, trail), context))
  return found
}

/**
 * Ignition 2's way: what is said of a field comes just before what is said of its insides, and inside of what is wrong as a whole
 * nothing is said, because it would mislead.
 */
export const validateInOrder = <C>(type: Type, value: Value, rules: Rules<C>, context: C): readonly SchemaFinding[] => {
  const found: SchemaFinding[] = []
  const checkOf = byType(rules)
  const visit = (pointer: Type, value: Value, trail: Trail | undefined, depth: number): void => {
    if (value === undefined) return
    const type = behind(pointer)
    const own: SchemaFinding[] = []
    checkOf(type)?.(value, findingsAt(own, trail), context)
    let wrong = false
    for (const finding of own) {
      if (finding.path.length > depth) continue
      found.push(finding)
      wrong ||= finding.kind === 'error'
    }
    if (wrong) return
    eachPart(type, value, (step, inside, part) => {
      for (const finding of own) if (finding.path[depth] === step) found.push(finding)
      visit(inside, part, { up: trail, step }, depth + 1)
    })
  }
  visit(type, value, undefined, 0)
  return found
}

/** Entries of lists that have the key of an earlier one. */
export const duplicates = (type: Struct, value: Value): readonly SchemaFinding[] => {
  const found: SchemaFinding[] = []
  eachValue(type, value, (inner, part, trail) => {
    if (inner.kind !== 'struct') return
    const seen = new Map<string, Set<string>>()
    for (const [name, field] of ignitionFields(inner)) {
      if (field.kind !== 'list' || field.repeats === true) continue
      const keys = seen.get(field.shares ?? name) ?? new Set()
      seen.set(field.shares ?? name, keys)
      asList(asValues(part)[name]).forEach((item, i) => {
        const key = keyOf(field.element, item)
        if (keys.has(key)) found.push({ kind: 'error', path: [...pathOf(trail), name, i], message: 'duplicate entry defined' })
        keys.add(key)
      })
    }
  })
  return found
}
