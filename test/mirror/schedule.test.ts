import t from 'tap'
import { Schedule } from '../../src/mirror/schedule.js'
import { FakeClock } from '../helpers/fake-clock.js'

const day = 86_400_000
const minute = 60_000

t.test('at once, then every interval give or take, sooner after failures', async t => {
  const clock = new FakeClock()
  const began = clock.now()
  const times: number[] = []
  let good = true
  const schedule = new Schedule({
    interval: day, last: undefined, clock, random: () => 0.5, run: async () => { times.push(clock.now() - began); return good }
  })
  const until = async (milliseconds: number): Promise<void> => {
    clock.advance(milliseconds)
    await new Promise(setImmediate)
  }
  await until(0)
  t.same(times, [0])
  await until(day + 5 * minute - 1)
  t.same(times.length, 1, 'ten minutes at most, half of them by chance')
  good = false
  await until(1)
  for (const wait of [5, 10, 20]) await until((wait + 5) * minute)
  t.same(times.slice(1).map(time => Math.round((time - day) / minute)), [5, 15, 30, 55])
  await schedule.close()
  t.equal(clock.pending, 0)
})

t.test('a restart does not ask again before its time', async t => {
  const clock = new FakeClock()
  let runs = 0
  const schedule = new Schedule({ interval: day, last: clock.now() - day / 2, clock, random: () => 0, run: async () => { runs++; return true } })
  clock.advance(day / 2 - 1)
  t.equal(runs, 0)
  clock.advance(1)
  t.equal(runs, 1)
  await schedule.close()
})
