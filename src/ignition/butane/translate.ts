// The part of the translation that goes section by section: names change, contents become data URLs, and what names a local
// file is refused, because a config is served without a files directory (base/v0_*/translate.go).
import { percentDataUrl } from '../data-url.js'
import { bareName } from '../spec3/keys.js'
import { specVersion } from '../spec3/schema.js'
import { view } from '../spec3/types.js'
import { asList, asValues, ignitionFields, isZero } from '../spec3/value.js'
import { DataUrls } from './contents.js'
import { Origins } from './origins.js'
import type { Finding } from '../spec3/checks.js'
import type { Type, Value, Values } from '../spec3/schema.js'
import type { Config, Dropin, PasswdUser, Resource } from '../spec3/types.js'
import type { Path } from '../spec3/value.js'
import type { DataUrl } from './contents.js'
import type { Dialect } from './dialects.js'
import type { Traced } from './origins.js'

const noFilesDirectory = 'local file paths are relative to a files directory that must be specified with -d/--files-dir'

export const translate = ({ schema, spec }: Dialect, document: Values): { traced: Traced, found: readonly Finding[] } => {
  const translator = new Translator(spec === 0)
  const values = asValues(translator.value({ kind: 'struct', of: schema.config, optional: false }, document, [], []))
  const { origins, found } = translator
  origins.add(['version'], ['ignition', 'version'])
  origins.add(['ignition'], ['ignition'])
  if ((view<Config>(document).storage.trees ?? []).length > 0) found.push({ kind: 'error', path: ['storage', 'trees', 0], message: noFilesDirectory })
  const config = { ...values, ignition: { ...asValues(values['ignition']), version: specVersion(spec) } }
  return { traced: { config, origins }, found }
}

class Translator {
  readonly origins = new Origins()
  readonly found: Finding[] = []
  readonly #percentOnly: boolean
  readonly #urls = new DataUrls()

  /** @param percentOnly spec 3.0 has contents percent-encoded, whatever their length */
  constructor (percentOnly: boolean) { this.#percentOnly = percentOnly }

  value (type: Type, value: Value, from: Path, to: Path): Value {
    if (value === undefined) return undefined
    if (!isZero(type, value)) this.origins.add(from, to)
    if (type.kind === 'list') return asList(value).map((item, i) => this.value(type.of, item, [...from, i], [...to, i]))
    if (type.kind !== 'struct') return value
    const fields = ignitionFields(type.of).map(field =>
      [field.json, this.value(field.type, asValues(value)[field.json], [...from, field.yaml], [...to, field.json])])
    return this.#desugared(bareName(type.of.name), asValues(value), Object.fromEntries(fields), from, to)
  }

  #desugared (name: string, document: Values, plain: Values, from: Path, to: Path): Values {
    switch (name) {
      case 'Resource': case 'FileContents': return this.#resource(view<Resource>(document), plain, from, to)
      case 'PasswdUser':
        if ((view<PasswdUser>(document).sshAuthorizedKeysLocal ?? []).length > 0) this.#refuseLocal([...from, 'ssh_authorized_keys_local'])
        return plain
      case 'Unit': case 'Dropin':
        if (view<Dropin>(document).contentsLocal) this.#refuseLocal([...from, 'contents_local'])
        return plain
      default: return plain
    }
  }

  #refuseLocal (path: Path): void { this.found.push({ kind: 'error', path, message: noFilesDirectory }) }

  #resource ({ inline, local, compression }: Resource, plain: Values, from: Path, to: Path): Values {
    if (local !== undefined) this.#refuseLocal([...from, 'local'])
    if (inline === undefined) return plain
    const url: DataUrl = this.#percentOnly ? { source: percentDataUrl(inline) } : this.#urls.shortest(inline, compression)
    this.origins.add(from, to)
    this.origins.add([...from, 'inline'], [...to, 'source'])
    if (!this.#percentOnly && !compression) this.origins.add([...from, 'inline'], [...to, 'compression'])
    return { ...plain, ...url }
  }
}
