// How a config's sections are described: one table per section, read by the decoder (decode.ts) and by the validators that
// walk a decoded value beside its YAML. `goType` is the type's name in the reference's messages, which say it
// ("cannot unmarshal !!str `core` into types.FileUser").

export interface StringType { readonly kind: 'string', readonly goType: string }
export interface BoolType { readonly kind: 'bool', readonly goType: string }
/** 64 bits, as Go's int and uint have them on the machines the references were built for; the value is a bigint. */
export interface IntType { readonly kind: 'int' | 'uint', readonly goType: string }
/** Go's interface{}: whatever is there is taken and forgotten. */
export interface AnyType { readonly kind: 'any', readonly goType: string }
export interface ListType<E extends YamlType = YamlType> { readonly kind: 'list', readonly goType: string, readonly element: E }
/** A Go pointer: undefined when the key is absent or null. */
export interface OptionalType<E extends YamlType = YamlType> { readonly kind: 'optional', readonly goType: string, readonly element: E }
export interface StructType<F extends Fields = Fields> { readonly kind: 'struct', readonly goType: string, readonly fields: F }
/** Something that decodes itself, as Go's UnmarshalYAML; `zero` is its value when it is not there. */
export interface CustomType<T = unknown> {
  readonly kind: 'custom'
  readonly goType: string
  readonly zero: () => T
  readonly decode: (scope: CustomScope) => T
}

/** What a CustomType works with. */
export interface CustomScope {
  /** This node as another type. Throws when the node does not fit it. */
  readonly as: <T extends YamlType>(type: T) => ValueOf<T>
  /** Ends the whole decoding with this message, as an error that UnmarshalYAML returns does. */
  readonly fail: (message: string) => never
}

/** Keys as they stand in YAML, in the order of the reference's struct. */
export interface Fields { readonly [key: string]: YamlType }

export type YamlType =
  | StringType | BoolType | IntType | AnyType | CustomType
  | { readonly kind: 'list', readonly goType: string, readonly element: YamlType }
  | { readonly kind: 'optional', readonly goType: string, readonly element: YamlType }
  | { readonly kind: 'struct', readonly goType: string, readonly fields: Fields }

/** The TypeScript type of a decoded value; unknown where the type itself is not known. */
export type ValueOf<T> =
  YamlType extends T ? unknown
    : T extends StringType ? string
      : T extends BoolType ? boolean
        : T extends IntType ? bigint
          : T extends { readonly kind: 'list', readonly element: infer E } ? ReadonlyArray<ValueOf<E>>
            : T extends { readonly kind: 'optional', readonly element: infer E } ? ValueOf<E> | undefined
              : T extends { readonly kind: 'struct', readonly fields: infer F } ? { readonly [K in keyof F]: ValueOf<F[K]> }
                : T extends CustomType<infer V> ? V
                  : unknown

export const string = (goType = 'string'): StringType => ({ kind: 'string', goType })
export const bool: BoolType = { kind: 'bool', goType: 'bool' }
export const int = (goType = 'int'): IntType => ({ kind: 'int', goType })
export const uint = (goType = 'uint'): IntType => ({ kind: 'uint', goType })
export const any: AnyType = { kind: 'any', goType: 'interface {}' }
export const list = <E extends YamlType>(element: E, goType = `[]${element.goType}`): ListType<E> => ({ kind: 'list', goType, element })
export const optional = <E extends YamlType>(element: E): OptionalType<E> => ({ kind: 'optional', goType: `*${element.goType}`, element })
export const struct = <F extends Fields>(goType: string, fields: F): StructType<F> => ({ kind: 'struct', goType, fields })
export const custom = <T>(type: Omit<CustomType<T>, 'kind'>): CustomType<T> => ({ kind: 'custom', ...type })

/** The value of a key that is not there. */
export const zeroOf = <T extends YamlType>(type: T): ValueOf<T> => zeroValue(type) as ValueOf<T>

/** The same, where the type is not known before it runs. */
export function zeroValue (type: YamlType): unknown {
  switch (type.kind) {
    case 'string': return ''
    case 'bool': return false
    case 'int': case 'uint': return 0n
    case 'list': return []
    case 'optional': case 'any': return undefined
    case 'custom': return type.zero()
    case 'struct': {
      const zero: Record<string, unknown> = {}
      for (const key of Object.keys(type.fields)) zero[key] = zeroValue(type.fields[key]!)
      return zero
    }
  }
}
