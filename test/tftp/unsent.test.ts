// Of what the kernel refuses one word a minute.
import t from 'tap'
import { UnsentNews } from '../../src/tftp/unsent.js'

t.test('the first, and one a minute, whatever the clock does', t => {
  const news = new UnsentNews()
  t.same([1000, 1000, 60_999, 61_000, 61_001].map(now => news.isNews(now)), [true, false, false, true, false])
  t.same([1000, 1001].map(now => news.isNews(now)), [true, false], 'it was set back')
  t.end()
})
