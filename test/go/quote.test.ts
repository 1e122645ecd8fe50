// strconv's quoted literals.
import t from 'tap'
import fc from 'fast-check'
import { goString } from '../../src/go/string.js'
import { canBackquote, goQuote, quoteRune, unquote, unquoteChar } from '../../src/go/quote.js'

t.equal(goQuote('a"b\\c\'é☺🚀'), '"a\\"b\\\\c\'é☺🚀"')
t.equal(goQuote('\x07\b\f\n\r\t\v\0\x1b\x7f'), '"\\a\\b\\f\\n\\r\\t\\v\\x00\\x1b\\x7f"')
t.equal(goQuote('\udcff\udcc3'), '"\\xff\\xc3"')
t.equal(goQuote('\u200b\u0085\u{e0001}\ufffd'), '"\\u200b\\u0085\\U000e0001\ufffd"')
t.equal(goQuote('é🚀\ufffd', true), '"\\u00e9\\U0001f680\\ufffd"')
t.equal(quoteRune(0x27), "'\\''")
t.equal(quoteRune(0x22), "'\"'")
t.equal(quoteRune(0xd800), "'\ufffd'")

for (const [text, can] of [['a\tb', true], ['a\nb', false], ['`', false], ['\x7f', false], ['\udcff', false], ['é', true], ['\ufeff', false]] as const) t.equal(canBackquote(text), can, JSON.stringify(text))

const literals: ReadonlyArray<readonly [literal: string, value: string | undefined]> = [
  ['""', ''], ['"a\\n\\x41\\101\\u00e9\\U0001F680\\""', 'a\nAAé🚀"'], ['"\\xff\\377"', '\udcff\udcff'], ['"\udcff"', '\ufffd'], ['"\\xc3\\xa9"', 'é'], ["\"'\"", "'"],
  ["\"\\'\"", undefined], ['"\\400"', undefined], ['"\\8"', undefined], ['"\\x4"', undefined], ['"\\xzz"', undefined], ['"\\ud800"', undefined], ['"\\U00110000"', undefined], ['"\\q"', undefined],
  ['"\\a\\b\\f\\n\\r\\t\\v\\\\"', '\x07\b\f\n\r\t\v\\'],
  ['``', ''], ['`a\\n\udcff`', 'a\\n\udcff'], ['`a\r\nb\r`', 'a\nb']
]
for (const [literal, value] of literals) t.equal(unquote(literal), value, JSON.stringify(literal))
t.equal(unquoteChar("'", 0, "'"), undefined)

t.test('what is quoted reads back', t => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 20 }), fc.boolean(), (data, ascii) => {
    const bytes = goString(data)
    if (unquote(goQuote(bytes, ascii)) !== bytes) throw new Error(JSON.stringify(bytes))
  }), { seed: 1 })
  t.end()
})

t.test('%q of long texts', t => {
  t.equal(goQuote('a"b\\c\td\u0007\u0001\u007f\u00e9\u00a0\u200b\ufeff\u{1f98a}\u{e0001}'),
    '"a\\"b\\\\c\\td\\a\\x01\\x7f\u00e9\\u00a0\\u200b\\ufeff\u{1f98a}\\U000e0001"')
  t.equal(goQuote(goString(Buffer.of(0x61, 0xff))), '"a\\xff"')
  t.end()
})
