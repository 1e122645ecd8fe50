// Byte strings and their runes.
import t from 'tap'
import fc from 'fast-check'
import { decodeRune, encodeRune, firstRunes, isAlphaNumeric, isPrint, runeCount, toBytes, toText } from '../../../src/go/template/bytes.js'

t.equal(toBytes('é世🚀'), '\xc3\xa9\xe4\xb8\x96\xf0\x9f\x9a\x80')
t.equal(toBytes('\ud800'), '\xef\xbf\xbd', 'a lone surrogate')
t.equal(toText('\xc3\xa9\xff'), 'é\ufffd')

const valid: ReadonlyArray<readonly [string, number]> = [['\0', 0], ['\x7f', 0x7f], ['\u0080', 0x80], ['\u07ff', 0x7ff], ['\u0800', 0x800], ['\ud7ff', 0xd7ff], ['\ue000', 0xe000], ['\uffff', 0xffff], ['\u{10000}', 0x10000], ['\u{10ffff}', 0x10ffff]]
for (const [text, rune] of valid) {
  const bytes = toBytes(text)
  t.strictSame(decodeRune(bytes + 'x', 0), { rune, width: bytes.length }, rune.toString(16))
  t.equal(encodeRune(rune), bytes)
}

const broken = ['\x80', '\xc0\x80', '\xc1\xbf', '\xc3', '\xe0\x80\x80', '\xe4\xb8', '\xed\xa0\x80', '\xf0\x80\x80\x80', '\xf4\x90\x80\x80', '\xf5\x80\x80\x80', '\xff', '\xc3x']
for (const bytes of broken) t.strictSame(decodeRune(bytes, 0), { rune: 0xfffd, width: 1 }, JSON.stringify(bytes))

for (const rune of [-1, 0xd800, 0xdfff, 0x110000]) t.equal(encodeRune(rune), '\xef\xbf\xbd', 'no such rune')

t.test('decoding agrees with Node for any bytes', t => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 12 }), data => {
    const bytes = Buffer.from(data).toString('latin1')
    let runes = ''
    let at = 0
    for (; at < bytes.length; at += decodeRune(bytes, at).width) runes += String.fromCodePoint(decodeRune(bytes, at).rune)
    // Node replaces the longest broken prefix of a sequence by one U+FFFD, Go each byte of it.
    const squeezed = (text: string): string => text.replace(/\ufffd+/g, '\ufffd')
    const same = at === bytes.length && squeezed(runes) === squeezed(toText(bytes))
    if (!same || runeCount(bytes) !== [...runes].length) throw new Error(JSON.stringify(bytes))
  }), { seed: 1 })
  t.end()
})

t.equal(runeCount('abc'), 3)
t.equal(firstRunes(toBytes('日本'), 1), toBytes('日'))
t.equal(firstRunes('ab', 9), 'ab')
const prints = [
  [0x20, true], [0x7e, true], [0x7f, false], [0x1f, false], [0xa0, false], [0xad, false], [0xe9, true],
  [0x2028, false], [0x3000, false], [0xfffd, true], [0xe000, false], [0x1f680, true], [0x378, false], [0xd800, false]
] as const
for (const [rune, shown] of prints) t.equal(isPrint(rune), shown, rune.toString(16))
const words = [
  [0x5f, true], [0x41, true], [0x7a, true], [0x39, true], [0x2d, false], [0xe9, true], [0x660, true],
  [0xb2, false], [0x2160, false], [0xfffd, false], [0x24, false]
] as const
for (const [rune, is] of words) t.equal(isAlphaNumeric(rune), is, rune.toString(16))
