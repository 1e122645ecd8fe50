import fc from 'fast-check'
import t from 'tap'
import { cases } from '../helpers/property.js'
import { parseLabels } from '../../src/http/labels.js'
import { macOfLabels } from '../../src/matchbox/select.js'

const labels = (query: string): Record<string, string> => Object.fromEntries(parseLabels(query))

t.test('a query is read as net/url reads it', t => {
  for (const [query, want] of [
    ['', {}],
    ['a=1&a=2&A=3', { a: '1', A: '3' }],
    ['x&y=&=z&&', { x: '', y: '', '': 'z' }],
    ['a=b=c', { a: 'b=c' }],
    ['p=a+b%2B%20c', { p: 'a b+ c' }],
    ['p=%zz&q=%4&r=%', {}],
    ['a;b=1&c=2;d=3&e=4', { e: '4' }],
    ['p=a%3Bb', { p: 'a;b' }],
    ['?role=worker', { '?role': 'worker' }],
    ['%D0%BA=%D0%B7', { к: 'з' }],
    ['ключ=знач', { ключ: 'знач' }],
    ['inv=%ff%fe&ok=%c3%a9', { inv: '\udcff\udcfe', ok: 'é' }],
    ['__proto__=1&constructor=2', { ['__proto__']: '1', constructor: '2' }]
  ] as const) t.same(Object.entries(labels(query)), Object.entries(want), query)
  t.end()
})

t.test('hardware addresses', t => {
  t.same(labels('mac=52-54-00-AB-CD-01&MAC=5254.00ab.cd02'), { mac: '52:54:00:ab:cd:01', MAC: '52:54:00:ab:cd:02' })
  t.same(labels('mac=bogus&mac=52:54:00:ab:cd:01'), {}, 'the first value counts, also when it is none')
  t.equal(macOfLabels(parseLabels('uuid=1&Mac=52:54:00:ab:cd:01')), '52:54:00:ab:cd:01')
  t.equal(macOfLabels(parseLabels('uuid=1')), undefined)
  t.end()
})

// What Go's url.ParseQuery does with bytes, said in another way: no state, one pair after the other.
function plainLabels (query: string): Array<[string, string]> {
  const first = new Map<string, string>()
  for (const pair of query.split('&').filter(p => p !== '' && !p.includes(';'))) {
    const [key = '', ...rest] = pair.split('=')
    if (/%(?![0-9a-fA-F]{2})/.test(pair)) continue
    const decode = (text: string): string => text.replaceAll('+', ' ').replace(/%(..)/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
    if (!first.has(decode(key))) first.set(decode(key), decode(rest.join('=')))
  }
  return [...first].filter(([key]) => key.toLowerCase() !== 'mac')
}

t.test('any query gives labels, and the ones it should', t => {
  const piece = fc.oneof(fc.constantFrom('a', 'mac', 'MAC', '=', '&', ';', '+', '%', '%41', '%zz', '%c3', '%00', '\xff', '52:54:00:00:00:01'), fc.string({ maxLength: 4, unit: 'binary-ascii' }))
  fc.assert(fc.property(fc.array(piece, { maxLength: 40 }).map(p => p.join('')), query => {
    const found = parseLabels(query)
    const others = [...found].filter(([key]) => key.toLowerCase() !== 'mac')
    // Compared where every byte is ASCII: beyond it the two hold text and bytes.
    if (/[\x80-\xff]|%[89a-f]/i.test(query)) return true
    return JSON.stringify(others) === JSON.stringify(plainLabels(query))
  }), cases(t, 10_000))
  t.end()
})
