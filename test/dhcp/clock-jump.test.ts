// A wall clock against one that nobody sets.
import t from 'tap'
import { ClockJump } from '../../src/dhcp/clock-jump.js'

t.test('steps are told, drift and slewing are not', t => {
  const jumps = new ClockJump(1000, 0)
  t.equal(jumps.look(2000, 1000), 0)
  t.equal(jumps.look(3400, 2000), 0, 'NTP slews')
  t.equal(jumps.look(3_604_400, 3000), 3_600_000)
  t.equal(jumps.look(3_605_400, 4000), 0, 'once')
  t.equal(jumps.look(5400, 5000), -3_601_000)
  t.equal(jumps.look(65_400, 65_000), 0, 'a minute in which nothing ran')
  t.end()
})

t.test('five seconds are drift, a millisecond more is not, in either direction', t => {
  for (const [by, told] of [[5000, 0], [5001, 5001], [-5000, 0], [-5001, -5001]] as const) t.equal(new ClockJump(1000, 0).look(2000 + by, 1000), told)
  t.end()
})
