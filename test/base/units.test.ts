// Counts as people read them, and that whoever prints one goes by the same function.
import { readdirSync, readFileSync } from 'node:fs'
import t from 'tap'
import { ago, counted, formatBytes, measure, sizeUnits, timeUnits } from '../../src/base/units.js'

t.test('one and more', t => {
  t.same([0, 1, 2].map(n => counted(n, 'subnet')), ['0 subnets', '1 subnet', '2 subnets'])
  t.same([0, 1, 2].map(n => counted(n, 'entry', 'entries')), ['0 entries', '1 entry', '2 entries'])
  t.equal(counted(1, 'machine began and was', 'machines began and were'), '1 machine began and was')
  t.end()
})

t.test('times and sizes as people write them', t => {
  for (const [text, milliseconds] of [
    ['0', 0], ['1ms', 1], ['2s', 2000], ['1.5s', 1500], ['3 min', undefined], ['3m', 180_000], ['1h', 3_600_000], ['1 d', 86_400_000], ['0.4ms', 0], ['0.5ms', 1],
    ['', undefined], ['1', undefined], ['s', undefined], ['-1s', undefined], ['.5s', undefined], ['1.s', undefined], ['1s ', undefined], ['1S', undefined], ['1constructor', undefined]
  ] as const) t.equal(measure(text, timeUnits), milliseconds, JSON.stringify(text))
  for (const [text, octets] of [['0', 0], ['7B', 7], ['1KiB', 1024], ['512MiB', 536_870_912], ['2 GiB', 2_147_483_648], ['1kB', undefined]] as const) t.equal(measure(text, sizeUnits), octets, text)
  t.end()
})

t.test('ages and sizes', t => {
  for (const [milliseconds, text] of [
    [0, '0 s ago'], [400, '0 s ago'], [119_000, '119 s ago'], [120_000, '2 min ago'], [7_300_000, '2 h ago'], [400 * 86_400_000, '400 d ago'], [-3_540_000, 'in 59 min'], [-400, '0 s ago'], [-1000, 'in 1 s']
  ] as const) t.equal(ago(milliseconds), text)
  for (const [bytes, text] of [[0, '0 B'], [1023, '1023 B'], [1536, '1.5 KiB'], [2 ** 31, '2.0 GiB'], [2 ** 52, '4096.0 TiB']] as const) t.equal(formatBytes(bytes), text)
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
