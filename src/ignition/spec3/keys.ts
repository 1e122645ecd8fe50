// What makes an entry of an Ignition 3 list the same entry as another: the key by which duplicates are found and merges match.
import { asValues } from './value.js'
import type { Type, Value, Values } from './schema.js'

const text = (value: Value): string => typeof value === 'string' ? value : ''

const keys: Readonly<Record<string, (values: Values) => string>> = {
  CaReference: ({ source }) => text(source),
  ConfigReference: ({ source }) => text(source),
  Directory: ({ path }) => text(path),
  Disk: ({ device }) => text(device),
  Dropin: ({ name }) => text(name),
  File: ({ path }) => text(path),
  FileContents: () => '',
  Filesystem: ({ device }) => text(device),
  HTTPHeader: ({ name }) => text(name),
  Link: ({ path }) => text(path),
  Luks: ({ name }) => text(name),
  Partition: ({ number, label }) => number !== 0n ? `number:${String(number)}` : label === undefined ? '' : `label:${text(label)}`,
  PasswdGroup: ({ name }) => text(name),
  PasswdUser: ({ name }) => text(name),
  Raid: ({ name }) => text(name),
  Resource: ({ source }) => text(source),
  Tang: ({ url }) => text(url),
  Unit: ({ name }) => text(name)
}

/** A struct's name without its package. */
export const bareName = (name: string): string => name.slice(name.indexOf('.') + 1)

export const keyOf = (type: Type, value: Value): string =>
  type.kind === 'struct' ? (keys[bareName(type.of.name)]?.(asValues(value)) ?? '') : text(value)
