// Whether bytes are an Ignition config as they stand: JSON that names a spec version, of which Ignition has nothing bad to say. They
// are served unchanged either way; the answer is for whoever wants to know why a machine did not take its config.
import { goString } from '../go/string.js'
import { readJson } from './json-source.js'
import { shortened } from './report.js'
import { checkDocument, specOf } from './spec3/check-document.js'
import type { YamlNode } from '../yaml/node.js'
import type { JsonFault } from './json-source.js'
import type { Report } from './report.js'

export type Ready =
  /** What Ignition 2.26 says of a config of spec 3; those of spec 2, which older systems read, are not looked into. */
  | { readonly version: string, readonly report: Report }
  /** Not even a config. `line` and `column` count from 1, in characters. */
  | JsonFault

export const readyIgnition = (bytes: Uint8Array): Ready => {
  const source = readJson(goString(bytes))
  if ('problem' in source) return { ...source, problem: `not JSON: ${source.problem}` }
  const found = versionOf(source.root)
  if ('problem' in found) return { problem: found.problem, line: 1, column: 1 }
  const { version, node: { line, column } } = found
  if (version.startsWith('2.')) return { version, report: [] }
  const spec = specOf(version)
  if (spec === undefined) return { version, report: [{ kind: 'error', path: '$.ignition.version', message: 'unsupported config version', line, column }] }
  return { version, report: shortened(checkDocument(source.root, spec)) }
}

/** Of a key that stands twice the last counts. */
const member = (node: YamlNode | undefined, name: string): YamlNode | undefined =>
  node?.kind === 'mapping' ? node.pairs.findLast(({ key }) => key.kind === 'scalar' && key.value === name)?.value : undefined

const versionOf = (root: YamlNode): { version: string, node: YamlNode } | { problem: string } => {
  if (root.kind !== 'mapping') return { problem: 'not an Ignition config: the JSON is not an object' }
  const section = member(root, 'ignition')
  if (section?.kind !== 'mapping') {
    return member(root, 'ignitionVersion') !== undefined
      ? { problem: 'an Ignition 1 config (ignitionVersion), which no system that boots this way reads any more' }
      : { problem: 'not an Ignition config: it has no ignition.version' }
  }
  const node = member(section, 'version')
  if (node?.kind !== 'scalar' || node.style !== 'double' || node.value === '') return { problem: 'not an Ignition config: ignition.version is not a text' }
  const major = /^(\d+)\.\d+\.\d+(-[0-9A-Za-z.-]+)?$/.exec(node.value)?.[1]
  if (major === undefined || Number(major) < 2) return { problem: `ignition.version ${JSON.stringify(node.value)} is no version of the spec` }
  return { version: node.value, node }
}
