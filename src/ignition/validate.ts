// Checks a typed value by the rules of its types and says where in the YAML each remark belongs, as the validator of Ignition
// 2.x does it by reflection: value and YAML are walked side by side as far as they match; a remark that finds no node of its
// own takes the place of the nearest one above it.
import { entriesOf, itemOf, snakeCase } from './source-tree.js'
import { pathText } from './report.js'
import type { EntryKind, ReportEntry } from './report.js'
import type { Fields, ValueOf, YamlType } from './schema.js'
import type { SourceEntry, SourceNode } from './source-tree.js'

export interface Remark { readonly kind: EntryKind, readonly message: string }

export const errorRemark = (message: string): Remark => ({ kind: 'error', message })
export const warningRemark = (message: string): Remark => ({ kind: 'warning', message })
/** No remark, or this error. */
export const errorIf = (wrong: boolean, message: string): Remark[] => wrong ? [errorRemark(message)] : []

/** What is asked of one type: of the value as a whole, then of its fields in their order. */
export interface Rule {
  readonly type: YamlType
  readonly whole?: (value: unknown) => readonly Remark[]
  readonly fields?: Readonly<Record<string, (value: unknown) => readonly Remark[]>>
  /** Where a type is no struct but has fields all the same, which hang on the value (etcd's options on its version). */
  readonly inside?: (value: unknown) => Inside
}

export interface Inside { readonly fields: Fields, readonly value: object }

interface TypedRule<T extends YamlType> {
  readonly whole?: (value: ValueOf<T>) => readonly Remark[]
  readonly fields?: Readonly<Record<string, (value: ValueOf<T>) => readonly Remark[]>>
  readonly inside?: (value: ValueOf<T>) => Inside
}

export const rule = <T extends YamlType>(type: T, typed: TypedRule<T>): Rule => ({ type, ...typed as Omit<Rule, 'type'> })

export interface Validation {
  readonly rules: readonly Rule[]
  /** Whether keys that mean nothing are remarked on. */
  readonly unusedKeys: boolean
}

/** From the inside out: most paths are never written down. */
interface Path { readonly up: Path | undefined, readonly step: string | number }
type Found = ReportEntry & { readonly path: string }

/** Remarks in the order the reference makes them. */
export function validate (value: unknown, type: YamlType, source: SourceNode | undefined, validation: Validation): readonly ReportEntry[] {
  const byType = new Map(validation.rules.map(entry => [entry.type, entry]))
  return new Validator(byType, validation.unusedKeys).value(value, type, source, undefined)
}

class Validator {
  readonly #rules: ReadonlyMap<YamlType, Rule>
  readonly #unusedKeys: boolean
  readonly #spellings = new Map<string, string>()

  constructor (rules: ReadonlyMap<YamlType, Rule>, unusedKeys: boolean) {
    this.#rules = rules
    this.#unusedKeys = unusedKeys
  }

  value (value: unknown, type: YamlType, source: SourceNode | undefined, path: Path | undefined): readonly Found[] {
    if (type.kind === 'optional') return value === undefined ? [] : this.value(value, type.element, source, path)
    const own = place(this.#rules.get(type)?.whole?.(value) ?? [], source, path)
    // Inside of what is wrong as a whole further remarks would mislead.
    if (own.some(entry => entry.kind === 'error')) return own
    return [...own, ...at(this.#inner(value, type, source, path), source)]
  }

  #inner (value: unknown, type: YamlType, source: SourceNode | undefined, path: Path | undefined): readonly Found[] {
    if (type.kind === 'list') {
      const items: readonly unknown[] = Array.isArray(value) ? value : []
      return items.flatMap((item, index) => {
        const node = source === undefined ? undefined : itemOf(source, index) ?? source
        return this.value(item, type.element, node, { up: path, step: index })
      })
    }
    const inside = this.#rules.get(type)?.inside?.(value)
    if (inside !== undefined) return this.#struct(inside, type, source, path)
    if (type.kind !== 'struct' || typeof value !== 'object' || value === null) return []
    return this.#struct({ fields: type.fields, value }, type, source, path)
  }

  #struct ({ fields, value }: Inside, type: YamlType, source: SourceNode | undefined, path: Path | undefined): readonly Found[] {
    const own = this.#rules.get(type)?.fields
    const entries = source === undefined ? undefined : entriesOf(source)
    const found = Object.entries(fields).flatMap(([key, field]) => {
      const node = entries?.get(key)?.value
      const fieldPath = { up: path, step: this.#spelled(key) }
      const remarks = place(own?.[key]?.(value) ?? [], node ?? source, fieldPath)
      return [...remarks, ...at(this.value(Reflect.get(value, key), field, node, fieldPath), source)]
    })
    return this.#unusedKeys && entries !== undefined ? [...found, ...unusedKeys(entries, Object.keys(fields), path)] : found
  }

  /** A field's name as configs have it. */
  #spelled (key: string): string {
    let spelled = this.#spellings.get(key)
    if (spelled === undefined) {
      spelled = snakeCase(key)
      this.#spellings.set(key, spelled)
    }
    return spelled
  }
}

const none: readonly never[] = []

function stepsOf (path: Path | undefined): Array<string | number> {
  const steps: Array<string | number> = []
  for (let at = path; at !== undefined; at = at.up) steps.unshift(at.step)
  return steps
}

function unusedKeys (entries: ReadonlyMap<string, SourceEntry>, known: readonly string[], path: Path | undefined): readonly Found[] {
  return [...entries].filter(([key]) => !known.includes(key)).flatMap(([key, entry]): Found[] => {
    const { line, column } = entry.key
    const shared = { path: pathText(stepsOf({ up: path, step: key })), line, column }
    const meant = known.find(name => name.toLowerCase() === key.toLowerCase())
    const remark: Found = { kind: 'warning', message: `Config has unrecognized key: ${key}`, ...shared }
    return meant === undefined ? [remark] : [remark, { kind: 'info', message: `Did you mean ${meant} instead of ${key}`, ...shared }]
  })
}

const place = (remarks: readonly Remark[], source: SourceNode | undefined, path: Path | undefined): readonly Found[] =>
  remarks.length === 0 ? none : at(remarks.map(remark => ({ ...remark, path: pathText(stepsOf(path)) })), source)

/** Remarks that have no place yet get that of `source`. */
function at (found: readonly Found[], source: SourceNode | undefined): readonly Found[] {
  if (found.length === 0 || source === undefined) return found
  return found.map(entry => entry.line !== undefined ? entry : { ...entry, line: source.node.line, column: source.node.column })
}
