// The values a template works on, and how the data handed to it becomes such values. What Go holds in an interface{} is here
//   undefined       no value at all (the zero reflect.Value): printed by an action as <no value>
//   null            a nil interface{}: what JSON's null and a missing key of index give
//   boolean, string, number (float64), bigint (int), Uint8 (a byte of a string), Complex
//   GoSlice         []interface{}
//   GoMap           map[string]interface{} or map[string]string
import { compareStrings } from '../string.js'

/** What a template is executed on: JSON values, whose objects may be maps, and StringMap for a map[string]string. */
export type TemplateData =
  | null | boolean | number | string | StringMap
  | readonly TemplateData[]
  | ReadonlyMap<string, TemplateData>
  | { readonly [key: string]: TemplateData }

/**
 * Data that Go holds as map[string]string (Matchbox: `request.query`): a key that `index` does not find gives "" instead of
 * <no value>, and %T, %#v and messages name that type.
 */
export class StringMap extends Map<string, string> {}

/** One byte, which is what indexing a string gives. */
export class Uint8 {
  readonly value: number
  constructor (value: number) { this.value = value }
}

export class Complex {
  readonly real: number
  readonly imaginary: number
  constructor (real: number, imaginary: number) {
    this.real = real
    this.imaginary = imaginary
  }
}

export type TemplateValue = undefined | null | boolean | string | number | bigint | Uint8 | Complex | GoSlice | GoMap

export function valueOf (data: TemplateData): TemplateValue {
  if (data === null || typeof data !== 'object') return data
  if (Array.isArray(data)) return GoSlice.of(data)
  return new GoMap(data instanceof StringMap ? 'string' : 'interface {}', data as MapSource)
}

/** The type of a value that is there, as Go's %T names it. */
export function typeName (value: Exclude<TemplateValue, undefined | null>): string {
  if (typeof value === 'object') {
    if (value instanceof GoMap) return `map[string]${value.elementType}`
    return value instanceof GoSlice ? '[]interface {}' : value instanceof Uint8 ? 'uint8' : 'complex128'
  }
  return scalarTypes[typeof value as keyof typeof scalarTypes]
}

const scalarTypes = { boolean: 'bool', string: 'string', number: 'float64', bigint: 'int' } as const

/** Whether {{if}} takes the value for true: not the zero, and not empty. */
export function isTrue (value: TemplateValue): boolean {
  if (value instanceof GoMap || value instanceof GoSlice) return value.length > 0
  if (value instanceof Uint8) return value.value !== 0
  if (value instanceof Complex) return value.real !== 0 || value.imaginary !== 0
  return Boolean(value)
}

// Capacities past 512 that runtime.growslice reaches by appending 16-byte interfaces one by one, up to where a list is larger
// than the allocator's size classes; from there on growth is a quarter and 192, rounded up to pages of 8 KiB.
const capacities = [848, 1280, 1792, 2560] as const

/** The capacity of a list of that length as encoding/json leaves it: the slice function may reslice up to there. */
export function decodedCapacity (length: number): number {
  if (length === 0) return 0
  let capacity = 1
  while (capacity < length && capacity < 512) capacity *= 2
  for (const next of capacities) if (capacity < length) capacity = next
  while (capacity < length) capacity = Math.ceil((capacity + Math.floor((capacity + 768) / 4)) / 512) * 512
  return capacity
}

export class GoSlice {
  readonly #items: readonly TemplateData[]
  readonly #values: Map<number, TemplateValue>
  readonly #start: number
  readonly length: number
  readonly capacity: number

  private constructor (
    items: readonly TemplateData[], values: Map<number, TemplateValue>, start: number, length: number, capacity: number
  ) {
    this.#items = items
    this.#values = values
    this.#start = start
    this.length = length
    this.capacity = capacity
  }

  static of (items: readonly TemplateData[]): GoSlice {
    return new GoSlice(items, new Map(), 0, items.length, decodedCapacity(items.length))
  }

  /** Element `index`, below `length`. */
  at (index: number): TemplateValue {
    const at = this.#start + index
    const item = this.#items[at] ?? null
    if (item === null || typeof item !== 'object') return valueOf(item)
    let value = this.#values.get(at)
    if (value === undefined) this.#values.set(at, value = valueOf(item))
    return value
  }

  /** `s[from:to:max]`, with 0 <= from <= to <= max <= capacity. */
  slice (from: number, to: number, max: number): GoSlice {
    return new GoSlice(this.#items, this.#values, this.#start + from, to - from, max - from)
  }
}

type MapSource = ReadonlyMap<string, TemplateData> | { readonly [key: string]: TemplateData }

export class GoMap {
  readonly elementType: 'interface {}' | 'string'
  readonly #source: MapSource
  readonly #values = new Map<string, TemplateValue>()
  #keys: readonly string[] | undefined

  constructor (elementType: 'interface {}' | 'string', source: MapSource) {
    this.elementType = elementType
    this.#source = source
  }

  get length (): number { return this.keys.length }

  /** The keys in the order in which Go ranges over and prints them. */
  get keys (): readonly string[] {
    this.#keys ??= (this.#source instanceof Map ? [...this.#source.keys()] : Object.keys(this.#source)).sort(compareStrings)
    return this.#keys
  }

  has (key: string): boolean { return this.#source instanceof Map ? this.#source.has(key) : Object.hasOwn(this.#source, key) }

  /** The element, or the element type's zero value (nil or "") where the key is missing. */
  get (key: string): TemplateValue {
    if (!this.has(key)) return this.elementType === 'string' ? '' : null
    const item = this.#source instanceof Map ? this.#source.get(key) : (this.#source as { readonly [key: string]: TemplateData })[key]
    if (item === undefined || item === null || typeof item !== 'object') return valueOf(item ?? null)
    let value = this.#values.get(key)
    if (value === undefined) this.#values.set(key, value = valueOf(item))
    return value
  }
}
