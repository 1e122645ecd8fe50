// A YAML template's config to the Ignition config that a machine gets. The template's name does not tell which of the two YAML
// languages it is written in; its keys do.
import { isButane, transpileButane, transpileButaneTree } from './butane/butane.js'
import { transpileClc } from './clc/transpile.js'
import { YamlError } from '../yaml/yaml-error.js'
import { readYaml } from './yaml-source.js'
import type { ClcOptions } from './clc/transpile.js'
import type { Transpiled } from './transpiled.js'
import type { YamlNode } from '../yaml/node.js'

export type TranspiledAs = Transpiled & { readonly kind: 'clc' | 'butane' }

/** With `variant` a document is Butane, without it a Container Linux Config. Never throws for what stands in the source. */
export const transpile = (source: Uint8Array | string, options: ClcOptions = {}): TranspiledAs => {
  let root: YamlNode | undefined
  try {
    root = readYaml(source, 'v3')
  } catch (error) {
    if (!(error instanceof YamlError)) throw error
    // One of the two may still read it, and if not, a line that begins a Butane document decides whose words the report has.
    const text = typeof source === 'string' ? source : Buffer.from(source).toString('latin1')
    return /^["']?variant["']?[ \t]*:/m.test(text) ? { kind: 'butane', ...transpileButane(source) } : { kind: 'clc', ...transpileClc(source, options) }
  }
  return isButane(root) ? { kind: 'butane', ...transpileButaneTree(root) } : { kind: 'clc', ...transpileClc(source, options) }
}
