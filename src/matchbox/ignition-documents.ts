// What a machine gets from /ignition. A profile's config that ends in .ign or .ignition goes out byte for byte, whatever
// its version: Matchbox 0.9 does the same, later ones parse it and answer an empty config for a version they do not know,
// and machines come up blank. Any other is a rendered template to be translated, which is done once for each text.
import { Buffer } from 'node:buffer'
import { AppError } from '../base/errors.js'
import { jsonText } from '../go/json.js'
import { readyIgnition } from '../ignition/ready.js'
import { formatEntry, type Report } from '../ignition/report.js'
import { transpile } from '../ignition/transpile.js'
import type { ConfigFile } from './store.js'

export interface Translation {
  /** undefined when the config was refused; `error` then says why. */
  readonly body: Buffer | undefined
  readonly error: AppError | undefined
  /** One `file:line:col: kind: message` each; lines are those of the rendered template. */
  readonly report: readonly string[]
  /** What of the config is lost or will hardly do what was meant, though it was translated; undefined when nothing is. */
  readonly warning?: string | undefined
}

/** A ready document is served whatever there is to say of it. */
export interface Readiness {
  /** Why a machine can hardly use it. */
  readonly problem: string | undefined
  /** All that Ignition says of it, as in a Translation. */
  readonly report: readonly string[]
}

/** The ending is compared as it is written: raw.IGN is a template. */
export const isReadyIgnition = (name: string): boolean => name.endsWith('.ign') || name.endsWith('.ignition')

/** Translations kept, in bytes of what was translated and of what it gave. */
const maxKeptBytes = 32 * 1024 * 1024

export class IgnitionDocuments {
  readonly #ready = new WeakMap<ConfigFile, Readiness>()
  /** By the rendered text's buffer: a template without actions renders to the same one each time. */
  readonly #byBuffer = new WeakMap<Buffer, Translation>()
  /** By file name and rendered text, oldest first. */
  readonly #byText = new Map<string, Translation>()
  #keptBytes = 0

  /** Whether a ready document has been looked at. */
  isKnown (file: ConfigFile): boolean { return this.#ready.has(file) }

  /** What Ignition would say of a ready document; looked at once for each version of a file. */
  readinessOf (file: ConfigFile): Readiness {
    const known = this.#ready.get(file) ?? readiness(fileName(file), file.content)
    this.#ready.set(file, known)
    return known
  }

  translate (file: ConfigFile, rendered: Buffer): Translation {
    let translation = this.#byBuffer.get(rendered)
    if (translation !== undefined) return translation
    const key = `${fileName(file)}\0${rendered.toString('latin1')}`
    translation = this.#byText.get(key)
    if (translation === undefined) {
      translation = translate(fileName(file), rendered)
      this.#keep(key, translation)
    }
    if (rendered === file.content) this.#byBuffer.set(rendered, translation)
    return translation
  }

  #keep (key: string, translation: Translation): void {
    this.#byText.set(key, translation)
    this.#keptBytes += sizeOf(key, translation)
    for (const [oldest, dropped] of this.#byText) {
      if (this.#keptBytes <= maxKeptBytes) break
      this.#byText.delete(oldest)
      this.#keptBytes -= sizeOf(oldest, dropped)
    }
  }
}

const sizeOf = (key: string, { body, report }: Translation): number =>
  key.length + (body?.length ?? 0) + report.reduce((sum, line) => sum + line.length, 0)

const fileName = ({ kind, name }: ConfigFile): string => `${kind}/${name}`

function readiness (name: string, content: Buffer): Readiness {
  const ready = readyIgnition(content)
  if ('problem' in ready) return { problem: `${name}:${ready.line}:${ready.column}: served as it is, but ${ready.problem}`, report: [] }
  const error = ready.report.find(({ kind }) => kind === 'error')
  const problem = error === undefined
    ? undefined
    : `${name}:${error.line ?? 1}:${error.column ?? 1}: served as it is, but Ignition refuses it: ${error.message} (${error.path})`
  return { problem, report: ready.report.map(entry => formatEntry(entry, name)) }
}

/** The first remark that is no mere information, and how many more there are: a line of the log has room for one. */
function warningOf (report: Report, name: string): string | undefined {
  const [first, ...more] = report.filter(({ kind }) => kind === 'warning' || kind === 'deprecated')
  const others = more.length === 0 ? '' : ` (and ${more.length} more; core-provisioner transpile shows all)`
  return first && formatEntry(first, name) + others
}

function translate (name: string, rendered: Buffer): Translation {
  const { ok, config, report } = transpile(rendered, { flavour: 'matchbox', serving: true })
  const lines = report.map(entry => formatEntry(entry, name))
  if (ok && config !== undefined) {
    return { body: Buffer.from(jsonText(config)), error: undefined, report: lines, warning: warningOf(report, name) }
  }
  const first = report.find(entry => entry.kind === 'error')
  const message = first === undefined ? `${name} could not be translated to Ignition` : formatEntry(first, name)
  return { body: undefined, error: new AppError('ignition_invalid', message), report: lines }
}
