// Nothing that a machine says is obeyed by the terminal of who reads it.
import t from 'tap'
import { table } from '../../src/cli/command.js'
import { journalLine } from '../../src/base/journal-line.js'
import { visibleJson, visibleText } from '../../src/base/visible-text.js'

const clearsScreen = '\u001b[2J\u001b[H'
const forges = 'core-1\n192.168.100.9  52:54:00:00:00:09  bound'

t.test('a host name with an escape sequence, a line break, a C1 control, or another direction', t => {
  t.equal(visibleText(clearsScreen), '\\u001b[2J\\u001b[H')
  t.equal(visibleText('a\u009b2Jb\u007f'), 'a\\u009b2Jb\\u007f')
  t.equal(visibleText('a\u202eb\u2028c\u{e0041}'), 'a\\u202eb\\u2028c\\udb40\\udc41')
  t.equal(visibleText('Schließfach 東京'), 'Schließfach 東京', 'UTF-8 as such')
  const json = visibleJson(JSON.stringify({ hostname: 'a\u009b2J\u202e\u001b' }))
  t.match(json, /^[\x20-\x7e]*$/)
  t.same(JSON.parse(json), { hostname: 'a\u009b2J\u202e\u001b' }, 'and it means the same')
  t.end()
})

t.test('a table keeps its rows', t => {
  const text = table(['address', 'name'], [['192.168.100.41', forges], ['192.168.100.42', clearsScreen]])
  t.equal(text.split('\n').length, 3)
  t.notMatch(text, '\u001b')
  t.end()
})

t.test('the journal too', t => {
  t.match(journalLine(JSON.stringify({ level: 'info', msg: 'dhcp.ack', hostname: 'a\u009b2J\u202e' })), /^<6>dhcp\.ack hostname="a\\u009b2J\\u202e"\n$/)
  t.end()
})

t.test('a table has as many rows as there are machines', t => {
  t.equal(table(['machine'], Array.from({ length: 150_000 }, () => ['x'])).length, 'machine'.length + 150_000 * '\nx'.length)
  t.end()
})
