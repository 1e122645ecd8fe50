// Butane to Ignition 3 as butane 0.29.0 without a files directory: read, check the sugar, translate, add what the sugar stands
// for, check the result. The report shows all findings where they stand in the Butane document.
import { decodeYaml } from '../decode.js'
import { encodeValue } from '../encode.js'
import { isFatal, pathText, shortened } from '../report.js'
import { nearestNode, unusedKeys, writtenPath } from '../source-tree.js'
import { checkIgnition } from '../spec3/rules.js'
import { eachValue } from '../values.js'
import { YamlError } from '../../yaml/yaml-error.js'
import { yamlReport } from '../yaml-report.js'
import { renderBootDevice } from './boot-device.js'
import { checkSource } from './check-source.js'
import { chooseDialect } from './choose-dialect.js'
import { renderGrub } from './grub.js'
import { checkInlineConfigs } from './inline-configs.js'
import { renderMountUnits } from './mount-units.js'
import { merged } from './origins.js'
import { reservedLabels, rootPartitions, unsupportedFields } from './system-rules.js'
import { translate } from './translate.js'
import type { YamlNode } from '../../yaml/node.js'
import type { ReportEntry } from '../report.js'
import type { Struct, Values } from '../schema.js'
import type { Transpiled } from '../transpiled.js'
import type { SchemaFinding } from '../validate.js'
import type { Dialect } from './dialects.js'
import type { Origins, RenderedConfig, TracedConfig } from './origins.js'

/** Aliases may make a short text long; more than this in one config is refused, whatever it is made of. */
const maximumText = 32 * 1024 * 1024

/**
 * Of a document that readYaml has read in dialect v3: a config and its report or only a report; nothing is thrown for what stands in it.
 */
export const transpileButaneTree = (root: YamlNode | undefined): Transpiled => {
  try {
    const transpiled = transpileRoot(root)
    return { ...transpiled, report: shortened(transpiled.report) }
  } catch (error) {
    if (!(error instanceof YamlError)) throw error
    return { ok: false, report: yamlReport(error) }
  }
}

const transpileRoot = (root: YamlNode | undefined): Transpiled => {
  const choice = chooseDialect(root)
  return 'refusal' in choice ? { ok: false, report: [choice.refusal] } : transpileDocument(choice.root, choice.dialect)
}

/** Whether a YAML document says that it is Butane: it has a `variant`, which a Container Linux Config never has. */
export const isButane = (root: YamlNode | undefined): boolean =>
  root?.kind === 'mapping' && root.pairs.some(({ key }) => key.kind === 'scalar' && key.value === 'variant')

const transpileDocument = (root: YamlNode, dialect: Dialect): Transpiled => {
  const document = decodeYaml(root, dialect.document, 'v3') as Values
  const size = textSize(dialect.document, document)
  if (size > maximumText) {
    const message = `the config holds ${size} characters once its aliases are followed, more than the ${maximumText} that are taken`
    return { ok: false, report: [{ kind: 'error', path: '$', message, line: root.line, column: root.column }] }
  }
  const report: ReportEntry[] = [...remarksOnKeys(root, dialect.document, document)]
  const add = (found: readonly SchemaFinding[]): boolean => {
    for (const finding of found) report.push(located(root, finding))
    return isFatal(report)
  }
  const refused = (): Transpiled => ({ ok: false, report })
  if (add(checkSource(dialect, document))) return refused()

  for (const entry of checkInlineConfigs(root, dialect, document)) report.push(entry)
  const { traced, found } = translate(dialect, document)
  if (add(found)) return refused()
  const { ignition } = dialect
  const merge = (child: TracedConfig, rendered: RenderedConfig | undefined): TracedConfig => rendered === undefined
    ? child
    : merged(ignition, rendered, child)
  const withUnits = merge(merge(traced, renderMountUnits(dialect.spec, document)), renderBootDevice(document))
  const partitions = [
    ...dialect.rootPartition ? rootPartitions(withUnits.config) : [],
    ...dialect.reservedLabels ? reservedLabels(withUnits.config) : []
  ]
  const result = merge(withUnits, renderGrub(document))
  add(tracedFindings(partitions, result.origins))
  if (add(tracedFindings(unsupportedFields(dialect, result.config), result.origins))) return refused()
  if (add(tracedFindings(checkIgnition(ignition, result.config, dialect.spec), result.origins))) return refused()
  return { ok: true, config: encodeValue(ignition, result.config, 'left out'), report }
}

const tracedFindings = (found: readonly SchemaFinding[], origins: Origins): readonly SchemaFinding[] =>
  found.map(finding => ({ ...finding, path: origins.trace(finding.path) }))

const located = (root: YamlNode, { kind, path, message }: SchemaFinding): ReportEntry => {
  const { line, column } = nearestNode(root, path).node
  return { kind, path: pathText(writtenPath(path)), message, line, column }
}

/** How much text the config holds once its aliases are followed, in characters. */
const textSize = (type: Struct, document: Values): number => {
  let size = 0
  eachValue(type, document, (_, value) => { if (typeof value === 'string') size += value.length })
  return size
}

/** Keys that mean nothing in their place, and sections whose keys cannot be looked at because they came by an alias. */
const remarksOnKeys = (root: YamlNode, type: Struct, document: Values): readonly ReportEntry[] => {
  const found: ReportEntry[] = []
  unusedKeys(root, type, document, ({ path, name, key: { line, column } }) => {
    found.push({ kind: 'warning', path: pathText(path), message: `unused key ${name}`, unusedKey: name, line, column })
  }, (path, { line, column }) => {
    const message = `context tree does not match content tree at ${pathText(path)}. Line and column reporting may be inconsistent. Unused keys may not be reported`
    found.push({ kind: 'warning', path: pathText(path), message, line, column })
  })
  return found
}
