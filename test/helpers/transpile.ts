// Text of one of the two YAML languages to Ignition, whatever its keys say of which of them it is: `transpile` chooses by these.
import type { ClcOptions } from '../../src/ignition/clc/transpile.js'
import { transpileButaneTree } from '../../src/ignition/butane/butane.js'
import { transpileClcTree } from '../../src/ignition/clc/transpile.js'
import type { Transpiled } from '../../src/ignition/transpiled.js'
import { yamlReport } from '../../src/ignition/yaml-report.js'
import { readYaml } from '../../src/yaml/read-yaml.js'
import { YamlError } from '../../src/yaml/yaml-error.js'

export const transpileClc = (text: Uint8Array | string, options: ClcOptions = {}): Transpiled =>
  orRefusal(() => transpileClcTree(readYaml(text, 'v2'), options))

export const transpileButane = (text: Uint8Array | string): Transpiled => orRefusal(() => transpileButaneTree(readYaml(text, 'v3')))

function orRefusal (transpile: () => Transpiled): Transpiled {
  try {
    return transpile()
  } catch (error) {
    if (!(error instanceof YamlError)) throw error
    return { ok: false, report: yamlReport(error) }
  }
}
