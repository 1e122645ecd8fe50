import t from 'tap'
import { canonicalText } from '../../src/go/canonical-text.js'

t.test('line ends', async t => {
  const table = [
    ['', ''], ['a', 'a'], ['a\n', 'a\r\n'], ['a\r\nb\n', 'a\r\nb\r\n'], ['\n\n', '\r\n\r\n'], ['a\rb\n', 'a\rb\r\n'], ['a\r', 'a\r'],
    // Go's hash takes the octet after any CR for the end of a line.
    ['a\r\r\n', 'a\r\r\r\n'], ['\r\r\r\n', '\r\r\r\n']
  ] as const
  for (const [content, canonical] of table) t.equal(canonicalText(Buffer.from(content)).toString(), canonical, JSON.stringify(content))
})
