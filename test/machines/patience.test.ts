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

t.test('the last 21 boots count, and of these the one in the middle', t => {
  for (const [boots, seconds] of [[[20], 60], [[20, 40], 120], [[20, 40, 60], 120], [[20, 40, 60, 80], 180], [[80, 20, 60, 40, 100], 180]] as const) {
    const patience = new Patience()
    for (const boot of boots) patience.finished('p', boot * 1000)
    t.equal(patience.of('p'), seconds * 1000, boots.join())
  }
  const patience = new Patience()
  for (let n = 0; n < 11; n++) patience.finished('p', 20_000)
  for (let n = 0; n < 10; n++) patience.finished('p', 40_000)
  t.equal(patience.of('p'), 60_000, 'eleven of twenty-one')
  patience.finished('p', 40_000)
  t.equal(patience.of('p'), 120_000, 'the first of them is forgotten')
  t.end()
})

t.test('ten thousand profiles, and no more', t => {
  const patience = new Patience()
  for (let n = 0; n <= 10_000; n++) patience.finished(`p${n}`, 100_000)
  t.same([patience.of('p9999'), patience.of('p10000')], [300_000, 60_000])
  patience.finished('p0', 200_000)
  t.equal(patience.of('p0'), 600_000, 'of those that are there boots count still')
  t.end()
})
