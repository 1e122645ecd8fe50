// A Container Linux Config to an Ignition 2.2.0 config, as ct 0.9.0 does it without a platform and without a files directory.
import { YamlError } from '../../yaml/yaml-error.js'
import { decodeYaml } from '../decode.js'
import { encodeValue } from '../encode.js'
import { isFatal, shortened } from '../report.js'
import { camelCase } from '../source-tree.js'
import { config2 } from '../spec2/schema.js'
import { rules2 } from '../spec2/rules.js'
import { validate } from '../validate.js'
import { readYaml } from '../yaml-source.js'
import { convertClc } from './convert.js'
import { clcRules } from './rules.js'
import { clcSchema } from './schema.js'
import type { Report, ReportEntry } from '../report.js'
import type { SourceNode } from '../source-tree.js'
import type { Flavour } from '../spec2/rules.js'
import type { Transpiled } from '../transpiled.js'
import type { YamlNode } from '../../yaml/node.js'
import type { Clc } from './schema.js'

export interface ClcOptions {
  /** Whose answer is wanted where the two differ: that of the `ct` program (the default) or the one that Matchbox serves. */
  readonly flavour?: Flavour
}

/** Never throws for what stands in `text`: what is wrong with it is in the report. */
export function transpileClc (text: Uint8Array | string, { flavour = 'ct' }: ClcOptions = {}): Transpiled {
  let root: YamlNode | undefined
  let clc: Clc
  try {
    root = readYaml(text, 'v2')
    clc = decodeYaml(root, clcSchema, 'v2')
  } catch (error) {
    if (!(error instanceof YamlError)) throw error
    const { message, line, column } = error
    return refused([{ kind: 'error', message, path: '$', line, column }])
  }
  const source: SourceNode | undefined = root === undefined ? undefined : { node: root, spelling: key => key }
  const empty: ReportEntry = { kind: 'warning', message: 'Configuration is empty', path: '$', line: 1, column: 1 }
  const parsed = [...root === undefined ? [empty] : [], ...validate(clc, clcSchema, source, { rules: clcRules, unusedKeys: true })]
  if (isFatal(parsed)) return refused(parsed)
  const conversion = convertClc(clc, source === undefined ? undefined : { ...source, spelling: camelCase })
  const converted = [...parsed, ...conversion.report]
  if (isFatal(converted)) return refused(converted)
  const checked = validate(conversion.config, config2, conversion.source, { rules: rules2(flavour), unusedKeys: false })
  const report = [...converted, ...checked]
  return isFatal(report) ? refused(report) : { ok: true, config: encodeValue(conversion.config, config2), report: shortened(report) }
}

const refused = (report: Report): Transpiled => ({ ok: false, report: shortened(report) })
