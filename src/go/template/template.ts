// Go's text/template as Matchbox 0.9 uses it: Go 1.19, Option("missingkey=error"), data decoded from JSON. This file is what the
// rest of the program sees of it.
import { goBytes, goString } from '../string.js'
import { execute } from './exec.js'
import { defaultLimits, type TemplateLimits } from './limits.js'
import { parse, type Tree, type Trees } from './parse.js'
import { valueOf, type TemplateData } from './value.js'

export { StringMap, type TemplateData } from './value.js'
export { NoSuchTemplate, TemplateError, TooManySteps } from './template-error.js'
export { defaultLimits, type TemplateLimits } from './limits.js'

/** A parsed template. It never changes, so one can be kept for each version of a file and executed any number of times. */
export class Template {
  readonly #name: string
  readonly #source: string
  readonly #trees: Map<string, Tree>
  /** The output, where it is the same for all data. */
  readonly #constant: Buffer | undefined

  constructor (name: string, source: Buffer, associated: readonly Template[]) {
    this.#name = name
    this.#source = goString(source)
    this.#constant = source.includes('{{') ? undefined : source
    if (this.#constant === undefined) {
      this.#trees = new Map(parse(this.#name, this.#source))
      for (const [called, tree] of associated.flatMap(other => [...other.#associable()])) {
        if (!this.#trees.has(called)) this.#trees.set(called, tree)
      }
    } else this.#trees = new Map()
  }

  /** Its trees for templates that call them, each with where it stands. */
  #associable (): Trees {
    const place = { name: this.#name, source: this.#source }
    const own = this.#constant === undefined ? this.#trees : parse(this.#name, this.#source)
    return new Map([...own].map(([name, nodes]) => [name, Object.assign([...nodes], { place })]))
  }

  /**
   * The output, byte for byte: what is not UTF-8 in the template or in the data stays as it is. Not to be written into, since a
   * template without actions gives its source. Throws TemplateError, also where a limit is reached.
   */
  execute (data: TemplateData, limits: Partial<TemplateLimits> = {}): Buffer {
    if (this.#constant !== undefined) return this.#constant
    return goBytes(execute(this.#name, this.#source, this.#trees, valueOf(data), { ...defaultLimits, ...limits }))
  }
}

/**
 * Parses a template under a name that messages show (Matchbox: ''), and that it can be called by where it is one of the
 * `associated` of another: those can be called, and what they define; its own definitions go before theirs. Throws TemplateError.
 */
export const parseTemplate = (name: string, source: Buffer, associated: readonly Template[] = []): Template =>
  new Template(name, source, associated)
