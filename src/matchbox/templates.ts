// Config files as templates: each version of a file is parsed once, and rendered with a machine's variables.
import { AppError, messageOf } from '../base/errors.js'
import { type Template, parseTemplate } from '../go/template/template.js'
import type { ConfigFile } from './store.js'
import type { Variables } from './variables.js'

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
      return template.execute(variables)
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
