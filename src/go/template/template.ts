// Go's text/template as Matchbox 0.9 uses it: Go 1.19, Option("missingkey=error"), data decoded from JSON. This file is what the
// rest of the program sees of it.
import { goBytes, goString } from '../string.js'
import { execute } from './exec.js'
import { defaultLimits, type Limits } from './limits.js'
import { parse, type Trees } from './parse.js'
import { valueOf, type TemplateData } from './value.js'

export { StringMap, type TemplateData } from './value.js'
export { TemplateError } from './template-error.js'
export { defaultLimits, type Limits } from './limits.js'

/** A parsed template. It never changes, so one can be kept for each version of a file and executed any number of times. */
export class Template {
  readonly #name: string
  readonly #source: string
  readonly #trees: Trees
  /** The output, where it is the same for all data. */
  readonly #constant: Buffer | undefined

  constructor (name: string, source: Buffer) {
    this.#name = name
    this.#source = goString(source)
    this.#constant = source.includes('{{') ? undefined : source
    this.#trees = this.#constant === undefined ? parse(this.#name, this.#source) : new Map()
  }

  /**
   * The output, byte for byte: what is not UTF-8 in the template or in the data stays as it is. Not to be written into, since a
   * template without actions gives its source. Throws TemplateError, also where a limit is reached.
   */
  execute (data: TemplateData, limits: Partial<Limits> = {}): Buffer {
    if (this.#constant !== undefined) return this.#constant
    return goBytes(execute(this.#name, this.#source, this.#trees, valueOf(data), { ...defaultLimits, ...limits }))
  }
}

/** Parses a template under a name that only messages show (Matchbox: ''). Throws TemplateError. */
export const parseTemplate = (name: string, source: Buffer): Template => new Template(name, source)
