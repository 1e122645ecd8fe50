// What Matchbox lets through as a cloud-config: a script (`#!`), or YAML below a line `#cloud-config`. It reads the YAML
// into coreos-cloudinit's types, which skip what they do not know, so that syntax errors alone are refused.
import { AppError, messageOf } from '../base/errors.js'
import { trimSpaceRight } from '../go/unicode.js'
import { readYaml } from '../yaml/read-yaml.js'
import { YamlError } from '../yaml/yaml-error.js'

/** Throws AppError cloud_invalid for what is neither; the message says where. */
export function checkCloudConfig (config: Buffer): void {
  const end = config.indexOf('\n')
  const header = config.toString('utf8', 0, end < 0 ? config.length : end)
  if (header.startsWith('#!')) return
  if (trimSpaceRight(header) !== '#cloud-config') {
    throw new AppError('cloud_invalid', "1:1: the first line is neither #cloud-config nor a script's #!")
  }
  try {
    readYaml(config, 'v2')
  } catch (error) {
    const where = error instanceof YamlError ? `${error.line}:${error.column}: ` : ''
    throw new AppError('cloud_invalid', `${where}${messageOf(error)}`, { cause: error })
  }
}
