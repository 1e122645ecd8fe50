// The part of the translation that goes section by section: names change, contents become data URLs, and what names a local
// file is refused, because a config is served without a files directory (base/v0_*/translate.go).
import type { ValuePath } from '../../base/positions.js'
import { percentDataUrl } from '../data-url.js'
import { bareName, ignitionFields, view } from '../schema.js'
import { config, dropin, passwdUser, resource } from '../spec3/schema.js'
import { asList, asValues, behind, isZero } from '../values.js'
import { DataUrls } from './contents.js'
import { Origins } from './origins.js'
import { addQuadlets } from './quadlets.js'
import type { Type, Value, Values } from '../schema.js'
import type { Quadlet, Resource } from '../spec3/schema.js'
import type { SchemaFinding } from '../validate.js'
import type { ResourceSource } from './contents.js'
import type { Dialect } from './dialects.js'
import type { TracedConfig } from './origins.js'

const noFilesDirectory = 'local file paths are relative to a files directory that must be specified with -d/--files-dir'

export const translate = (dialect: Dialect, document: Values): { traced: TracedConfig, found: readonly SchemaFinding[] } => {
  const { ignition, spec, ignitionVersion } = dialect
  const translator = new Translator(spec === 0)
  const values = asValues(translator.value(ignition, document, [], []))
  const { origins, found } = translator
  origins.add(['version'], ['ignition', 'version'])
  origins.add(['ignition'], ['ignition'])
  const { storage: { trees = [] }, systemd: { quadlets = [] } } = view(config, document)
  translator.refuseQuadletFiles(quadlets)
  if (trees.length > 0) found.push({ kind: 'error', path: ['storage', 'trees', 0], message: noFilesDirectory })
  const translated = { ...values, ignition: { ...asValues(values['ignition']), version: ignitionVersion } }
  const { traced, found: clashes } = addQuadlets(dialect, document, { config: translated, origins }, translator.urls)
  return { traced, found: [...found, ...clashes] }
}

class Translator {
  readonly origins = new Origins()
  readonly found: SchemaFinding[] = []
  readonly #percentOnly: boolean
  readonly urls = new DataUrls()

  /** @param percentOnly spec 3.0 has contents percent-encoded, whatever their length */
  constructor (percentOnly: boolean) { this.#percentOnly = percentOnly }

  value (pointer: Type, value: Value, from: ValuePath, to: ValuePath): Value {
    if (value === undefined) return undefined
    if (!isZero(pointer, value)) this.origins.add(from, to)
    const type = behind(pointer)
    if (type.kind === 'list') return asList(value).map((item, i) => this.value(type.element, item, [...from, i], [...to, i]))
    if (type.kind !== 'struct') return value
    const fields = ignitionFields(type).map(([name, field]) =>
      [name, this.value(field, asValues(value)[name], [...from, name], [...to, name])])
    return this.#desugared(bareName(type), asValues(value), Object.fromEntries(fields), from, to)
  }

  #desugared (name: string, document: Values, plain: Values, from: ValuePath, to: ValuePath): Values {
    switch (name) {
      case 'Resource': case 'FileContents': return this.#resource(view(resource, document), plain, from, to)
      case 'PasswdUser':
        if ((view(passwdUser, document).sshAuthorizedKeysLocal ?? []).length > 0) this.#refuseLocal([...from, 'sshAuthorizedKeysLocal'])
        return plain
      case 'Unit': case 'Dropin':
        if (view(dropin, document).contentsLocal) this.#refuseLocal([...from, 'contentsLocal'])
        return plain
      default: return plain
    }
  }

  refuseQuadletFiles (quadlets: readonly Quadlet[]): void {
    quadlets.forEach(({ contentsLocal, dropins }, i) => {
      const at: ValuePath = ['systemd', 'quadlets', i]
      if (contentsLocal) this.#refuseLocal([...at, 'contentsLocal'])
      dropins.forEach((dropin, j) => { if (dropin.contentsLocal) this.#refuseLocal([...at, 'dropins', j, 'contentsLocal']) })
    })
  }

  #refuseLocal (path: ValuePath): void { this.found.push({ kind: 'error', path, message: noFilesDirectory }) }

  #resource ({ inline, local, compression }: Resource, plain: Values, from: ValuePath, to: ValuePath): Values {
    if (local !== undefined) this.#refuseLocal([...from, 'local'])
    if (inline === undefined) return plain
    const url: ResourceSource = this.#percentOnly ? { source: percentDataUrl(inline) } : this.urls.shortest(inline, compression)
    this.origins.add(from, to)
    this.origins.add([...from, 'inline'], [...to, 'source'])
    if (!this.#percentOnly && !compression) this.origins.add([...from, 'inline'], [...to, 'compression'])
    return { ...plain, ...url }
  }
}
