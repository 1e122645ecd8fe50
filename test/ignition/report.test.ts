// Reports: how an entry reads, and what is left of one that got too long.
import t from 'tap'
import { formatReport, isFatal, pathText, shortened } from '../../src/ignition/report.js'
import type { ReportEntry } from '../../src/ignition/report.js'

t.test('format', t => {
  const report: ReportEntry[] = [
    { kind: 'warning', message: 'odd', path: '$.a.0', line: 3, column: 7 },
    { kind: 'error', message: 'two\n    lines', path: '$' }
  ]
  t.equal(formatReport(report, 'x.yaml'), 'x.yaml:3:7: warning: odd\nx.yaml: error: two\n  lines\n')
  t.ok(isFatal(report))
  t.notOk(isFatal(report.slice(0, 1)))
  t.equal(pathText(['storage', 'files', 0]), '$.storage.files.0')
  t.end()
})

t.test('shortened', t => {
  const entry: ReportEntry = { kind: 'error', message: 'x'.repeat(5000), path: '$' }
  const short = shortened(Array.from({ length: 1500 }, () => entry))
  t.equal(short.length, 1001)
  t.equal(short[0]?.message.length, 2003)
  t.match(short.at(-1), { kind: 'info', message: '500 further remarks are left out' })
  const warning: ReportEntry = { kind: 'warning', message: 'odd', path: '$' }
  t.ok(isFatal(shortened([...Array.from({ length: 1500 }, () => warning), entry])), 'what is wrong is not lost among what is odd')
  t.end()
})
