// data: URLs, written as the translators write them and read as Ignition reads them.
import t from 'tap'
import { base64DataUrl, percentDataUrl, readDataUrl } from '../../src/ignition/data-url.js'

t.test('written', t => {
  const all = Buffer.from(Array.from({ length: 256 }, (_, i) => i))
  t.equal(percentDataUrl("a-_.!~*'()/ %\n\u00e9"), "data:,a-_.!~*'()%2F%20%25%0A%C3%A9")
  t.equal(base64DataUrl('hi'), 'data:;base64,aGk=')
  for (const url of [percentDataUrl(all), base64DataUrl(all)]) t.same(readDataUrl(url), { ok: true, data: all })
  t.end()
})

t.test('read', t => {
  const good: ReadonlyArray<readonly [url: string, data: string]> = [
    ['data:,', ''], ['data:,a%20b', 'a b'], ['data:text/plain,x', 'x'], ['data:text/plain;charset=utf-8;base64,QUJD', 'ABC'],
    ['data:;a="b\\"c",x', 'x'], ['data:x-own/y,z', 'z'], ['data:;base64,', '']
  ]
  for (const [url, data] of good) t.same(readDataUrl(url), { ok: true, data: Buffer.from(data) }, url)
  const bad: ReadonlyArray<readonly [url: string, problem: string]> = [
    ['date:,', 'missing data prefix'],
    ['data:', 'missing comma before data'],
    ['data:text', 'missing media type slash'],
    ['data:te xt/plain,', 'invalid character for media type'],
    ['data:nope/x,', 'invalid media type'],
    ['data:text/plain', 'incomplete media type'],
    ['data:;,', 'unterminated parameter sequence'],
    ['data:;base32,x', 'expected base64, got base32'],
    ['data:;a="b,', 'unclosed quoted string'],
    ['data:;a="b\\",', 'unclosed quoted string'],
    ['data:;a="b\\', 'unclosed quoted string'],
    ['data:;a="\u00e9",', 'unclosed quoted string'],
    ['data:;a="\\\u00e9",', 'unclosed quoted string'],
    ['data:;a="b"c,', 'expected semicolon or comma'],
    ['data:;a="', 'unclosed quoted string'],
    ['data:,a b', 'invalid data character'],
    ['data:,%zz', 'rfc2396: invalid char 0x25 in unescape sequence'],
    ['data:,%4', 'rfc2396: unexpected end of unescape sequence'],
    ['data:;base64,QQ', 'illegal base64 data at input byte 0'],
    ['data:;base64,QUI=x', 'illegal base64 data at input byte 4'],
    ['data:;base64,Q===', 'illegal base64 data at input byte 1'],
    ['data:;base64,Q-==', 'invalid data character']
  ]
  for (const [url, problem] of bad) t.same(readDataUrl(url), { ok: false, problem }, url)
  for (const part of ['b', '\\b']) t.match(readDataUrl(`data:;a="${part.repeat(8_000_000)}",x`), { ok: true }, 'as long a parameter as there is room for')
  t.end()
})
