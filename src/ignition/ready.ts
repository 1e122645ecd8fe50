// Whether bytes are an Ignition config as they stand: JSON that names a spec version. They are served unchanged either way; the
// answer is for whoever wants to know why a machine did not take its config. Any version counts, newer ones than this program
// has heard of too.
import { goString } from '../go/string.js'

export type Ready =
  | { readonly version: string }
  /** `line` and `column` count from 1, in characters. */
  | { readonly problem: string, readonly line: number, readonly column: number }

export const readyIgnition = (bytes: Uint8Array): Ready => {
  const text = goString(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength))
  let document: unknown
  try {
    document = JSON.parse(text)
  } catch {
    const { offset, problem } = firstFault(text)
    return { problem, ...placeOf(text, offset) }
  }
  const found = versionOf(document)
  return 'version' in found ? found : { ...found, line: 1, column: 1 }
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const versionOf = (document: unknown): { version: string } | { problem: string } => {
  if (!isObject(document)) return { problem: 'not an Ignition config: the JSON is not an object' }
  const section = document['ignition']
  if (!isObject(section)) {
    return 'ignitionVersion' in document
      ? { problem: 'an Ignition 1 config (ignitionVersion), which no system that boots this way reads any more' }
      : { problem: 'not an Ignition config: it has no ignition.version' }
  }
  const version = section['version']
  if (typeof version !== 'string' || version === '') return { problem: 'not an Ignition config: ignition.version is not a text' }
  const major = /^(\d+)\.\d+\.\d+(-[0-9A-Za-z.-]+)?$/.exec(version)?.[1]
  if (major === undefined || Number(major) < 2) return { problem: `ignition.version ${JSON.stringify(version)} is no version of the spec` }
  return { version }
}

const placeOf = (text: string, offset: number): { line: number, column: number } => {
  const before = text.slice(0, offset)
  const lineStart = before.lastIndexOf('\n') + 1
  return { line: before.split('\n').length, column: [...before.slice(lineStart)].length + 1 }
}

interface Fault { readonly offset: number, readonly problem: string }

const space = /[ \t\n\r]*/y
const scalar = /"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9A-Fa-f]{4}))*"|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?|true|false|null/y // eslint-disable-line no-control-regex

/** Where text stops being JSON; JSON.parse knows, but does not say in a form that could be read. */
const firstFault = (text: string): Fault => {
  const reader = new JsonReader(text)
  const open: Array<'}' | ']'> = []
  for (;;) {
    // A value, which opens a collection or is whole.
    if (reader.take('{')) {
      if (!reader.take('}')) {
        open.push('}')
        if (!reader.key()) return reader.fault('expected a key in double quotes')
        if (!reader.take(':')) return reader.fault('expected a colon after the key')
        continue
      }
    } else if (reader.take('[')) {
      if (!reader.take(']')) {
        open.push(']')
        continue
      }
    } else if (!reader.scalar()) {
      return reader.fault('expected a value')
    }
    // What may follow it.
    for (;;) {
      const closing = open.at(-1)
      if (closing === undefined) return reader.fault('something follows the end of the document')
      if (reader.take(closing)) {
        open.pop()
        continue
      }
      if (!reader.take(',')) return reader.fault(`expected a comma or ${closing}`)
      if (closing === '}' && !reader.key()) return reader.fault('expected a key in double quotes')
      if (closing === '}' && !reader.take(':')) return reader.fault('expected a colon after the key')
      break
    }
  }
}

class JsonReader {
  readonly #text: string
  #at = 0

  constructor (text: string) { this.#text = text }

  #match (pattern: RegExp): boolean {
    pattern.lastIndex = this.#at
    const found = pattern.exec(this.#text)?.[0]
    if (found === undefined) return false
    this.#at += found.length
    return true
  }

  take (char: string): boolean {
    this.#match(space)
    if (this.#text[this.#at] !== char) return false
    this.#at++
    return true
  }

  scalar (): boolean {
    this.#match(space)
    return this.#match(scalar)
  }

  key (): boolean {
    this.#match(space)
    return this.#text[this.#at] === '"' && this.#match(scalar)
  }

  fault (problem: string): Fault {
    this.#match(space)
    const ended = this.#at >= this.#text.length
    return { offset: this.#at, problem: `not JSON: ${ended ? `it ends early (${problem})` : problem}` }
  }
}
