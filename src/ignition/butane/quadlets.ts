// `systemd.quadlets`: Podman's units, which are files in a directory of their own; an instance of a template is a link to it
// (base/v0_8_exp/translate.go).
import type { ValuePath } from '../../base/positions.js'
import { view } from '../schema.js'
import { config as configTable } from '../spec3/schema.js'
import { cleanPath } from '../../go/path.js'
import { asList, asValues, filled } from '../values.js'
import type { Values } from '../schema.js'
import type { Quadlet } from '../spec3/schema.js'
import type { SchemaFinding } from '../validate.js'
import type { DataUrls } from './contents.js'
import type { Dialect } from './dialects.js'
import type { Origins, TracedConfig } from './origins.js'

const extensions = ['.container', '.volume', '.network', '.kube', '.image', '.build', '.pod', '.artifact']

/** `a@1.container` is an instance of the template `a@.container`. */
export const quadletName = (name: string): { readonly extension: string, readonly template: string | undefined } => {
  const base = name.slice(name.lastIndexOf('/') + 1)
  const dot = base.lastIndexOf('.')
  const [stem, extension] = dot < 0 ? [base, ''] : [base.slice(0, dot), base.slice(dot)]
  const at = stem.indexOf('@')
  return { extension, template: at < 0 || at === stem.length - 1 ? undefined : `${stem.slice(0, at + 1)}${extension}` }
}

export const quadletProblem = (name: string): string | undefined => {
  if (!extensions.includes(quadletName(name).extension)) {
    return `unsupported file extension for quadlet: must be one of ${extensions.slice(0, -1).join(', ')}, or ${extensions.at(-1)}`
  }
  return name.split('/').includes('..') ? 'the name of a quadlet must not lead out of its directory' : undefined
}

const pathOf = ({ rootful, name }: Quadlet): string => cleanPath(`/etc/containers/systemd/${rootful === true ? '' : 'users/'}${name}`)

export interface WithQuadlets { readonly traced: TracedConfig, readonly found: readonly SchemaFinding[] }

/** The config with the files and links of its quadlets after its own. */
export const addQuadlets = (dialect: Dialect, document: Values, { config, origins }: TracedConfig, urls: DataUrls): WithQuadlets => {
  const quadlets = view(configTable, document).systemd.quadlets ?? []
  if (quadlets.length === 0) return { traced: { config, origins }, found: [] }
  const adder = new QuadletNodes(asValues(config['storage']), origins, urls)
  quadlets.forEach((quadlet, i) => adder.add(quadlet, ['systemd', 'quadlets', i]))
  const added = asValues(filled(dialect.ignition, { storage: { files: adder.files, links: adder.links } })['storage'])
  const own = asValues(config['storage'])
  const both = (list: 'files' | 'links'): Values => ({ [list]: [...asList(own[list]), ...asList(added[list])] })
  return { traced: { config: { ...config, storage: { ...own, ...both('files'), ...both('links') } }, origins }, found: adder.found }
}

class QuadletNodes {
  readonly files: Values[] = []
  readonly links: Values[] = []
  readonly found: SchemaFinding[] = []
  readonly #taken: Set<unknown>
  readonly #before: { readonly files: number, readonly links: number }
  readonly #origins: Origins
  readonly #urls: DataUrls

  constructor (storage: Values, origins: Origins, urls: DataUrls) {
    const nodes = (list: string): readonly Values[] => asList(storage[list]).map(asValues)
    this.#taken = new Set(['files', 'directories', 'links'].flatMap(list => nodes(list).map(({ path }) => path)))
    this.#before = { files: nodes('files').length, links: nodes('links').length }
    this.#origins = origins
    this.#urls = urls
  }

  add (quadlet: Quadlet, from: ValuePath): void {
    const path = pathOf(quadlet)
    const { template } = quadletName(quadlet.name)
    if (template === undefined) this.#add('files', path, this.#contents(quadlet.contents), from)
    else this.#add('links', path, { target: template }, from)
    quadlet.dropins.forEach(({ name, contents }, i) => this.#add('files', `${path}.d/${name}`, this.#contents(contents), [...from, 'dropins', i]))
  }

  #contents (text = ''): Values { return { contents: { ...this.#urls.shortest(text, undefined) }, mode: 0o644n } }

  #add (list: 'files' | 'links', path: string, rest: Values, from: ValuePath): void {
    if (this.#taken.has(path)) {
      this.found.push({ kind: 'error', path: from, message: 'matching filesystem node has existing contents or different type' })
      return
    }
    this.#taken.add(path)
    const to = ['storage', list, this.#before[list] + this[list].length]
    this[list].push({ path, ...rest })
    this.#origins.add(from, to)
    this.#origins.add([...from, 'name'], [...to, 'path'])
    this.#origins.add([...from, 'contents'], [...to, 'contents'])
  }
}
