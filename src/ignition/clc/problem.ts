// An error that turning the config into Ignition's runs into, at the place in the YAML that it comes from.
import type { ValuePath } from '../../base/positions.js'
import { pathText } from '../report.js'
import { nodeAt, writtenPath } from '../source-tree.js'
import type { YamlNode } from '../../yaml/node.js'
import type { ReportEntry } from '../report.js'

/** A section's part of the YAML: found once, since a search from the root goes through all of the root's keys. */
export interface ClcSection {
  readonly node: YamlNode | undefined
  readonly path: ValuePath
}

export const sectionAt = (source: YamlNode | undefined, ...path: ValuePath): ClcSection => ({ node: nodeAt(source, ...path), path })

export const within = ({ node, path }: ClcSection, ...further: ValuePath): ClcSection =>
  ({ node: nodeAt(node, ...further), path: [...path, ...further] })

/** Without a place where the section is not to be found in the YAML (behind an alias, or out of a merge key). */
export function problemAt ({ node, path }: ClcSection, message: string): ReportEntry {
  return { kind: 'error', message, path: pathText(writtenPath(path)), line: node?.line, column: node?.column }
}
