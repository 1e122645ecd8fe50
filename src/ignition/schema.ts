// The language in which configs are described: one table per section, from which documents are decoded (decode.ts), checked
// (validate.ts), merged (spec3/merge.ts) and written (encode.ts). Fields stand under their JSON names and in the order of the
// reference's struct; in YAML the same names are spelled snake_case. `goType` is the type's name in the reference's messages, which
// say it ("cannot unmarshal !!str `core` into types.FileUser").

/** What may be said of a field beside its type. */
export interface Traits {
  /** Known to Butane only: it never reaches the JSON. */
  readonly sugar?: true
  /** Not to be set from YAML. */
  readonly internal?: true
  /** Written to the JSON even when empty. */
  readonly keep?: true
  /** A list whose entries may repeat and are appended, never matched, in a merge. */
  readonly repeats?: true
  /** Lists of one struct with the same word share one set of keys: a path is a file, a directory or a link, not two of them. */
  readonly shares?: string
}

export interface StringType extends Traits { readonly kind: 'string', readonly goType: string }
export interface BoolType extends Traits { readonly kind: 'bool', readonly goType: string }
/** 64 bits, as Go's int and uint have them on the machines the references were built for; the value is a bigint. */
export interface IntType extends Traits { readonly kind: 'int' | 'uint', readonly goType: string }
/** Go's interface{}: whatever is there is taken and forgotten. */
export interface AnyType extends Traits { readonly kind: 'any', readonly goType: string }
type Leaf = StringType | BoolType | IntType | AnyType

export interface ListType<E> extends Traits { readonly kind: 'list', readonly goType: string, readonly element: E }
/** A Go pointer: undefined when the key is absent or null. */
export interface OptionalType<E> extends Traits { readonly kind: 'optional', readonly goType: string, readonly element: E }
export interface StructType<F> extends Traits {
  readonly kind: 'struct'
  readonly goType: string
  readonly fields: F
  /** What makes an entry of a list of these the same entry as another; without it all are the same. */
  readonly key?: (values: Values) => string
}
/** Something that decodes itself, as Go's UnmarshalYAML; `zero` is its value when it is not there. */
export interface CustomType<T = unknown> extends Traits {
  readonly kind: 'custom'
  readonly goType: string
  readonly zero: () => T
  readonly decode: (scope: CustomScope) => T
  /** The fields that hang on its value (etcd's options on its version), for those who walk it as a struct. */
  inside? (value: T): { readonly type: Struct, readonly value: Values }
}

/** What a CustomType works with. */
export interface CustomScope {
  /** This node as another type. Throws when the node does not fit it. */
  readonly as: <T extends Type>(type: T) => ValueOf<T>
  /** Ends the whole decoding with this message, as an error that UnmarshalYAML returns does. */
  readonly fail: (message: string) => never
}

export interface Fields { readonly [name: string]: Type }
export interface Struct extends StructType<Fields> {}
interface ListOfType extends ListType<Type> {}
interface OptionalOfType extends OptionalType<Type> {}
export type Type = Leaf | CustomType | ListOfType | OptionalOfType | Struct

/** In a table of several versions: a field that came with version `from`, or was another one (`before`) until then. */
export interface Gated<A, B> { readonly kind: 'gated', readonly from: number, readonly type: A, readonly before: B }

interface TableFields { readonly [name: string]: Table }
interface ListTable extends ListType<Table> {}
interface OptionalTable extends OptionalType<Table> {}
interface StructTable extends StructType<TableFields> {}
interface GatedTable extends Gated<Table, Table | undefined> {}
/** A type of all versions at once; atVersion makes it the type of one. */
export type Table = Leaf | CustomType | ListTable | OptionalTable | StructTable | GatedTable

/** The TypeScript type of a decoded value; unknown where the type itself is not known. What a version lacks is undefined. */
export type ValueOf<T> = 'string' | 'struct' extends KindOf<T> ? unknown : KnownValueOf<T>

type KindOf<T> = T extends { readonly kind: infer K } ? K : never
type KnownValueOf<T> =
  T extends { readonly kind: 'string' } ? string
    : T extends { readonly kind: 'bool' } ? boolean
      : T extends { readonly kind: 'int' | 'uint' } ? bigint
        : T extends { readonly kind: 'list', readonly element: infer E } ? ReadonlyArray<ValueOf<E>>
          : T extends { readonly kind: 'optional', readonly element: infer E } ? ValueOf<E> | undefined
            : T extends { readonly kind: 'struct', readonly fields: infer F } ? { readonly [K in keyof F]: ValueOf<F[K]> }
              : T extends { readonly kind: 'custom', readonly zero: () => infer V } ? V
                : T extends { readonly kind: 'gated', readonly type: infer A, readonly before: infer B } ? ValueOf<A> | (B extends undefined ? undefined : ValueOf<B>)
                  : unknown

/** A decoded value of a type that is known only when it runs. */
export type Value = string | bigint | boolean | undefined | readonly Value[] | Values
export interface Values { readonly [name: string]: Value }

/** The caller says which table the values are of: decoding and merging have kept them to it. */
export const view = <T extends Table>(_table: T, values: Value): ValueOf<T> => values as ValueOf<T>

const goTypeOf = (table: Table): string => table.kind === 'gated' ? goTypeOf(table.type) : table.goType

export const string = (goType = 'string'): StringType => ({ kind: 'string', goType })
export const bool: BoolType = { kind: 'bool', goType: 'bool' }
export const int: IntType = { kind: 'int', goType: 'int' }
export const uint: IntType = { kind: 'uint', goType: 'uint' }
export const any: AnyType = { kind: 'any', goType: 'interface {}' }
export const list = <E extends Table>(element: E, goType = `[]${goTypeOf(element)}`): ListType<E> => ({ kind: 'list', goType, element })
export const optional = <E extends Table>(element: E): OptionalType<E> => ({ kind: 'optional', goType: `*${goTypeOf(element)}`, element })
type Key<F> = (keyof F & string) | ((values: Values) => string)
/** @param key the field by which entries of a list are told apart, or a function of the value */
export const struct = <F extends TableFields>(goType: string, fields: F, key?: Key<F>): StructType<F> =>
  ({ kind: 'struct', goType, fields, ...key === undefined ? {} : { key: typeof key === 'string' ? values => textOf(values[key]) : key } })
export const custom = <T>(type: Omit<CustomType<T>, 'kind'>): CustomType<T> => ({ kind: 'custom', ...type })

export const sugar = <T extends Table>(type: T): T => ({ ...type, sugar: true })
export const internal = <T extends Table>(type: T): T => ({ ...type, internal: true })
export const keep = <T extends Table>(type: T): T => ({ ...type, keep: true })
export const repeats = <T extends Table>(type: T): T => ({ ...type, repeats: true })
export const shares = <T extends Table>(word: string, type: T): T => ({ ...type, shares: word })
export function since<A extends Table> (from: number, type: A): Gated<A, undefined>
export function since<A extends Table, B extends Table> (from: number, type: A, before: B): Gated<A, B>
export function since (from: number, type: Table, before?: Table): GatedTable { return { kind: 'gated', from, type, before } }

const textOf = (value: Value): string => typeof value === 'string' ? value : ''

export const keyOf = (type: Type, value: Value): string =>
  type.kind === 'struct' ? type.key?.((value ?? {}) as Values) ?? '' : textOf(value)

/** A type's name without its package, by which rules are found. */
export const bareName = ({ goType }: { readonly goType: string }): string => goType.slice(goType.lastIndexOf('.') + 1)

/** A field's name as YAML has it: `wipeTable` is `wipe_table`. */
export const snakeCase = (name: string): string => /[A-Z]/.test(name) ? name.replace(/MiB|[A-Z]/g, part => `_${part}`).toLowerCase() : name

/** In which form a document is written: YAML has sugar and snake_case. */
export type DocumentForm = 'yaml' | 'json'

export const spelled = (name: string, form: DocumentForm): string => form === 'yaml' ? snakeCase(name) : name

type WrittenFields = ReadonlyMap<string, readonly [string, Type]>
const writtenFieldsOf = { yaml: new WeakMap<Struct, WrittenFields>(), json: new WeakMap<Struct, WrittenFields>() } as const

/** The fields that may be set in a document of that form, by their names there. */
export const writtenFields = (struct: Struct, form: DocumentForm): WrittenFields => {
  const known = writtenFieldsOf[form].get(struct) ?? new Map(Object.entries(struct.fields).flatMap(([name, field]) =>
    (form === 'yaml' ? field.internal : field.sugar) === true ? [] : [[spelled(name, form), [name, field] as const]]))
  writtenFieldsOf[form].set(struct, known)
  return known
}

/** The fields that Ignition knows, without Butane's sugar. */
export const ignitionFields = ({ fields }: Struct): ReadonlyArray<readonly [string, Type]> =>
  Object.entries(fields).filter(([, field]) => field.sugar !== true)

/**
 * Made when it is first asked for: the tables of all versions are ten thousand objects, and a machine needs one of them.
 */
export function once<T> (make: () => T): () => T {
  let made: { readonly value: T } | undefined
  return () => (made ??= { value: make() }).value
}

/**
 * A table at one version.
 * @param scopes the Go package of each package named in the table (`''` where none is), which its messages show
 */
export function atVersion<T extends StructType<TableFields>> (table: T, version: number, scopes: Readonly<Record<string, string>>): Struct {
  const scoped = (goType: string): string => {
    const [, prefix = '', name = ''] = /^(?:(\w+)\.)?([A-Z]\w*)$/.exec(goType) ?? []
    return name === '' ? goType : `${scopes[prefix] ?? prefix}.${name}`
  }
  const resolve = (type: Table): Type | undefined => {
    if (type.kind === 'gated') return version >= type.from ? resolve(type.type) : type.before === undefined ? undefined : resolve(type.before)
    if (type.kind === 'struct') return resolveStruct(type)
    if (type.kind !== 'list' && type.kind !== 'optional') return { ...type, goType: scoped(type.goType) }
    const element = resolve(type.element)
    if (element === undefined) return undefined
    if (type.kind === 'optional') return { ...type, element, goType: `*${element.goType}` }
    return { ...type, element, goType: type.goType.startsWith('[]') ? `[]${element.goType}` : scoped(type.goType) }
  }
  const resolveStruct = (type: StructType<TableFields>): Struct => ({
    ...type,
    goType: scoped(type.goType),
    fields: Object.fromEntries(Object.entries(type.fields).flatMap(([name, field]) => {
      const resolved = resolve(field)
      return resolved === undefined ? [] : [[name, resolved]]
    }))
  })
  return resolveStruct(table)
}
