// Config files as templates: each version of a file is parsed once, and rendered with a machine's variables.
import { AppError, messageOf } from '../base/errors.js'
import { goBytes } from '../go/string.js'
import { StringMap, type Template, type TemplateData, parseTemplate } from '../go/template/template.js'
import type { ConfigFile } from './store.js'
import { LabelMap, type Variables } from './variables.js'

export class Templates {
  readonly #parsed = new WeakMap<ConfigFile, Template | AppError>()

  /** Throws AppError template_invalid, whose message names the file, and the line as Go's messages do. */
  render (file: ConfigFile, variables: Variables): Buffer {
    let template = this.#parsed.get(file)
    if (template === undefined) {
      template = parse(file)
      this.#parsed.set(file, template)
    }
    if (template instanceof AppError) throw template
    try {
      return template.execute(dataOf(variables))
    } catch (error) {
      throw invalid(file, error)
    }
  }
}

function parse (file: ConfigFile): Template | AppError {
  try {
    // Matchbox gives its templates no name, and a template can call itself by it.
    return parseTemplate('', file.content)
  } catch (error) {
    return invalid(file, error)
  }
}

const invalid = ({ kind, name }: ConfigFile, error: unknown): AppError =>
  new AppError('template_invalid', `${kind}/${name}: ${messageOf(error)}`, { cause: error })

function dataOf (value: unknown): TemplateData {
  if (typeof value === 'string') return value.isWellFormed() ? value : goBytes(value)
  if (value instanceof LabelMap) return new StringMap(Array.from(value, ([key, label]) => [goBytes(key), goBytes(label)] as const))
  if (value instanceof Map) {
    const object: Record<string, TemplateData> = Object.create(null) as Record<string, TemplateData>
    for (const [key, member] of value) object[String(key)] = dataOf(member)
    return object
  }
  if (Array.isArray(value)) return value.map(dataOf)
  return typeof value === 'boolean' || typeof value === 'number' ? value : null
}
