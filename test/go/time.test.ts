// Times and durations.
import t from 'tap'
import { isDuration, unixTime } from '../../src/go/time.js'

t.test('times', t => {
  const noon = { year: 2024, month: 2, day: 29, hour: 12, minute: 0, second: 0 }
  t.equal(unixTime(noon), Date.UTC(2024, 1, 29, 12) / 1000)
  t.equal(unixTime({ ...noon, year: 50 }), undefined, 'no leap year')
  t.equal(unixTime({ ...noon, year: 4, hour: 0 }), new Date('0004-02-29T00:00:00Z').getTime() / 1000, 'the first century')
  for (const wrong of [{ year: 2023 }, { month: 0 }, { month: 13 }, { day: 0 }, { day: 30 }, { hour: 24 }, { minute: 60 }, { second: 60 }]) {
    t.equal(unixTime({ ...noon, ...wrong }), undefined, JSON.stringify(wrong))
  }
  t.end()
})

t.test('durations', t => {
  for (const text of ['0', '-0', '1h', '2h15m', '.5s', '1.s', '+3µs', '1.5h3ms7ns', '2562047h47m16s']) t.ok(isDuration(text), text)
  for (const text of ['', '1', '1d', 'h', '.s', '1h ', '--1s', '1e3s', '2562048h']) t.notOk(isDuration(text), text)
  t.end()
})
