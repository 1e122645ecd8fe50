// The first line of a file that an import wrote, by which the next import knows it.
import t from 'tap'
import { formatHostsFile, sourcesOf } from '../../src/inventory/hosts-file.js'

t.test('a file says what it was made of', t => {
  for (const sources of [['/etc/dnsmasq.conf'], ['a "quoted" \\ name', 'standard input', '/\u00e9\n']]) t.same(sourcesOf(formatHostsFile([], sources)), sources)
  t.end()
})

t.test('one that no import wrote, or that somebody changed, says nothing', t => {
  const [head = ''] = formatHostsFile([], ['x']).split('"x"')
  for (const text of ['', '- { mac: "52:54:00:00:00:01" }\n', `${head}"\\q"\n`]) t.equal(sourcesOf(text), undefined, JSON.stringify(text))
  t.end()
})
