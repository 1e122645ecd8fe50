// Strings of bytes, and how Go quotes them.
import t from 'tap'
import { goQuote } from '../../src/go/quote.js'
import { goBytes, goString, printable } from '../../src/go/string.js'
import { lowerCase } from '../../src/go/unicode.js'

t.test('bytes survive', t => {
  for (const bytes of [Buffer.from('plain \u00e9 \u{1f98a} \ufffd'), Buffer.of(0xff, 0, 0xfe, 0x61), Buffer.of(0xc3), Buffer.of(0xed, 0xa0, 0x80),
    Buffer.from(Array.from({ length: 256 }, (_, i) => i))]) {
    t.same(goBytes(goString(bytes)), bytes)
  }
  t.equal(printable(goString(Buffer.of(0x61, 0xff))), 'a\ufffd')
  t.end()
})

t.test('%q', t => {
  t.equal(goQuote('a"b\\c\td\u0007\u0001\u007f\u00e9\u00a0\u200b\ufeff\u{1f98a}\u{e0001}'),
    '"a\\"b\\\\c\\td\\a\\x01\\x7f\u00e9\\u00a0\\u200b\\ufeff\u{1f98a}\\U000e0001"')
  t.equal(goQuote(goString(Buffer.of(0x61, 0xff))), '"a\\xff"')
  t.end()
})

t.test('lower case', t => {
  t.equal(lowerCase('A\u03a3\u0130'), 'a\u03c3i')
  t.end()
})
