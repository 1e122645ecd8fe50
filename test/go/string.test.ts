// Strings of bytes, and the characters in them.
import { isUtf8 } from 'node:buffer'
import fc from 'fast-check'
import t, { type Test } from 'tap'
import {
  byteAt, byteLength, byteSlice, compareStrings, firstRunes, goBytes, goString, goStringOfLatin1, joined, printable, runeCount, runeOf, stringOfByte,
  stringOfRune, utf8Width
} from '../../src/go/string.js'

const anyBytes = fc.oneof(
  fc.uint8Array({ maxLength: 12 }),
  fc.array(fc.constantFrom('a', 'é', '世', '🚀', '\ufffd', '\ufeff'), { maxLength: 4 }).map(parts => Buffer.from(parts.join(''))),
  fc.array(fc.constantFrom(0x61, 0xc3, 0xa9, 0xe4, 0xb8, 0x96, 0xed, 0xa0, 0xf0, 0x9f, 0x9a, 0x80), { maxLength: 8 }).map(parts => Buffer.from(parts))
)
const check = (t: Test, property: (bytes: Buffer, other: Buffer) => boolean): void => {
  fc.assert(fc.property(anyBytes, anyBytes, (a, b) => property(Buffer.from(a), Buffer.from(b))), { seed: 1, numRuns: 500 })
  t.end()
}

t.test('bytes survive', t => {
  for (const bytes of [Buffer.from('plain \u00e9 \u{1f98a} \ufffd'), Buffer.of(0xff, 0, 0xfe, 0x61), Buffer.of(0xc3), Buffer.of(0xed, 0xa0, 0x80),
    Buffer.from(Array.from({ length: 256 }, (_, i) => i))]) {
    t.same(goBytes(goString(bytes)), bytes)
    t.equal(goStringOfLatin1(bytes.toString('latin1')), goString(bytes))
  }
  t.equal(printable(goString(Buffer.of(0x61, 0xff))), 'a\ufffd')
  t.equal(goString(new Uint8Array([1, 0xff, 3]).subarray(1, 2)), '\udcff', 'a part of an array')
  t.end()
})

t.test('any bytes survive', t => check(t, bytes => goBytes(goString(bytes)).equals(bytes)))
t.test('one string for the same bytes, however they were put together', t => check(t, (a, b) =>
  joined(goString(a) + goString(b)) === goString(Buffer.concat([a, b]))))
t.test('lengths and places are those of the bytes', t => check(t, (bytes, { length }) => {
  const text = goString(bytes)
  return byteLength(text) === bytes.length && byteAt(text, length) === bytes[length] &&
    goBytes(byteSlice(text, length, 7)).equals(bytes.subarray(length, 7))
}))
t.test('the order is that of the bytes', t => check(t, (a, b) =>
  Math.sign(compareStrings(goString(a), goString(b))) === Buffer.compare(a, b)))
t.test('a character is what the whole text has there', t => check(t, bytes => {
  const text = goString(bytes)
  const runes = [...text].map(runeOf)
  // Node replaces the longest broken prefix of a sequence by one U+FFFD, Go each byte of it.
  const squeezed = (text: string): string => text.replace(/\ufffd+/g, '\ufffd')
  return runeCount(text) === runes.length && squeezed(runes.map(stringOfRune).join('')) === squeezed(bytes.toString('utf8'))
}))

t.test('the width of a character', t => {
  for (const text of ['\0', '\x7f', '\u0080', '\u07ff', '\u0800', '\ud7ff', '\ue000', '\uffff', '\u{10000}', '\u{10ffff}']) {
    t.equal(utf8Width(Buffer.from(`${text}x`), 0), Buffer.byteLength(text), JSON.stringify(text))
  }
  for (const bytes of ['80', 'c080', 'c1bf', 'c3', 'e08080', 'e4b8', 'eda080', 'f0808080', 'f4908080', 'f5808080', 'ff', 'c378']) {
    t.equal(utf8Width(Buffer.from(bytes, 'hex'), 0), 0, bytes)
    t.notOk(isUtf8(Buffer.from(bytes, 'hex')))
  }
  t.equal(utf8Width(Buffer.alloc(0), 0), 0)
  t.end()
})

t.test('single characters', t => {
  t.equal(stringOfByte(0x41), 'A')
  t.equal(joined(stringOfByte(0xc3) + stringOfByte(0xa9)), 'é')
  t.equal(runeOf(stringOfByte(0x80)), 0xfffd)
  for (const rune of [-1, 0xd800, 0xdfff, 0x110000]) t.equal(stringOfRune(rune), '\ufffd', 'no such rune')
  t.equal(firstRunes('日本', 1), '日')
  t.equal(firstRunes('🚀🚀', 1), '🚀')
  t.equal(firstRunes('ab', 9), 'ab')
  t.equal(firstRunes('ab', 0), '')
  // In UTF-16 a pair comes before what UTF-8 has before it, and its second half may alone differ.
  for (const [a, b] of [['', 'a'], ['a', 'b'], ['a', 'aa'], ['\uffff', '🚀'], ['🚀', '🚁'], ['a🚀', 'a🚁'], ['🚀b', '🚁a'], ['\ue000', '\u{10000}'], ['\ud7ff', '🚀'], ['\ud7ff', '\ue000'], ['🚀', '🚀a'], ['\u{1f680}\uffff', '\u{1f681}']] as const) {
    t.same([compareStrings(a, b) < 0, compareStrings(b, a) > 0, compareStrings(a, a)], [true, true, 0], `${a} ${b}`)
  }
  t.end()
})
