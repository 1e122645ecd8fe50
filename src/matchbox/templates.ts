// Config files as templates: each version of a file is parsed once, and rendered with a machine's variables. What stands in
// snippets/ can be called from each of them; what stands in files/<folder>/ is rendered too, and at hand in base64, for data: URLs.
import { AppError, messageOf } from '../base/errors.js'
import { NoSuchTemplate, type TemplateLimits, StringMap, type Template, type TemplateData, parseTemplate } from '../go/template/template.js'
import type { ConfigFile, Objects } from './store.js'
import type { Variables } from './variables.js'

type SharedFiles = Objects['shared']

/** A config file that does not render. Its cause is what the template says, which names the template and the line. */
export class InvalidTemplate extends AppError {
  readonly file: Pick<ConfigFile, 'kind' | 'name'>

  constructor ({ kind, name }: ConfigFile, message: string, cause: unknown) {
    super('template_invalid', `${kind}/${name}: ${message}`, { cause })
    this.file = { kind, name }
  }
}

/** Snippets that the program brings itself, by name; those of the store go before. */
export type OwnSnippets = () => ReadonlyMap<string, string>
const noSnippets: ReadonlyMap<string, string> = new Map()

export class Templates {
  readonly #own: OwnSnippets
  #parsed = new WeakMap<ConfigFile, Template | AppError>()
  #snippets: {
    readonly of: SharedFiles['snippets'] | undefined, readonly own: ReadonlyMap<string, string> | undefined, readonly templates: readonly Template[], readonly broken: readonly string[]
  } = { of: undefined, own: undefined, templates: [], broken: [] }

  constructor (own: OwnSnippets = () => noSnippets) { this.#own = own }

  /** Throws AppError template_invalid, whose message names the file, and the line as Go's messages do. */
  render (
    file: ConfigFile, variables: Variables, shared: SharedFiles, limits: Partial<TemplateLimits> = {},
    carried: (file: ConfigFile) => Partial<TemplateLimits> = () => limits
  ): Buffer {
    this.#takeSnippets(shared.snippets)
    if (shared.files.size === 0) return this.#execute(file, variables, limits)
    const files = new RenderedFiles(shared.files, one => this.#execute(one, variables, carried(one)))
    return this.#execute(file, new Map<string, TemplateData>([...variables, ['files', files]]), limits)
  }

  #execute (file: ConfigFile, variables: ReadonlyMap<string, TemplateData>, limits: Partial<TemplateLimits>): Buffer {
    let template = this.#parsed.get(file)
    if (template === undefined) {
      template = this.#parse(file)
      this.#parsed.set(file, template)
    }
    if (template instanceof AppError) throw template
    try {
      return template.execute(variables, limits)
    } catch (error) {
      throw this.#invalid(file, error)
    }
  }

  #parse (file: ConfigFile): Template | AppError {
    try {
      // Matchbox gives its templates no name, and a template can call itself by it.
      return parseTemplate('', file.content, this.#snippets.templates)
    } catch (error) {
      return this.#invalid(file, error)
    }
  }

  #invalid (file: ConfigFile, error: unknown): AppError {
    if (error instanceof AppError) return error
    const why = error instanceof NoSuchTemplate ? this.#snippets.broken.map(problem => `; ${problem}`).join('') : ''
    return new InvalidTemplate(file, messageOf(error) + why, error)
  }

  /** A snippet that does not parse is missing to those who call it, and to nobody else. */
  #takeSnippets (snippets: SharedFiles['snippets']): void {
    const own = this.#own()
    if (snippets === this.#snippets.of && own === this.#snippets.own) return
    const [templates, broken]: [Template[], string[]] = [[], []]
    // Of two that define the same, the first by name counts.
    for (const name of [...snippets.keys()].filter(name => !name.includes('/')).sort()) {
      try {
        templates.push(parseTemplate(name, snippets.get(name)!.content))
      } catch (error) {
        broken.push(`snippets/${name}: ${messageOf(error)}`)
      }
    }
    for (const [name, text] of own) templates.push(parseTemplate(name, Buffer.from(text)))
    this.#snippets = { of: snippets, own, templates, broken }
    this.#parsed = new WeakMap()
  }
}

/** `files/<folder>/<file>` by `folder/file`, each rendered when it is asked for. */
class RenderedFiles extends StringMap {
  readonly #files: SharedFiles['files']
  readonly #render: (file: ConfigFile) => Buffer

  constructor (files: SharedFiles['files'], render: (file: ConfigFile) => Buffer) {
    super([...files.keys()].filter(name => /^[^/]+\/[^/]+$/.test(name)).map(name => [name, '']))
    this.#files = files
    this.#render = render
  }

  /** Of one that is not there `get` says so: an empty file would be taken for a right one. */
  override has (): boolean { return true }

  override get (name: string): string {
    const file = super.has(name) ? this.#files.get(name) : undefined
    if (file === undefined) throw new AppError('template_invalid', `there is no file files/${name}: one folder, and a file in it`)
    return this.#render(file).toString('base64')
  }
}
