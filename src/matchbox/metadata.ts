// The variables as an environment file: one NAME=value line for each text, truth value and number; objects are descended
// into, their names joined with underscores; null and lists are left out. Matchbox's lines come in any order, ours sorted.
import type { Buffer } from 'node:buffer'
import { compareStrings, goBytes } from '../go/string.js'
import { formatFloat } from '../go/float.js'
import { upperCase } from '../go/unicode.js'
import type { Variables } from './variables.js'

export function renderMetadata (variables: Variables): Buffer {
  const lines: string[] = []
  addLines(lines, '', variables)
  return goBytes(lines.join(''))
}

function addLines (lines: string[], prefix: string, object: ReadonlyMap<unknown, unknown>): void {
  const members = [...object].filter((m): m is [string, unknown] => typeof m[0] === 'string').sort(([a], [b]) => compareStrings(a, b))
  for (const [key, value] of members) {
    const name = prefix + key
    if (value instanceof Map) addLines(lines, `${name}_`, value)
    else if (typeof value === 'number') lines.push(`${upperCase(name)}=${formatFloat(value, 'g', -1)}\n`)
    else if (typeof value === 'string' || typeof value === 'boolean') lines.push(`${upperCase(name)}=${String(value)}\n`)
  }
}
