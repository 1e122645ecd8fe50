// The door of this room: YAML text to a tree that knows its places. The reader is our own after libyaml's design rather than a
// library's, because a config has to be taken or refused exactly as go-yaml does it, in its words: YAML 1.1, with libyaml's idea of
// keys, tabs, tags and line breaks, in two generations of go-yaml that differ. The packages that read YAML in JavaScript take what
// go-yaml refuses and the other way round, and a machine would boot with what was never said. The price is some 1,400 lines that
// change only when go-yaml does; test/yaml/ and the recorded answers in test/fixtures/ hold them to it.
import { composeDocument } from './compose.js'
import { Cursor } from './cursor.js'
import { readText } from './reader.js'
import { Scanner } from './scanner.js'
import { YamlError } from './yaml-error.js'
import type { YamlNode } from './node.js'
import type { YamlDialect } from './yaml-error.js'

/** Longer texts are refused. Matchbox has no limit; no config comes near this one, which keeps what a hostile one costs in bounds. */
export const maximumYamlBytes = 16 * 1024 * 1024

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
