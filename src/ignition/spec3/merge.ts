// Merging two Ignition 3 configs as Ignition does (docs/operator-notes, "Config Merging"): what Butane's sugar renders is the
// parent, what the person wrote is the child and wins. Entries of a list match by their key; the transcript says where each
// part of the result came from, so that a finding about it can be traced back to the YAML.
import type { ValuePath } from '../../base/positions.js'
import { ignitionFields, keyOf } from '../schema.js'
import { asList, asValues, behind, isZero } from '../values.js'
import type { ListType, Struct, Type, Value, Values } from '../schema.js'

export interface PathMapping { readonly from: 'parent' | 'child', readonly source: ValuePath, readonly result: ValuePath }
export interface MergedConfig { readonly config: Values, readonly transcript: readonly PathMapping[] }

export const mergeConfigs = (struct: Struct, parent: Values, child: Values): MergedConfig => {
  const merger = new Merger()
  const config = merger.struct(struct, { value: parent, path: [] }, { value: child, path: [] }, [])
  return { config, transcript: merger.transcript }
}

/** A part of one of the two configs. */
interface Part { readonly value: Value, readonly path: ValuePath }

const fieldOf = ({ value, path }: Part, name: string): Part => ({ value: asValues(value)[name], path: [...path, name] })
const itemsOf = ({ value, path }: Part): readonly Part[] => asList(value).map((item, i) => ({ value: item, path: [...path, i] }))

class Merger {
  readonly transcript: PathMapping[] = []

  #note (from: PathMapping['from'], { path }: Part, result: ValuePath): void { this.transcript.push({ from, source: path, result }) }

  struct (struct: Struct, parent: Part, child: Part, result: ValuePath): Values {
    return Object.fromEntries(ignitionFields(struct).map(([name, field]) => [
      name,
      field.kind === 'list'
        ? this.#list(struct, name, field, parent, child, [...result, name])
        : this.#single(field, fieldOf(parent, name), fieldOf(child, name), [...result, name])
    ]))
  }

  #both (struct: Struct, parent: Part, child: Part, result: ValuePath): Values {
    const values = this.struct(struct, parent, child, result)
    this.#note('parent', parent, result)
    this.#note('child', child, result)
    return values
  }

  #single (type: Type, parent: Part, child: Part, result: ValuePath): Value {
    const [parentHas, childHas] = [!isZero(type, parent.value), !isZero(type, child.value)]
    const plain = behind(type)
    if (plain.kind === 'struct' && parentHas && childHas) return this.#both(plain, parent, child, result)
    // What is no pointer and no struct is always the child's: there the zero value is a value.
    const mayInherit = type.kind === 'struct' || type.kind === 'optional'
    const winner = !childHas && mayInherit ? 'parent' : 'child'
    const part = winner === 'parent' ? parent : child
    this.#whole(type, winner, part, result)
    return part.value
  }

  #list (struct: Struct, name: string, { element: of, ...field }: ListType<Type>, parent: Part, child: Part, result: ValuePath): Value {
    const [parentList, childList] = [fieldOf(parent, name), fieldOf(child, name)]
    const [parentItems, childItems] = [itemsOf(parentList), itemsOf(childList)]
    if (parentItems.length + childItems.length === 0) return []
    const items: Value[] = []
    const used = { parent: false, child: false }
    const take = (from: PathMapping['from'], part: Part): void => {
      used[from] = true
      this.#whole(of, from, part, [...result, items.length])
      items.push(part.value)
    }
    if (field.repeats === true) {
      for (const item of parentItems) take('parent', item)
      for (const item of childItems) take('child', item)
    } else {
      const known = siblingKeys(struct, name, field.shares, child)
      const parentKeys = new Set(parentItems.map(({ value }) => keyOf(of, value)))
      for (const item of parentItems) {
        const match = known.get(keyOf(of, item.value))
        if (match === undefined) {
          take('parent', item)
        } else if (match.list === name) {
          if (of.kind !== 'struct') {
            take('child', match.part)
          } else {
            items.push(this.#both(of, item, match.part, [...result, items.length]))
            used.parent = used.child = true
          }
        }
        // In another list of the child (a file that is a link there) the child's own list brings it.
      }
      for (const item of childItems) if (!parentKeys.has(keyOf(of, item.value))) take('child', item)
    }
    if (used.parent) this.#note('parent', parentList, result)
    if (used.child) this.#note('child', childList, result)
    return items
  }

  /** Notes a value that came over whole, with all in it that is not zero; says whether there was anything. */
  #whole (pointer: Type, from: PathMapping['from'], part: Part, result: ValuePath): boolean {
    const type = behind(pointer)
    let noted = false
    if (type.kind === 'list') {
      itemsOf(part).forEach((item, i) => { noted = this.#whole(type.element, from, item, [...result, i]) || noted })
    } else if (type.kind === 'struct') {
      for (const [name, inside] of part.value === undefined ? [] : ignitionFields(type)) {
        noted = this.#whole(inside, from, fieldOf(part, name), [...result, name]) || noted
      }
    } else {
      noted = !isZero(pointer, part.value)
    }
    if (noted) this.#note(from, part, result)
    return noted
  }
}

interface Match { readonly list: string, readonly part: Part }

/** The child's entries by key, over all lists that share their keys with this one; of two with one key the last counts. */
const siblingKeys = (struct: Struct, list: string, word: string | undefined, child: Part): ReadonlyMap<string, Match> => {
  const found = new Map<string, Match>()
  for (const [name, field] of ignitionFields(struct)) {
    if (field.kind !== 'list' || (name !== list && (word === undefined || word !== field.shares))) continue
    for (const part of itemsOf(fieldOf(child, name))) found.set(keyOf(field.element, part.value), { list: name, part })
  }
  return found
}
