// Each thing once an hour, and so many in one.
import t from 'tap'
import { fewAnHour } from '../../src/machines/few-an-hour.js'

t.test('each is told once an hour', t => {
  let now = 5
  const isNew = fewAnHour(10, () => now)
  t.same([isNew('a'), isNew('a'), isNew('b')], [true, false, true])
  now += 3_600_000
  t.equal(isNew('a'), false, 'the hour is not over')
  now += 1
  t.same([isNew('a'), isNew('a')], [true, false])
  now += 3_600_000
  t.same([isNew('b'), isNew('a')], [true, false], 'an hour of its own for each')
  t.end()
})

t.test('so many in an hour, and one more when one of them is over', t => {
  let now = 0
  const isNew = fewAnHour(3, () => now)
  for (const key of ['a', 'b', 'c']) {
    t.equal(isNew(key), true)
    now += 1000
  }
  t.same([isNew('d'), isNew('e')], [false, false], 'what is not told is not remembered')
  now = 3_600_001
  t.same([isNew('d'), isNew('e')], [true, false])
  t.equal(fewAnHour(0, () => 0)('a'), false)
  t.end()
})
