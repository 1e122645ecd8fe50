import { readFileSync } from 'node:fs'
import t from 'tap'
import { storeRules } from '../../src/doctor/store-rules.js'

t.test('docs/check.md holds every rule', t => {
  const text = readFileSync(new URL('../../docs/check.md', import.meta.url), 'utf8')
  const rows = [...text.matchAll(/^\| `([a-z-]+)` \| (\w+) \| (.*) \|$/gm)].map(([, rule, level, what]) => [rule, level, what])
  t.same(rows, Object.entries(storeRules).map(([rule, { level, what }]) => [rule, level === 'problem' ? 'error' : level, what]))
  t.end()
})
