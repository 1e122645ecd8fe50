// systemd units as go-systemd reads them.
import t from 'tap'
import { readUnitContent } from '../../src/ignition/unit-content.js'

const read = (text: string): unknown => {
  const unit = readUnitContent(Buffer.from(text))
  return unit.ok ? unit.sections : unit.problem
}

t.test('sections that hold options', t => {
  t.same(read('[Unit]\nA=1\n# c\n; c \\\nB=2\n\n[Service]\nC=a \\\n  b\\\n\n[Install]\nD='), ['Unit', 'Service', 'Install'])
  t.same(read('words before\n[Unit]\n'), [])
  t.same(read('just words'), [])
  t.same(read(''), [])
  t.end()
})

t.test('problems', t => {
  t.equal(read('[Unit]\nDescription\n'), 'unexpected newline encountered while parsing option name')
  t.equal(read('[Unit]\nDescription'), 'EOF')
  t.equal(read('[Unit'), 'unable to find end of section')
  t.equal(read('[Unit] xy\n'), 'found garbage after section name : [120 121]')
  t.end()
})

t.test('a line of 2048 bytes is too long, as far as the reference sees it', t => {
  const unit = (length: number): string => `[A]\nB=${'w'.repeat(length - 2)}\n`
  t.same(read(unit(2046)), ['A'])
  t.equal(read(unit(2048)), 'line too long (max 2048 bytes)')
  t.same(read(`[A]\n${'B=1\n'.repeat(5000)}`), Array.from({ length: 5000 }, () => 'A'))
  t.end()
})
