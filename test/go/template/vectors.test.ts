// What Go's own text/template gave: test/fixtures/gotemplate.json, recorded from Go 1.19 (its "tool" member says how).
import { readFileSync } from 'node:fs'
import t from 'tap'
import type { TemplateData } from '../../../src/go/template/template.js'
import { render } from '../../helpers/render-template.js'

interface Vectors {
  readonly tool: string
  readonly data: Readonly<Record<string, TemplateData>>
  readonly cases: ReadonlyArray<{
    readonly name: string, readonly template: string, readonly data: string, readonly output: string | null, readonly error?: string
  }>
}

const vectors = JSON.parse(readFileSync(new URL('../../fixtures/gotemplate.json', import.meta.url), 'utf8')) as Vectors

// One message says another thing on purpose: our bound on recursion is lower than Go's, and its text names the bound.
const otherText: Readonly<Record<string, string>> = {
  'template-infinite': 'error: template: :1:25: executing "t" at <{{template "t"}}>: exceeded maximum template depth (10000)'
}

for (const { name, template, data, output, error } of vectors.cases) {
  t.test(`${name} ${template.slice(0, 60)}`, t => {
    t.equal(render(template, vectors.data[data]!), otherText[name] ?? output ?? `error: ${error}`)
    t.end()
  })
}

t.ok(vectors.cases.length > 300)
