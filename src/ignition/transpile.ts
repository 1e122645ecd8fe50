// A YAML template's config to the Ignition config that a machine gets. The template's name does not tell which of the two YAML
// languages it is written in; its keys do.
import { isButane, transpileButaneTree } from './butane/butane.js'
import { transpileClcTree } from './clc/transpile.js'
import { mistakenTree } from './mistaken.js'
import { readYaml } from '../yaml/read-yaml.js'
import { YamlError } from '../yaml/yaml-error.js'
import { yamlReport } from './yaml-report.js'
import type { ClcOptions } from './clc/transpile.js'
import type { ReportEntry } from './report.js'
import type { Transpiled } from './transpiled.js'
import type { YamlNode } from '../yaml/node.js'

export type TranspiledAs = Transpiled & { readonly kind: 'clc' | 'butane' }

export interface TranspileOptions extends ClcOptions {
  /** Whether a machine waits for the answer: what only passes for a Container Linux Config is then remarked on, and served. */
  readonly serving?: boolean
}

/** With `variant` a document is Butane, without it a Container Linux Config. Never throws for what stands in the source. */
export const transpile = (source: Uint8Array | string, options: TranspileOptions = {}): TranspiledAs => {
  const text = typeof source === 'string' ? source : Buffer.from(source.buffer, source.byteOffset, source.byteLength).toString('latin1')
  // The two are read by different rules of YAML; what has no such key is read by those of one of them only.
  if (!/\bvariant["']?\s*:/.test(text)) return asClc(source, options)
  let root: YamlNode | undefined
  try {
    root = readYaml(source, 'v3')
  } catch (error) {
    if (!(error instanceof YamlError)) throw error
    // The other may still be able to read it, unless a line begins a Butane document.
    return /^["']?variant["']?[ \t]*:/m.test(text) ? { kind: 'butane', ok: false, report: yamlReport(error) } : asClc(source, options)
  }
  return isButane(root) ? { kind: 'butane', ...transpileButaneTree(root) } : asClc(source, options)
}

const asClc = (source: Uint8Array | string, { serving = false, ...options }: TranspileOptions): TranspiledAs => {
  let entry: ReportEntry | undefined
  try {
    const root = readYaml(source, 'v2')
    entry = mistakenTree(root)
    if (entry !== undefined && !serving) return { kind: 'clc', ok: false, report: [entry] }
    const transpiled = transpileClcTree(root, options)
    return { kind: 'clc', ...transpiled, report: [...entry === undefined ? [] : [{ ...entry, kind: 'warning' as const }], ...transpiled.report] }
  } catch (error) {
    if (!(error instanceof YamlError)) throw error
    return { kind: 'clc', ok: false, report: [...entry === undefined ? [] : [entry], ...yamlReport(error)] }
  }
}
