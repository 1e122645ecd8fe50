// Where the parts of a group's or profile's JSON stand, and which of its keys mean nothing.
import { isUtf8 } from 'node:buffer'
import { didYouMean } from '../base/nearest.js'
import type { TextPosition } from '../base/positions.js'
import { goString } from '../go/string.js'
import { readJson } from '../ignition/json-source.js'
import type { YamlNode, YamlPair } from '../yaml/node.js'
import type { FilePlace, Finding } from './finding.js'
import { storeFinding } from './store-rules.js'

/** JSON has no comments; some write them as keys of such names. */
const remark = /^(?:[_#$]|\/\/|comment$)/i

const keyText = ({ key }: YamlPair): string => key.kind === 'scalar' ? key.value : ''

export class JsonPlaces {
  readonly #file: string
  readonly #root: YamlNode | undefined

  /** `file` is how places call it. What is no JSON has no places in it. */
  constructor (file: string, bytes: Buffer) {
    this.#file = file
    const source = readJson(bytes.toString('utf8'))
    this.#root = 'root' in source ? source.root : undefined
  }

  /** Of the value at the path, or of the nearest thing around it that is there. Keys are found as Go finds them, in any case. */
  of (...path: ReadonlyArray<string | number>): FilePlace {
    let node = this.#root
    for (const step of path) {
      const next = child(node, step)
      if (next === undefined) break
      node = next
    }
    return { file: this.#file, line: node?.line ?? 1, column: node?.column ?? 1 }
  }

  /** Of the key itself. */
  ofKey (key: string, ...parent: readonly string[]): FilePlace {
    const node = pairsAt(this.#root, parent).find(pair => keyText(pair) === key)?.key
    return node === undefined ? this.of(...parent, key) : this.#at(node)
  }

  /** Keys of the object at the path that are none of `known`, in whatever case they are written, and those that stand twice. */
  oddKeys (known: readonly string[], ...path: readonly string[]): readonly Finding[] {
    const nameOf = (key: string): string => known.find(one => one === key.toLowerCase()) ?? key
    const unknown = pairsAt(this.#root, path).filter(pair => !known.includes(nameOf(keyText(pair))) && !remark.test(keyText(pair)))
    return [...this.repeatedKeys(nameOf, ...path), ...unknown.map(pair => {
      const key = keyText(pair)
      return storeFinding('unknown-key', this.#at(pair.key), `unknown key ${JSON.stringify(key)}, which is passed over${didYouMean(key, known) || ` (known: ${known.join(', ')})`}`)
    })]
  }

  /** Keys of the object at the path that stand twice; `nameOf` says which are the same. */
  repeatedKeys (nameOf: (key: string) => string, ...path: readonly string[]): readonly Finding[] {
    const seen = new Set<string>()
    return pairsAt(this.#root, path).flatMap(pair => {
      const name = nameOf(keyText(pair))
      const first = !seen.has(name)
      seen.add(name)
      if (first) return []
      return [storeFinding('repeated-key', this.#at(pair.key), `the key ${JSON.stringify(name)} stands twice`)]
    })
  }

  /** Of the first octet that is not UTF-8. */
  strayOctet (bytes: Buffer): FilePlace { return { file: this.#file, ...strayOctet(bytes) ?? { line: 1, column: 1 } } }

  #at ({ line, column }: YamlNode): FilePlace { return { file: this.#file, line, column } }
}

/** Where the first octet stands that is not UTF-8; undefined when all are. */
export function strayOctet (bytes: Buffer): { readonly line: number, readonly column: number } | undefined {
  if (isUtf8(bytes)) return undefined
  // By halves, with a character's length to spare; then octet by octet.
  let [well, ill] = [0, bytes.length]
  while (ill - well > 1) {
    const middle = (well + ill) >> 1
    if (beginsWell(bytes.subarray(0, middle))) well = middle
    else ill = middle
  }
  while (!isUtf8(bytes.subarray(0, well))) well--
  const before = bytes.subarray(0, well).toString('utf8').split('\n')
  return { line: before.length, column: [...before.at(-1) ?? ''].length + 1 }
}

/** Whether it is UTF-8, but for three octets at its end: a character that is not whole. */
const beginsWell = (bytes: Buffer): boolean =>
  [0, 1, 2, 3].some(less => less <= bytes.length && isUtf8(bytes.subarray(0, bytes.length - less)))

/**
 * What to add to Go's words for text that is no JSON from there on: it ends too early, has what other notations allow, or goes on after a
 * comma with nothing.
 */
export function jsonHint (bytes: Uint8Array, { line, column }: TextPosition): string {
  const lines = goString(bytes).split('\n')
  const last = [...lines[line - 1] ?? '']
  const found = last[column - 1]
  if (found === undefined && line === lines.length) return ': is the file cut?'
  if (found === '/') return ' (JSON has no comments; keys that begin with "_" are passed over)'
  if (found === "'") return ' (JSON has its texts in double quotes)'
  const before = [...lines.slice(0, line - 1), last.slice(0, column - 1).join('')].join('\n').trimEnd()
  return before.endsWith(',') && (found === '}' || found === ']') ? ' (a trailing comma, which JSON does not allow)' : ''
}

/** Of a key that stands twice the last counts. */
function child (node: YamlNode | undefined, step: string | number): YamlNode | undefined {
  if (node?.kind === 'sequence' && typeof step === 'number') return node.items[step]
  if (node?.kind !== 'mapping') return undefined
  return (node.pairs.findLast(pair => keyText(pair) === step) ?? node.pairs.findLast(pair => keyText(pair).toLowerCase() === step))?.value
}

function pairsAt (root: YamlNode | undefined, path: readonly string[]): readonly YamlPair[] {
  let node = root
  for (const step of path) node = child(node, step)
  return node?.kind === 'mapping' ? node.pairs : []
}
