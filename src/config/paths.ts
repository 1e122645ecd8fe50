// Which files and folders a configuration names, as its schema says which keys do.
import type { ValuePath } from '../base/positions.js'
import { type Config, configSchema, pathSchemas } from './schema.js'

export interface NamedPath { readonly at: ValuePath, readonly path: string }

/** What valibot's schemas of objects, lists and what has a default hold. */
interface Schema { readonly wrapped?: object, readonly entries?: Readonly<Record<string, object>>, readonly item?: object }

/** In the order of the schema; a key that names nothing is left out. */
export const pathsIn = (config: Config): readonly NamedPath[] => namedBy(configSchema, config, [])

function namedBy (schema: object, value: unknown, at: ValuePath): readonly NamedPath[] {
  if (pathSchemas.some(one => one === schema)) return typeof value === 'string' && value !== '' ? [{ at, path: value }] : []
  const { wrapped, entries = {}, item } = schema as Schema
  return [
    ...wrapped === undefined ? [] : namedBy(wrapped, value, at),
    ...item === undefined || !Array.isArray(value) ? [] : value.flatMap((one: unknown, i) => namedBy(item, one, [...at, i])),
    ...Object.entries(entries).flatMap(([name, entry]) => namedBy(entry, Object(value)[name], [...at, name]))
  ]
}

/** A copy with another value at the path. */
export function replacedAt <T> (value: T, at: ValuePath, other: unknown): T {
  const [name, ...rest] = at
  if (name === undefined) return other as T
  const copy: object = Array.isArray(value) ? [...value as unknown[]] : { ...value as object }
  return Object.assign(copy, { [name]: replacedAt<unknown>(Object(value)[name], rest, other) }) as T
}
