// A YAML template's config to the Ignition config that a machine gets. The template's name does not tell which of the two YAML
// languages it is written in; its keys do.
import { isButane, transpileButaneTree, yamlReport } from './butane/butane.js'
import { transpileClc } from './clc/transpile.js'
import { readYaml } from '../yaml/read-yaml.js'
import { YamlError } from '../yaml/yaml-error.js'
import type { ClcOptions } from './clc/transpile.js'
import type { Transpiled } from './transpiled.js'
import type { YamlNode } from '../yaml/node.js'

export type TranspiledAs = Transpiled & { readonly kind: 'clc' | 'butane' }

/** With `variant` a document is Butane, without it a Container Linux Config. Never throws for what stands in the source. */
export const transpile = (source: Uint8Array | string, options: ClcOptions = {}): TranspiledAs => {
  const text = typeof source === 'string' ? source : Buffer.from(source).toString('latin1')
  const clc = (): TranspiledAs => ({ kind: 'clc', ...transpileClc(source, options) })
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
