// A whole Ignition 3 document as JSON: what Ignition says of it, with the places in its text.
import { YamlTypeError, decodeYaml } from '../decode.js'
import { pathText } from '../report.js'
import { atVersion, once } from '../schema.js'
import { nearestNode, unusedKeys } from '../source-tree.js'
import { YamlError } from '../../yaml/yaml-error.js'
import { checkIgnition } from './rules.js'
import { config, specVersion, specs } from './schema.js'
import type { YamlNode } from '../../yaml/node.js'
import type { ReportEntry } from '../report.js'
import type { Values } from '../schema.js'
import type { Spec } from './schema.js'

/** The spec of that version, if there is one that is known. */
export const specOf = (version: string): Spec | undefined => specs.find(spec => specVersion(spec) === version)

const documents = specs.map(spec => once(() => atVersion(config, spec, { '': 'types' })))

/** @param root what readJson made of the text */
export const checkDocument = (root: YamlNode, spec: Spec): readonly ReportEntry[] => {
  const type = documents[spec]!()
  const found: ReportEntry[] = []
  let values: Values
  try {
    values = decodeYaml(root, type, 'v3', 'json') as Values
  } catch (error) {
    if (!(error instanceof YamlError)) throw error
    const problems = error instanceof YamlTypeError ? error.problems.map(({ text, ...at }) => ({ ...at, text: `json: ${text}` })) : [{ line: error.line, column: error.column, text: error.message }]
    return problems.map(({ line, column, text }) => ({ kind: 'error', path: '$', message: text.replace('!!', ''), line, column }))
  }
  for (const { kind, path, message } of checkIgnition(type, values, spec)) {
    const { line, column } = nearestNode(root, path, 'json').node
    found.push({ kind, path: pathText(path), message, line, column })
  }
  unusedKeys(root, type, values, ({ key: { line, column }, path, name }) => {
    found.push({ kind: 'warning', path: pathText(path), message: `unused key ${name}`, unusedKey: name, line, column })
  }, undefined, 'json')
  return found
}
