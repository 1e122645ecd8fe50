// Every recorded answer of butane 0.19.0: taken or refused as there, the same JSON (compressed contents to the byte), the
// same report with the same places.
import t from 'tap'
import { readFileSync, readdirSync } from 'node:fs'
import { transpileButane } from '../../../src/ignition/butane/butane.js'
import { jsonText } from '../../../src/ignition/json.js'
import type { Report } from '../../../src/ignition/report.js'

interface Case {
  readonly name: string
  readonly input: string
  readonly ok: boolean
  readonly strict_ok: boolean
  readonly expected: unknown
  readonly report: string
  readonly report_varies?: boolean
}

const folder = new URL('../../fixtures/butane/', import.meta.url)

const lead = 'Error translating config: '

const expectedReport = ({ report }: Case): string[] => {
  const lines = report.split('\n').filter(line => line !== '' && line !== `${lead}source config is invalid` && line !== `${lead}config generated was invalid`)
  if (lines[0]?.startsWith(lead) !== true) return lines
  const text = report.slice(lead.length).replace('Error unmarshaling yaml: ', '')
  return text.startsWith('yaml: unmarshal errors:\n') ? text.split('\n').slice(1) : [text]
}

const ourReport = (test: Case, report: Report): string[] => {
  if (!test.report.startsWith(lead)) return report.map(({ kind, path, line, column, message }) => `${kind} at ${path}, line ${line} col ${column}: ${message}`)
  return report.map(({ line, message }) => test.report.includes('unmarshal errors') ? `  line ${line}: ${message}` : message)
}

for (const file of readdirSync(folder).filter(name => name.endsWith('.json'))) {
  const { area, cases } = JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as { area: string, cases: readonly Case[] }
  t.test(area, t => {
    for (const test of cases) {
      const { ok, config, report } = transpileButane(test.input)
      t.equal(ok, test.ok, `${test.name}: taken`)
      t.equal(ok && report.length === 0, test.strict_ok, `${test.name}: without a remark`)
      const [ours, theirs] = [ourReport(test, report), expectedReport(test)]
      if (test.report_varies === true) for (const lines of [ours, theirs]) lines.sort()
      t.same(ours, theirs, `${test.name}: report`)
      if (config === undefined || !test.ok) continue
      t.same(JSON.parse(jsonText(config)), test.expected, `${test.name}: JSON`)
    }
    t.end()
  })
}

t.test('integers of 64 bits are exact', t => {
  const { config = null } = transpileButane('variant: fcos\nversion: 1.5.0\npasswd:\n  users: [{name: a, uid: 9223372036854775807}]\n')
  t.match(jsonText(config), /"uid":9223372036854775807\b/)
  t.end()
})
