// Keys that the schema does not know, all of them: the schema itself stops at the first of each level.
import { didYouMean } from '../base/nearest.js'

/** As much of a valibot schema as this walks through. */
interface Shape {
  readonly type: string
  readonly entries?: Readonly<Record<string, Shape>>
  readonly wrapped?: Shape
  readonly item?: Shape
  readonly options?: readonly Shape[]
}

export interface UnknownKey { readonly path: ReadonlyArray<string | number>, readonly message: string }

export function unknownKeys (shape: unknown, value: unknown, path: UnknownKey['path'] = []): readonly UnknownKey[] {
  const { entries, wrapped, item, options } = shape as Shape
  if (wrapped !== undefined) return unknownKeys(wrapped, value, path)
  if (Array.isArray(value)) return item === undefined ? [] : value.flatMap((one: unknown, n) => unknownKeys(item, one, [...path, n]))
  if (typeof value !== 'object' || value === null) return []
  // Of several forms that a value may have, the one with keys.
  const forms = Array.isArray(options) ? options as readonly Shape[] : []
  const known = entries ?? forms.find(form => form.entries !== undefined)?.entries
  if (known === undefined) return []
  return Object.entries(value).flatMap(([key, inner]) => Object.hasOwn(known, key)
    ? unknownKeys(known[key], inner, [...path, key])
    : [{ path: [...path, key], message: `unknown key${didYouMean(key, Object.keys(known))}` }])
}
