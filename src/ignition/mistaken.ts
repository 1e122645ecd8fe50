// Documents that would pass for a Container Linux Config although they are something else, so that a machine would get next to nothing of
// what they say: Butane whose variant was forgotten (or commented out), and a ready Ignition config under the name of a template.
import { readYaml } from '../yaml/read-yaml.js'
import { YamlError } from '../yaml/yaml-error.js'
import type { YamlNode } from '../yaml/node.js'
import type { ReportEntry } from './report.js'

const threeNumbers = /^\d+\.\d+\.\d+(?:[-+].*)?$/

/** The value of a key, if it is the text of a version. */
function versionAt (node: YamlNode | undefined): string | undefined {
  return node?.kind === 'scalar' && threeNumbers.test(node.value) ? node.value : undefined
}

function member (node: YamlNode, name: string): { readonly key: YamlNode, readonly value: YamlNode } | undefined {
  return node.kind === 'mapping' ? node.pairs.find(({ key }) => key.kind === 'scalar' && key.value === name) : undefined
}

/** @param root a document without a top-level `variant`; undefined where it is what it passes for */
export function mistakenTree (root: YamlNode | undefined): ReportEntry | undefined {
  if (root === undefined || member(root, 'variant') !== undefined) return undefined
  const version = member(root, 'version')
  const butane = versionAt(version?.value)
  if (version !== undefined && butane !== undefined) {
    const message = `version ${butane} is that of a Butane config, but it has no variant (variant: fcos, say): it is taken for a Container Linux Config`
    return { kind: 'error', path: '$.version', message, line: version.key.line, column: version.key.column }
  }
  const ignition = member(root, 'ignition')?.value
  const named = ignition === undefined ? undefined : member(ignition, 'version')
  const ready = versionAt(named?.value)
  if (named === undefined || ready === undefined) return undefined
  const message = `this is an Ignition ${ready} config already, but it is taken for a Container Linux Config: under a name that ends in .ign it is served as it is`
  return { kind: 'error', path: '$.ignition.version', message, line: named.key.line, column: named.key.column }
}

/** Most texts have no such key, and need not be read for it. */
const mayBe = /(?:^|\W)version["']?\s*:\s*["']?\d+\.\d+\.\d/

/** The same for a text, which is nothing here when it cannot be read. */
export function mistaken (source: Buffer): ReportEntry | undefined {
  if (!mayBe.test(source.toString('latin1'))) return undefined
  try {
    return mistakenTree(readYaml(source, 'v2'))
  } catch (error) {
    if (error instanceof YamlError) return undefined
    throw error
  }
}
