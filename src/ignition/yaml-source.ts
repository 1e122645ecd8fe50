// YAML text to a tree that knows its places. The readers are our own after libyaml's design rather than a library's, because a
// config has to be taken or refused exactly as go-yaml does it: YAML 1.1, with libyaml's idea of keys, tabs and line breaks.
import { composeDocument } from '../yaml/compose.js'
import { Cursor } from '../yaml/cursor.js'
import { readText } from '../yaml/reader.js'
import { Scanner } from '../yaml/scanner.js'
import { YamlError } from '../yaml/yaml-error.js'
import type { YamlNode } from '../yaml/node.js'
import type { YamlDialect } from '../yaml/yaml-error.js'

/** Longer configs are refused: machines keep them in memory while they boot, and so does this process for each of them. */
export const maximumYamlBytes = 4 * 1024 * 1024

/**
 * The root of the first document; undefined when there is none (nothing but space and comments).
 * Throws YamlError for what is not YAML, is longer than maximumYamlBytes or is nested deeper than maximumDepth.
 */
export function readYaml (source: Uint8Array | string, dialect: YamlDialect): YamlNode | undefined {
  const bytes = typeof source === 'string' ? Buffer.from(source, 'utf8') : source
  if (bytes.length > maximumYamlBytes) {
    throw new YamlError(`yaml: the text has ${bytes.length} bytes, more than the ${maximumYamlBytes} that are read`, { line: 1, column: 1 })
  }
  return composeDocument(new Scanner(new Cursor(readText(bytes), dialect)), dialect)
}
