// A YAML template's config to the Ignition config that a machine gets. The template's name does not tell which of the two YAML
// languages it is written in; its keys do.
import { isButane, transpileButaneTree, yamlReport } from './butane/butane.js'
import { transpileClc } from './clc/transpile.js'
import { readYaml } from '../yaml/read-yaml.js'
import { YamlError } from '../yaml/yaml-error.js'
import type { ClcOptions } from './clc/transpile.js'
import type { ReportEntry } from './report.js'
import type { Transpiled } from './transpiled.js'
import type { YamlNode } from '../yaml/node.js'

export type TranspiledAs = Transpiled & { readonly kind: 'clc' | 'butane' }

export interface TranspileOptions extends ClcOptions {
  /** Whether a machine waits for the answer: what looks like Butane with its variant forgotten is then only remarked on. */
  readonly serving?: boolean
}

/** With `variant` a document is Butane, without it a Container Linux Config. Never throws for what stands in the source. */
export const transpile = (source: Uint8Array | string, options: TranspileOptions = {}): TranspiledAs => {
  const text = typeof source === 'string' ? source : Buffer.from(source).toString('latin1')
  const clc = (): TranspiledAs => ({ kind: 'clc', ...withForgottenVariant(transpileClc(source, options), text, options.serving === true) })
  // The two are read by different rules of YAML; what has no such key is read by those of one of them only.
  if (!/\bvariant["']?\s*:/.test(text)) return clc()
  let root: YamlNode | undefined
  try {
    root = readYaml(source, 'v3')
  } catch (error) {
    if (!(error instanceof YamlError)) throw error
    // The other may still be able to read it, unless a line begins a Butane document.
    return /^["']?variant["']?[ \t]*:/m.test(text) ? { kind: 'butane', ok: false, report: yamlReport(error) } : clc()
  }
  return isButane(root) ? { kind: 'butane', ...transpileButaneTree(root) } : clc()
}

const butaneVersion = /^version[ \t]*:[ \t]*["']?(\d+\.\d+\.\d+)/m

/** Where a text says which version of Butane it is in, but not which variant; without one it counts as a Container Linux Config. */
export const forgottenVariant = (text: string): ReportEntry | undefined => {
  const found = /\bvariant["']?\s*:/.test(text) ? null : butaneVersion.exec(text)
  if (found === null) return undefined
  const message = `version ${found[1]} is that of a Butane config, but it has no variant (variant: fcos, say): it is taken for a Container Linux Config`
  return { kind: 'error', path: '$.version', message, line: text.slice(0, found.index).split(/\r\n?|\n/).length, column: 1 }
}

const withForgottenVariant = (transpiled: Transpiled, text: string, serving: boolean): Transpiled => {
  const entry = forgottenVariant(text)
  if (entry === undefined) return transpiled
  return serving
    ? { ...transpiled, report: [{ ...entry, kind: 'warning' }, ...transpiled.report] }
    : { ok: false, report: [entry, ...transpiled.report] }
}
