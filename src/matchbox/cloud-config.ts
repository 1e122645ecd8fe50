// What Matchbox lets through as a cloud-config: a script (`#!`), or YAML below a line `#cloud-config`. It reads the YAML
// into coreos-cloudinit's types, which skip what they do not know, so that syntax errors alone are refused.
import { AppError } from '../base/errors.js'
import type { TextPosition } from '../base/positions.js'
import { trimSpaceRight } from '../go/unicode.js'
import { readYaml } from '../yaml/read-yaml.js'
import { YamlError } from '../yaml/yaml-error.js'

export interface CloudFault extends TextPosition {
  readonly message: string
  /** The message for whoever is told the place beside it. */
  readonly words: string
}

/** Throws AppError cloud_invalid for what is neither; the message says where. */
export function checkCloudConfig (config: Buffer): void {
  const fault = cloudFault(config)
  if (fault !== undefined) throw new AppError('cloud_invalid', `${fault.line}:${fault.column}: ${fault.message}`)
}

export function cloudFault (config: Buffer): CloudFault | undefined {
  const end = config.indexOf('\n')
  const header = config.toString('utf8', 0, end < 0 ? config.length : end)
  if (header.startsWith('#!')) return undefined
  if (trimSpaceRight(header) !== '#cloud-config') {
    const message = "the first line is neither #cloud-config nor a script's #!"
    return { line: 1, column: 1, message, words: message }
  }
  try {
    readYaml(config, 'v2')
    return undefined
  } catch (error) {
    if (!(error instanceof YamlError)) throw error
    return { line: error.line ?? 1, column: error.column ?? 1, message: error.message, words: error.words }
  }
}
