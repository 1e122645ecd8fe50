// Looks at the event loop, with a clock, a steady time and a processor that are the test's.
import t from 'tap'
import { watchEventLoop } from '../../src/base/event-loop.js'
import { Metrics } from '../../src/base/metrics.js'
import { FakeClock } from '../helpers/fake-clock.js'

t.test('what held the loop is told in full, and for each that waited meanwhile', async t => {
  const [metrics, clock] = [new Metrics(), new FakeClock()]
  let [now, computed] = [5000, 7]
  const unwatch = watchEventLoop(metrics, clock, () => computed, () => now)
  /** One look, so many milliseconds after the one before, in which the program computed for `seconds`. */
  const look = (milliseconds: number, seconds = 0): void => {
    now += milliseconds
    computed += seconds
    clock.advance(10)
  }
  const figures = async (): Promise<Readonly<Record<string, number>>> =>
    Object.fromEntries([...(await metrics.text()).toString().matchAll(/^event_loop_(\w+(?:\{le="[\d.]+"\})?) (\S+)$/gm)].map(([, name = '', value]) => [name, Number(value)]))

  look(10, 0.01)
  t.match(await figures(), { delay_seconds_count: 1, delay_seconds_sum: 0, cpu_max_seconds: 0, seconds_total: 0, held_seconds_total: 0, delay_max_seconds: 0 })
  look(5)
  t.match(await figures(), { delay_seconds_count: 2, delay_seconds_sum: 0 }, 'a look that comes early waited for nothing')
  look(10 + 60, 0.05)
  const held = await figures()
  t.match(held, { delay_seconds_count: 2 + 6, 'delay_seconds_bucket{le="0.05"}': 2 + 5, seconds_total: 0 })
  t.equal(Math.round(held['delay_seconds_sum']! * 1000), 60 + 50 + 40 + 30 + 20 + 10)
  t.equal(Math.round(held['cpu_max_seconds']! * 1000), 40)
  for (let n = 3; n < 100; n++) look(10, 0.001)
  t.match(await figures(), { seconds_total: 1, held_seconds_total: 1, delay_max_seconds: 0.06 })
  look(10 + 50)
  for (let n = 1; n < 100; n++) look(10)
  t.match(await figures(), { seconds_total: 2, held_seconds_total: 1, delay_max_seconds: 0.06 }, 'what takes 50 ms is not too long')
  const before = (await figures())['delay_seconds_count']!
  look(10 + 20_000)
  t.equal((await figures())['delay_seconds_count']! - before, 1000, 'a machine that slept')
  for (let n = 1; n < 100; n++) look(10)
  t.match(await figures(), { seconds_total: 3, held_seconds_total: 2, delay_max_seconds: 20 })
  unwatch()
  t.equal(clock.pending, 0)
})
