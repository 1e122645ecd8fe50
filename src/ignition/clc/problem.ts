// An error that turning the config into Ignition's runs into, at the place in the YAML that it comes from.
import { pathText } from '../report.js'
import { nodeAt } from '../source-tree.js'
import type { ReportEntry } from '../report.js'
import type { SourceNode } from '../source-tree.js'

/** Without a place where the path leads nowhere in the YAML (through an alias, or out of a merge key). */
export function problemAt (source: SourceNode | undefined, path: ReadonlyArray<string | number>, message: string): ReportEntry {
  const node = nodeAt(source, ...path)?.node
  return { kind: 'error', message, path: pathText(path), ...node === undefined ? {} : { line: node.line, column: node.column } }
}
