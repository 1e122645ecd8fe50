// A YAML tree into typed values by a schema, with go-yaml's rules and messages: which scalars fit which type, what null does,
// merge keys, duplicate keys, and the bound on what aliases may blow up to.
import { goBytes, goString } from '../go/string.js'
import { writtenFields } from './schema.js'
import { nodeText } from '../yaml/node.js'
import { looseTruths, looseUntruths, maximumInt, resolveScalar, shortTag } from '../yaml/resolve.js'
import { YamlError } from '../yaml/yaml-error.js'
import { zeroOf, zeroValue } from './values.js'
import type { CustomType, DocumentForm, Struct, Type, ValueOf } from './schema.js'
import type { YamlAlias, YamlMapping, YamlNode, YamlScalar, YamlSequence } from '../yaml/node.js'
import type { Resolved } from '../yaml/resolve.js'
import type { YamlDialect } from '../yaml/yaml-error.js'

/** One value that does not fit its type: go-yaml collects these and goes on, and names the line of each. */
export interface TypeProblem { readonly line: number, readonly column: number, readonly text: string }

export class YamlTypeError extends YamlError {
  readonly problems: readonly TypeProblem[]

  constructor (problems: readonly TypeProblem[]) {
    super(`yaml: unmarshal errors:${problems.map(p => `\n  line ${p.line}: ${p.text}`).join('')}`, problems[0])
    this.problems = problems
  }
}

/** What UnmarshalYAML of the reference returned as an error of its own; the message stands alone. */
class CustomDecodeError extends YamlError {}

interface Outcome { readonly good: boolean, readonly value: unknown }
type RawFields = Record<string, unknown>

/** Characters that aliases may bring in, all together: one long text that stands in a thousand places would fill the memory. */
const maximumAliasedText = 16 * 1024 * 1024

/** Problems past this many add nothing that a person would read. */
const maximumProblems = 100

/**
 * The value of `root` as `type`; its zero value for an empty document.
 * Throws YamlTypeError when values do not fit, YamlError when the document itself is at fault.
 */
export function decodeYaml<T extends Type> (root: YamlNode | undefined, type: T, dialect: YamlDialect, form: DocumentForm = 'yaml'): ValueOf<T> {
  if (root === undefined) return zeroOf(type)
  const decoder = new Decoder(dialect, form)
  const { value } = decoder.unmarshal(root, type, zeroValue(type))
  if (decoder.problems.length > 0) throw new YamlTypeError(decoder.problems)
  return value as ValueOf<T>
}

class Decoder {
  problems: TypeProblem[] = []
  readonly #dialect: YamlDialect
  readonly #form: DocumentForm
  readonly #open = new Set<string | YamlAlias>()
  #merged: Set<string> | undefined
  #steps = 0
  #aliasSteps = 0
  #aliasedText = 0

  constructor (dialect: YamlDialect, form: DocumentForm) {
    this.#dialect = dialect
    this.#form = form
  }

  unmarshal (node: YamlNode, type: Type, current: unknown): Outcome {
    this.#count(node)
    if (node.kind === 'alias') return this.#alias(node, type, current)
    let target = type
    let value = current
    if (!this.#isBareNull(node)) {
      while (target.kind === 'optional') {
        target = target.element
        value ??= zeroValue(target)
      }
      if (target.kind === 'custom') return this.#custom(node, target, value)
    }
    if (node.kind === 'scalar') return this.#scalar(node, target, value)
    return node.kind === 'sequence' ? this.#sequence(node, target, value) : this.#mapping(node, target, value)
  }

  // Of a small document nearly all may come from aliases, of one that grows past 400,000 steps less and less: go-yaml's bound.
  // The fork of v2 had none; a bomb is refused all the same.
  #count (node: YamlNode): void {
    this.#steps++
    if (this.#open.size > 0) {
      this.#aliasSteps++
      this.#aliasedText += nodeText(node).length
    }
    const [low, high] = [400_000, 4_000_000]
    const share = this.#steps <= low ? 0.99 : this.#steps >= high ? 0.1 : 0.99 - 0.89 * (this.#steps - low) / (high - low)
    const tooMany = this.#aliasSteps > 100 && this.#steps > 1000 && this.#aliasSteps / this.#steps > share
    if (tooMany || this.#aliasedText > maximumAliasedText) {
      throw new YamlError('yaml: document contains excessive aliasing', node)
    }
  }

  // v2 misses `~` here, so that a pointer it is decoded into points to a zero value.
  #isBareNull (node: Exclude<YamlNode, YamlAlias>): boolean {
    if (this.#dialect === 'v3') {
      if (shortTag(node.tag) === '!!null') return true
      return node.kind === 'scalar' && (node.tag === '' || node.tag === '!') && resolveScalar(node, 'v3').type === 'null'
    }
    if (node.kind !== 'scalar') return node.tag === 'tag:yaml.org,2002:null'
    return shortTag(node.tag) === '!!null' || (node.tag === '' && (node.value === 'null' || (node.value === '' && node.style === 'plain')))
  }

  #alias (node: YamlAlias, type: Type, current: unknown): Outcome {
    if (node.target === undefined) throw new YamlError(`yaml: unknown anchor '${node.name}' referenced`, node)
    const key = this.#dialect === 'v2' ? node.name : node
    if (this.#open.has(key)) throw new YamlError(`yaml: anchor '${node.name}' value contains itself`, node)
    this.#open.add(key)
    const outcome = this.unmarshal(node.target, type, current)
    this.#open.delete(key)
    return outcome
  }

  #custom (node: Exclude<YamlNode, YamlAlias>, type: CustomType, current: unknown): Outcome {
    const before = this.problems
    const as = <T extends Type>(other: T): ValueOf<T> => {
      this.problems = []
      const { value } = this.unmarshal(node, other, zeroValue(other))
      if (this.problems.length > 0) throw new YamlTypeError(this.problems)
      return value as ValueOf<T>
    }
    try {
      return { good: true, value: type.decode({ as, fail: message => { throw new CustomDecodeError(message, node) } }) }
    } catch (error) {
      if (!(error instanceof YamlTypeError)) throw error
      before.push(...error.problems)
      return { good: false, value: current }
    } finally {
      this.problems = before
    }
  }

  #refuse (node: YamlNode, tag: string, type: Type, current: unknown): Outcome {
    const text = nodeText(node)
    const bytes = goBytes(text)
    const quoted = tag === '!!seq' || tag === '!!map' ? text : ` \`${bytes.length > 10 ? `${goString(bytes.subarray(0, 7))}...` : text}\``
    this.#problem(node, `cannot unmarshal ${tag}${quoted} into ${type.goType}`)
    return { good: false, value: current }
  }

  #problem ({ line, column }: YamlNode, text: string): void {
    if (this.problems.length < maximumProblems) this.problems.push({ line, column, text })
  }

  #scalar (node: YamlScalar, type: Type, current: unknown): Outcome {
    const resolved = resolveScalar(node, this.#dialect)
    if (resolved.type === 'null') return this.#null(type, current)
    const value = this.#fit(node, resolved, type)
    return value === undefined ? this.#refuse(node, resolved.tag, type, current) : { good: true, value }
  }

  #null (type: Type, current: unknown): Outcome {
    const clears = this.#dialect === 'v2' || type.kind === 'optional' || type.kind === 'list' || type.kind === 'any'
    return clears ? { good: true, value: zeroValue(type) } : { good: false, value: current }
  }

  /** undefined where it does not fit. */
  #fit (node: YamlScalar, resolved: Resolved, type: Type): unknown {
    switch (type.kind) {
      case 'string': return resolved.type === 'binary' ? resolved.value : node.value
      case 'bool': {
        if (resolved.type === 'bool') return resolved.value
        if (this.#dialect === 'v2' || resolved.type !== 'string') return undefined
        return looseTruths.has(resolved.value) ? true : looseUntruths.has(resolved.value) ? false : undefined
      }
      case 'int': {
        const value = wholeNumber(resolved)
        return value !== undefined && value <= maximumInt ? value : undefined
      }
      case 'uint': {
        if (resolved.type === 'int') return resolved.value >= 0n ? resolved.value : undefined
        const value = wholeNumber(resolved, 2 ** 64)
        return value === undefined ? undefined : BigInt.asUintN(64, value)
      }
      case 'any': return ''
      // Only v2's quoted 'null' gets here: pointers were followed, and customs asked, for everything else.
      case 'optional': return type.element.kind === 'string' && resolved.type === 'string' ? resolved.value : undefined
      case 'list': case 'struct': case 'custom': return undefined
    }
  }

  #sequence (node: YamlSequence, type: Type, current: unknown): Outcome {
    if (type.kind === 'any') return { good: true, value: '' }
    if (type.kind !== 'list') return this.#refuse(node, this.#collectionTag(node, '!!seq'), type, current)
    const items: unknown[] = []
    for (const item of node.items) {
      const outcome = this.unmarshal(item, type.element, zeroValue(type.element))
      if (outcome.good) items.push(outcome.value)
    }
    return { good: true, value: items }
  }

  #mapping (node: YamlMapping, type: Type, current: unknown): Outcome {
    if (this.#dialect === 'v3' && this.#hasDuplicates(node)) return { good: false, value: current }
    if (type.kind === 'any') return { good: true, value: '' }
    if (type.kind !== 'struct') return this.#refuse(node, this.#collectionTag(node, '!!map'), type, current)
    const value = typeof current === 'object' && current !== null ? { ...current } : {}
    this.#struct(node, type, value)
    return { good: true, value }
  }

  // v2 knows tags of scalars only.
  #collectionTag (node: YamlSequence | YamlMapping, usual: string): string {
    return this.#dialect === 'v2' || node.tag === '' || node.tag === '!' ? usual : shortTag(node.tag)
  }

  #hasDuplicates (node: YamlMapping): boolean {
    const seen = new Map<string, YamlNode[]>()
    for (const { key } of node.pairs) {
      const id = `${key.kind} ${nodeText(key)}`
      const same = seen.get(id)
      if (same === undefined) seen.set(id, [key])
      else same.push(key)
    }
    let found = false
    for (const same of seen.values()) {
      for (let i = 0; i < same.length - 1 && i < maximumProblems; i++) {
        for (const again of same.slice(i + 1, i + 1 + maximumProblems)) {
          found = true
          this.#problem(again, `mapping key ${JSON.stringify(nodeText(again))} already defined at line ${same[i]?.line}`)
        }
      }
    }
    return found
  }

  #struct (node: YamlMapping, type: Struct, value: RawFields): void {
    const merged = this.#merged
    this.#merged = undefined
    const fields = writtenFields(type, this.#form)
    let merge: YamlNode | undefined
    for (const pair of node.pairs) {
      if (this.#isMerge(pair.key)) {
        // v2 merges where `<<` stands and so over the keys before it; v3 at the end, and only what is not there.
        if (this.#dialect === 'v2') this.#merge(pair.value, type, value)
        else merge = pair.value
        continue
      }
      const name = this.unmarshal(pair.key, keyType, '')
      if (!name.good || typeof name.value !== 'string') continue
      if (merged?.has(name.value) === true) continue
      merged?.add(name.value)
      const [field, fieldType] = fields.get(name.value) ?? []
      if (field !== undefined && fieldType !== undefined) value[field] = this.unmarshal(pair.value, fieldType, value[field]).value
    }
    this.#merged = merged
    if (merge !== undefined) {
      this.#merged ??= new Set(node.pairs.map(pair => nodeText(pair.key)))
      this.#merge(merge, type, value)
      this.#merged = merged
    }
  }

  #isMerge (key: YamlNode): boolean {
    if (key.kind !== 'scalar' || key.value !== '<<') return false
    if (shortTag(key.tag) === '!!merge' || key.tag === '!') return true
    return key.tag === '' && key.style === 'plain'
  }

  #merge (node: YamlNode, type: Type, value: RawFields): void {
    const sources = node.kind === 'sequence' ? node.items : [node]
    for (const source of this.#dialect === 'v2' ? sources.toReversed() : sources) {
      const behind = source.kind === 'alias' ? source.target : source
      if (behind !== undefined && behind.kind !== 'mapping') {
        throw new YamlError('yaml: map merge requires map or sequence of maps as the value', source)
      }
      Object.assign(value, this.unmarshal(source, type, value).value)
    }
  }
}

const keyType = { kind: 'string', goType: 'string' } as const

/** A number as Go turns it into an int64 on amd64: fractions are cut, and what is below the range becomes the least number. */
function wholeNumber (resolved: Resolved, most = 2 ** 63): bigint | undefined {
  if (resolved.type === 'int') return resolved.value
  if (resolved.type !== 'float' || !(resolved.value <= most)) return undefined
  if (resolved.value < -(2 ** 63) || resolved.value === 2 ** 64) return -maximumInt - 1n
  const value = BigInt(Math.trunc(resolved.value))
  return most === 2 ** 63 && value > maximumInt ? -maximumInt - 1n : value
}
