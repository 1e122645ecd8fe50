// Queries.
import t from 'tap'
import { parseQuery, queryEscape, unescapePercent } from '../../src/go/query.js'

t.test('pairs', t => {
  t.strictSame(parseQuery('a=1&b&=&&a=%32&c=x+y%2B&d=1=2'), [['a', '1'], ['b', ''], ['', ''], ['a', '2'], ['c', 'x y+'], ['d', '1=2']])
  t.strictSame(parseQuery('a;b=1&c=%zz&%4=1&d=%&e=1'), [['e', '1']], 'semicolons and broken escapes')
  t.strictSame(parseQuery('a=%c3%a9&b=%ff&c=%c3é&d=\udcc3%a9'), [['a', 'é'], ['b', '\udcff'], ['c', '\udcc3é'], ['d', 'é']], 'bytes')
  t.end()
})

t.test('escapes', t => {
  t.equal(queryEscape('a b&c=d/é~-_.!*\'()+%'), 'a+b%26c%3Dd%2F%C3%A9~-_.%21%2A%27%28%29%2B%25')
  t.equal(queryEscape('\udcff\0'), '%FF%00')
  t.equal(unescapePercent('%41%e4%b8%96+'), 'A世+')
  t.equal(unescapePercent('%4'), undefined)
  t.end()
})

t.test('a long text is read by its bytes, and as a short one is', t => {
  const pad = 'x'.repeat(300)
  for (const text of ['%41%e4%b8%96+', '%ff', '\udcc3%a9', 'é%C3%a9', '%fF%Ff', '%4', '%', '%g0', '%0g', '%/0', '%:0', '%@0', '%`0', '%0A%9a']) {
    const short = unescapePercent(text)
    t.equal(unescapePercent(text + pad), short === undefined ? undefined : short + pad, JSON.stringify(text))
    t.equal(unescapePercent(pad + text), short === undefined ? undefined : pad + short, JSON.stringify(text))
  }
  t.end()
})
