// strconv's quoted literals.
import t from 'tap'
import fc from 'fast-check'
import { toBytes } from '../../src/go/template/bytes.js'
import { canBackquote, quote, quoteRune, unquote, unquoteChar } from '../../src/go/quote.js'

t.equal(quote(toBytes('a"b\\c\'é☺🚀')), toBytes('"a\\"b\\\\c\'é☺🚀"'))
t.equal(quote('\x07\b\f\n\r\t\v\0\x1b\x7f'), '"\\a\\b\\f\\n\\r\\t\\v\\x00\\x1b\\x7f"')
t.equal(quote('\xff\xc3'), '"\\xff\\xc3"')
t.equal(quote(toBytes('\u200b\u0085\u{e0001}\ufffd')), toBytes('"\\u200b\\u0085\\U000e0001\ufffd"'))
t.equal(quote(toBytes('é🚀\ufffd'), true), '"\\u00e9\\U0001f680\\ufffd"')
t.equal(quoteRune(0x27), "'\\''")
t.equal(quoteRune(0x22), "'\"'")
t.equal(quoteRune(0xd800), toBytes("'\ufffd'"))

for (const [text, can] of [['a\tb', true], ['a\nb', false], ['`', false], ['\x7f', false], ['\xff', false], [toBytes('é'), true], [toBytes('\ufeff'), false]] as const) t.equal(canBackquote(text), can, JSON.stringify(text))

const literals: ReadonlyArray<readonly [literal: string, value: string | undefined]> = [
  ['""', ''], ['"a\\n\\x41\\101\\u00e9\\U0001F680\\""', toBytes('a\nAAé🚀"')], ['"\\xff\\377"', '\xff\xff'], ['"\xff"', toBytes('\ufffd')], ["\"'\"", "'"],
  ["\"\\'\"", undefined], ['"\\400"', undefined], ['"\\8"', undefined], ['"\\x4"', undefined], ['"\\xzz"', undefined], ['"\\ud800"', undefined], ['"\\U00110000"', undefined], ['"\\q"', undefined],
  ['``', ''], ['`a\\n\xff`', 'a\\n\xff'], ['`a\r\nb\r`', 'a\nb']
]
for (const [literal, value] of literals) t.equal(unquote(literal), value, JSON.stringify(literal))
t.equal(unquoteChar("'", 0, "'"), undefined)

t.test('what is quoted reads back', t => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 20 }), fc.boolean(), (data, ascii) => {
    const bytes = Buffer.from(data).toString('latin1')
    if (unquote(quote(bytes, ascii)) !== bytes) throw new Error(JSON.stringify(bytes))
  }), { seed: 1 })
  t.end()
})
