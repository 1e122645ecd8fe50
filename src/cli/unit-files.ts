// The files that a unit names: their text, and which of them a pattern is (glob(7), as EnvironmentFile= takes it).
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { readWholeSync } from '../disk/whole-file.js'
import type { UnitFileReader } from '../inventory/matchbox-unit.js'

export const unitFilesOnDisk: UnitFileReader = {
  read: file => orNothing(() => readWholeSync(file, 'credentials').toString()),
  glob: pathsByPattern
}

/** Paths that an absolute pattern names, sorted; none where a folder cannot be read. */
export function pathsByPattern (pattern: string): readonly string[] {
  let found: readonly string[] = ['/']
  for (const part of pattern.split('/').filter(part => part !== '')) {
    found = /[*?[]/.test(part)
      ? found.flatMap(folder => namesIn(folder).filter(name => matches(part, name)).map(name => join(folder, name)))
      : found.map(folder => join(folder, part)).filter(path => existsSync(path))
  }
  return [...found].sort()
}

const namesIn = (folder: string): readonly string[] => orNothing(() => readdirSync(folder)) ?? []

/** A leading dot is matched only by one. */
function matches (pattern: string, name: string): boolean {
  let source = ''
  for (let at = 0; at < pattern.length; at++) {
    const char = pattern[at] as string
    // A bracket that is the first in a set is in it.
    const end = char === '[' ? pattern.indexOf(']', at + (pattern[at + 1] === '!' ? 3 : 2)) : -1
    if (end > 0) {
      source += `[${pattern.slice(at + 1, end).replace(/^!/, '^').replace(/[\\\]]/g, '\\$&')}]`
      at = end
    } else source += char === '*' ? '.*' : char === '?' ? '.' : char.replace(/[.+^${}()|[\]\\/]/g, '\\$&')
  }
  return (!name.startsWith('.') || pattern.startsWith('.')) && new RegExp(`^${source}$`, 'su').test(name)
}

function orNothing<T> (look: () => T): T | undefined {
  try {
    return look()
  } catch {
    return undefined
  }
}
