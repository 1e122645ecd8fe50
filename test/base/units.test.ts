// Counts as people read them, and that whoever prints one goes by the same function.
import { readdirSync, readFileSync } from 'node:fs'
import t from 'tap'
import { counted } from '../../src/base/units.js'

t.test('one and more', t => {
  t.same([0, 1, 2].map(n => counted(n, 'subnet')), ['0 subnets', '1 subnet', '2 subnets'])
  t.same([0, 1, 2].map(n => counted(n, 'entry', 'entries')), ['0 entries', '1 entry', '2 entries'])
  t.equal(counted(1, 'machine began and was', 'machines began and were'), '1 machine began and was')
  t.end()
})

/** What the program counts in what it tells. */
const nouns = 'addresses|clients|days|differences|documents|events|fields|files|findings|groups|hosts|hours|interfaces|leases|machines|members|messages|minutes|objects|overrides|pools|profiles|releases|remarks|reservations|sources|subnets|times|warnings'
const told = new RegExp(String.raw`\$\{[^{}]*\} (?:(?:more|other|boot|image) )?(?:${nouns})\b`, 'g')

/** Never one, or a bound that stands in the source. */
const plural: readonly RegExp[] = [
  /\$\{most\w+\}/, /\$\{max\w+\}/, /\$\{discoveryLimits\.\w+\}/,
  /\$\{endpoints\.length\} members/, // told of an even number
  /\$\{several\.length\} machines/, // of two at least
  /\$\{groups\.length\} groups\b/, // the one group has words of its own
  /\$\{times\} times/ // three at least, or more than one
]

t.test('no count is told without it', t => {
  const source = new URL('../../src/', import.meta.url)
  const files = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter(file => file.endsWith('.ts'))
  t.match('$' + '{subnets.length} subnets', told, 'what is looked for is found')
  const found = files.flatMap(file => [...readFileSync(new URL(file, source), 'utf8').matchAll(told)].map(([text]) => `${file}: ${text}`))
  t.same(found.filter(text => !plural.some(one => one.test(text))), [])
  t.end()
})
