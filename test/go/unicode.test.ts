// Characters as Go has them.
import t from 'tap'
import { isAlphaNumeric } from '../../src/go/template/lex.js'
import { isPrint, isSpace, lowerCase, trimSpace, trimSpaceRight, upperCase } from '../../src/go/unicode.js'

t.test('what shows', t => {
  const prints = [
    [0x20, true], [0x7e, true], [0x7f, false], [0x1f, false], [0xa0, false], [0xad, false], [0xe9, true],
    [0x2028, false], [0x3000, false], [0xfffd, true], [0xe000, false], [0x1f680, true], [0x378, false], [0xd800, false]
  ] as const
  for (const [rune, shown] of prints) t.equal(isPrint(rune), shown, rune.toString(16))
  t.end()
})

t.test('what an identifier is made of', t => {
  const words = [
    [0x5f, true], [0x41, true], [0x7a, true], [0x39, true], [0x2d, false], [0xe9, true], [0x660, true],
    [0xb2, false], [0x2160, false], [0xfffd, false], [0x24, false]
  ] as const
  for (const [rune, is] of words) t.equal(isAlphaNumeric(rune), is, rune.toString(16))
  t.end()
})

t.test('white space', t => {
  for (const character of '\t\n\v\f\r \x85\xa0\u1680\u2000\u200a\u2028\u2029\u202f\u205f\u3000') t.ok(isSpace(character))
  for (const character of ['\ufeff', '\u200b', '\x1c', 'a', '']) t.notOk(isSpace(character), JSON.stringify(character))
  t.equal(trimSpace(' \u3000a b\x85\n'), 'a b')
  t.equal(trimSpace(' \t'), '')
  t.equal(trimSpaceRight(' \ufeffa\xa0'), ' \ufeffa')
  t.end()
})

t.test('case', t => {
  t.equal(lowerCase('A\u03a3\u0130'), 'a\u03c3i', 'no sigma is a final one')
  t.equal(upperCase('\u00df\u1f80\u1fb3'), '\u00df\u1f88\u1fbc')
  t.equal(lowerCase('\udcff\u00c9'), '\ufffd\u00e9', 'a byte that is not UTF-8')
  t.end()
})
