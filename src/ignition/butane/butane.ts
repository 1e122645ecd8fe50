// Butane to Ignition 3 as butane 0.19.0 without a files directory: read, check the sugar, translate, add what the sugar stands
// for, check the result. The report shows all findings where they stand in the Butane document.
import { YamlTypeError } from '../decode.js'
import { isFatal, pathText, shortened } from '../report.js'
import { checkIgnition } from '../spec3/checks.js'
import { toJson } from '../spec3/value.js'
import { YamlError } from '../../yaml/yaml-error.js'
import { readYaml } from '../yaml-source.js'
import { renderBootDevice } from './boot-device.js'
import { checkSource } from './check-source.js'
import { chooseDialect } from './choose-dialect.js'
import { renderGrub } from './grub.js'
import { renderMountUnits } from './mount-units.js'
import { merged } from './origins.js'
import { decodeDocument, maximumText, nearestNode, textSize, unusedKeys } from './read.js'
import { reservedLabels, unsupportedFields } from './system-rules.js'
import { translate } from './translate.js'
import type { Report, ReportEntry } from '../report.js'
import type { Finding } from '../spec3/checks.js'
import type { Transpiled } from '../transpiled.js'
import type { YamlNode } from '../../yaml/node.js'
import type { Dialect } from './dialects.js'
import type { Origins, Rendered, Traced } from './origins.js'
import type { Located } from './read.js'

/** Whatever the source is, the answer is a config and its report or only a report; nothing is thrown for what stands in it. */
export const transpileButane = (source: Uint8Array | string): Transpiled =>
  orRefusal(() => transpileRoot(readYaml(source, 'v3')))

/** The same for a document that readYaml has read in dialect v3. */
export const transpileButaneTree = (root: YamlNode | undefined): Transpiled => orRefusal(() => transpileRoot(root))

const orRefusal = (transpile: () => Transpiled): Transpiled => {
  try {
    const transpiled = transpile()
    return { ...transpiled, report: shortened(transpiled.report) }
  } catch (error) {
    if (!(error instanceof YamlError)) throw error
    return { ok: false, report: shortened(yamlReport(error)) }
  }
}

const transpileRoot = (root: YamlNode | undefined): Transpiled => {
  const choice = chooseDialect(root)
  return 'refusal' in choice ? { ok: false, report: [choice.refusal] } : transpileDocument(choice.root, choice.dialect)
}

/** Whether a YAML document says that it is Butane: it has a `variant`, which a Container Linux Config never has. */
export const isButane = (root: YamlNode | undefined): boolean =>
  root?.kind === 'mapping' && root.pairs.some(({ key }) => key.kind === 'scalar' && key.value === 'variant')

const yamlReport = (error: YamlError): Report => {
  const problems = error instanceof YamlTypeError
    ? error.problems.map(({ line, column, text }) => ({ line, column, message: text.replace(/^line \d+: /, '') }))
    : [{ line: error.line, column: error.column, message: error.message }]
  return problems.map(problem => ({ kind: 'error', path: '$', ...problem }))
}

const transpileDocument = (root: YamlNode, dialect: Dialect): Transpiled => {
  const document = decodeDocument(root, dialect.config)
  const size = textSize(dialect.config, document)
  if (size > maximumText) {
    const message = `the config holds ${size} characters once its aliases are followed, more than the ${maximumText} that are taken`
    return { ok: false, report: [{ kind: 'error', path: '$', message, line: root.line, column: root.column }] }
  }
  const report: ReportEntry[] = []
  const add = (found: readonly Located[]): boolean => {
    for (const finding of found) report.push(located(root, finding))
    return isFatal(report)
  }
  const refused = (): Transpiled => ({ ok: false, report })
  add(unusedKeys(root, dialect.config, document))
  if (add(checkSource(dialect, document))) return refused()

  const { traced, found } = translate(dialect, document)
  if (add(found)) return refused()
  const config = dialect.schema.config
  const merge = (child: Traced, rendered: Rendered | undefined): Traced => rendered === undefined ? child : merged(config, rendered, child)
  const withUnits = merge(merge(traced, renderMountUnits(dialect.spec, document)), renderBootDevice(document))
  const labels = dialect.reservedLabels ? reservedLabels(withUnits.config) : []
  const result = merge(withUnits, renderGrub(document))
  add(tracedFindings(labels, result.origins))
  if (add(tracedFindings(unsupportedFields(dialect, result.config), result.origins))) return refused()
  if (add(tracedFindings(checkIgnition(config, result.config, dialect.spec), result.origins))) return refused()
  return { ok: true, config: toJson(config, result.config), report }
}

const tracedFindings = (found: readonly Finding[], origins: Origins): readonly Finding[] =>
  found.map(finding => ({ ...finding, path: origins.trace(finding.path) }))

const located = (root: YamlNode, { kind, path, message, node }: Located): ReportEntry => {
  const { line, column } = node ?? nearestNode(root, path).node
  return { kind, path: pathText(path), message, line, column }
}
