// Snippets that do not parse, with their place.
import t from 'tap'
import { findingText } from '../../src/doctor/finding.js'
import { lintSnippets } from '../../src/doctor/lint-snippets.js'

t.test('each snippet by itself; what stands in a folder below is none', t => {
  const files: Readonly<Record<string, string>> = { 'good.yaml': 'a {{.b}}', 'bad.yaml': 'a\n{{.b', 'worse.yaml': '{{end}}', 'column.yaml': 'a\n  {{if}}{{end}}', 'a:7:8: b': 'a\n{{.b', 'folder/bad.yaml': '{{' }
  const snippets = new Map(Object.entries(files).map(([name, content]) => [name, { kind: 'snippets', name, content: Buffer.from(content) } as const]))
  const found = lintSnippets(snippets as unknown as Parameters<typeof lintSnippets>[0], name => `snippets/${name}`)
  t.same(found.map(({ rule }) => rule), ['snippet', 'snippet', 'snippet', 'snippet'])
  t.same(found.map(findingText), ['snippets/bad.yaml:2:1: unclosed action', 'snippets/worse.yaml:1:1: unexpected {{end}}', 'snippets/column.yaml:2:1: missing value for if', 'snippets/a:7:8: b:2:1: unclosed action'])
  t.end()
})
