// The snippets of a store, each by itself: one that does not parse is missing to whoever calls it, and names another place there.
import { parseTemplate, TemplateError } from '../go/template/template.js'
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
      if (!(error instanceof TemplateError)) throw error
      const { line, column = 0, text } = error
      return [storeFinding('snippet', { file: pathOf(name), line, column: column + 1 }, text)]
    }
  })
}
