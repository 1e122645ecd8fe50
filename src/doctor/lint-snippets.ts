// The snippets of a store, each by itself: one that does not parse is missing to whoever calls it, and names another place there.
import { messageOf } from '../base/errors.js'
import { parseTemplate } from '../go/template/template.js'
import type { ConfigFile } from '../matchbox/store.js'
import type { Finding } from './finding.js'
import { storeFinding } from './store-rules.js'

/** Those that are called at all: what stands in a folder below is no snippet. */
export function lintSnippets (snippets: ReadonlyMap<string, ConfigFile>, pathOf: (name: string) => string): readonly Finding[] {
  return [...snippets.values()].filter(({ name }) => !name.includes('/')).flatMap(({ name, content }): Finding[] => {
    try {
      parseTemplate(name, content)
      return []
    } catch (error) {
      // `template: NAME:LINE:COLUMN: ...`, of which a fault of the whole line has no column.
      const [, line, column, text] = /^template: .*?:(\d+)(?::(\d+))?: (.*)$/s.exec(messageOf(error)) ?? []
      const place = { file: pathOf(name), line: Number(line ?? 1), column: Number(column ?? 0) + 1 }
      return [storeFinding('snippet', place, text ?? messageOf(error))]
    }
  })
}
