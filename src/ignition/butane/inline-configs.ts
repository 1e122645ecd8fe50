// Ignition configs inside of a Butane document, to be merged or to replace it: what is wrong with them is said where they stand,
// under the path of the text that they are (base/v0_*/validate.go; the reference gives the inner path and the place of neither).
import type { ValuePath } from '../../base/positions.js'
import { readJson } from '../json-source.js'
import { pathText } from '../report.js'
import { view } from '../schema.js'
import { nearestNode, nodeAt, writtenPath } from '../source-tree.js'
import { checkDocument, specOf } from '../spec3/check-document.js'
import { config } from '../spec3/schema.js'
import type { YamlNode } from '../../yaml/node.js'
import type { ReportEntry } from '../report.js'
import type { Values } from '../schema.js'
import type { Dialect } from './dialects.js'

export const checkInlineConfigs = (root: YamlNode, dialect: Dialect, document: Values): readonly ReportEntry[] => {
  const { merge, replace } = view(config, document).ignition.config
  const sources = [
    ...merge.map((source, i) => ({ source, at: ['ignition', 'config', 'merge', i] })),
    { source: replace, at: ['ignition', 'config', 'replace'] }
  ]
  return sources.flatMap(({ source, at }) => 'inline' in source && source.inline !== undefined ? checkInline(root, dialect, source.inline, at) : [])
}

const checkInline = (root: YamlNode, { ignitionVersion }: Dialect, text: string, at: ValuePath): readonly ReportEntry[] => {
  const path = writtenPath([...at, 'inline'])
  const { node } = nearestNode(root, [...at, 'inline'])
  const within = (line = 1, column = 1): { line: number, column: number } => placeWithin(node, line, column)
  const source = readJson(text)
  if ('problem' in source) {
    const place = within(source.line, source.column)
    return [
      { kind: 'error', path: pathText(path), message: source.problem, ...place },
      { kind: 'error', path: pathText(path), message: 'config is not valid', line: node.line, column: node.column }
    ]
  }
  const named = nodeAt(source.root, 'ignition', 'version')
  const version = named?.kind === 'scalar' && named.style === 'double' ? named.value : ''
  if (!/^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$/.test(version)) {
    const { line, column } = named ?? source.root
    return [{ kind: 'error', path: pathText([...path, 'ignition', 'version']), message: "invalid config version (couldn't parse)", ...within(line, column) }]
  }
  const spec = specOf(version)
  if (version !== ignitionVersion || spec === undefined) {
    // The machine may well take it; to the letter as the reference says it.
    const { line, column } = nearestNode(root, at).node
    const message = 'skipping validation for the merge/replace ignition config due to an unkown version'
    return [{ kind: 'warning', path: pathText(writtenPath([...at, 'version'])), message, line, column }]
  }
  return checkDocument(source.root, spec).map(entry =>
    ({ ...entry, path: `${pathText(path)}${entry.path.slice(1)}`, ...within(entry.line, entry.column) }))
}

/** A place in a text as a place in the document around it, as far as the way it is quoted lets it be told. */
const placeWithin = (node: YamlNode, line: number, column: number): { line: number, column: number } => {
  if (node.kind !== 'scalar' || node.style === 'folded') return { line: node.line, column: node.column }
  if (node.style === 'literal') return { line: node.line + line, column: column + (node.indent ?? 0) }
  const escaped = node.style === 'double' ? /["\\]/ : node.style === 'single' ? /'/ : /(?!)/
  if (line > 1 || escaped.test(node.value)) return { line: node.line, column: node.column }
  return { line: node.line, column: node.column + column - (node.style === 'plain' ? 1 : 0) }
}
