import t from 'tap'
import { ownText, ownTextOf, shortWhole } from '../../src/base/own-text.js'

t.test('the same text, whatever is in it', async t => {
  for (const text of ['', 'a', 'naïve ÿ\0', 'Ключ 鍵', '\udcff\ud800 lone', '😀'.repeat(10)]) t.equal(ownText(text), text)
  t.equal(ownTextOf('x'.repeat(shortWhole), 'Ключ'), 'Ключ')
  t.equal(ownTextOf('x'.repeat(shortWhole + 1), 'Ключ'), 'Ключ')
})
