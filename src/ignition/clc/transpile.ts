// A Container Linux Config to an Ignition 2.2.0 config, as ct 0.9.0 does it without a platform and without a files directory.
import { decodeYaml } from '../decode.js'
import { encodeValue } from '../encode.js'
import { isFatal, pathText, shortened } from '../report.js'
import { nearestNode, unusedKeys, writtenPath } from '../source-tree.js'
import { config2 } from '../spec2/schema.js'
import { rules2 } from '../spec2/rules.js'
import { validateInOrder } from '../validate.js'
import { convertClc } from './convert.js'
import { clcRules } from './rules.js'
import { clcSchema } from './schema.js'
import type { Report, ReportEntry } from '../report.js'
import type { Flavour } from '../spec2/rules.js'
import type { Transpiled } from '../transpiled.js'
import type { SchemaFinding } from '../validate.js'
import type { YamlNode } from '../../yaml/node.js'
import type { Value } from '../schema.js'
import type { Clc } from './schema.js'

export interface ClcOptions {
  /** Whose answer is wanted where the two differ: that of the `ct` program (the default) or the one that Matchbox serves. */
  readonly flavour?: Flavour
}

/** Of a document that readYaml has read in dialect v2. Throws YamlError for values that do not fit; what else is wrong is in the report. */
export function transpileClcTree (root: YamlNode | undefined, { flavour = 'ct' }: ClcOptions = {}): Transpiled {
  const clc = decodeYaml(root, clcSchema, 'v2')
  const empty: ReportEntry = { kind: 'warning', message: 'Configuration is empty', path: '$', line: 1, column: 1 }
  const found = validateInOrder(clcSchema, clc as Value, clcRules, undefined)
  const parsed = [...root === undefined ? [empty] : remarksOnKeys(root, clc), ...located(root, found)]
  if (isFatal(parsed)) return refused(parsed)
  const conversion = convertClc(clc, root)
  const converted = [...parsed, ...conversion.report]
  if (isFatal(converted)) return refused(converted)
  const report = [...converted, ...located(conversion.source, validateInOrder(config2, conversion.config, rules2, flavour))]
  return isFatal(report) ? refused(report) : { ok: true, config: encodeValue(config2, conversion.config, 'written'), report: shortened(report) }
}

const located = (root: YamlNode | undefined, found: readonly SchemaFinding[]): readonly ReportEntry[] =>
  found.map(({ kind, path, message }) => {
    const node = root === undefined ? undefined : nearestNode(root, path).node
    return { kind, message, path: pathText(writtenPath(path)), line: node?.line, column: node?.column }
  })

function remarksOnKeys (root: YamlNode, clc: Clc): readonly ReportEntry[] {
  const found: ReportEntry[] = []
  unusedKeys(root, clcSchema, clc as Value, ({ key: { line, column }, path, name, known }) => {
    const entry = { path: pathText(path), line, column }
    found.push({ kind: 'warning', message: `Config has unrecognized key: ${name}`, unusedKey: name, ...entry })
    const meant = known.find(other => other.toLowerCase() === name.toLowerCase())
    if (meant !== undefined) found.push({ kind: 'info', message: `Did you mean ${meant} instead of ${name}`, ...entry })
  })
  return found
}

const refused = (report: Report): Transpiled => ({ ok: false, report: shortened(report) })
