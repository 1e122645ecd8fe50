import t from 'tap'
import { Patience } from '../../src/machines/patience.js'

t.test('a minute before there are finished boots, then three times their median', t => {
  const patience = new Patience()
  t.equal(patience.of(undefined), 60_000)
  t.equal(patience.of('core'), 60_000)
  for (const seconds of [30, 600, 40]) patience.finished('core', seconds * 1000)
  t.equal(patience.of('core'), 120_000, 'the one that took ten minutes does not count for more')
  t.equal(patience.of('other'), 60_000)
  for (let i = 0; i < 100; i++) patience.finished('core', 1000)
  t.equal(patience.of('core'), 10_000, 'the last boots count, and nobody is stuck after a moment')
  t.end()
})

t.test('profiles that somebody makes up are not remembered without end', t => {
  const patience = new Patience()
  for (let i = 0; i < 20_000; i++) patience.finished(`p${i}`, 100_000)
  t.equal(patience.of('p0'), 300_000)
  t.equal(patience.of('p19999'), 60_000)
  t.end()
})
