// Counts and times by labels are told as prom-client tells its own.
import { Counter, Histogram, Registry } from 'prom-client'
import t from 'tap'
import { LabelCounts, LabelTimes } from '../../src/base/label-counts.js'

t.test('counts', async t => {
  const [ours, theirs] = [new Registry(), new Registry()]
  const options = { name: 'boots_total', help: 'Boots', labelNames: ['profile', 'result'] } as const
  const [tally, counter] = [new LabelCounts(ours, options), new Counter({ ...options, registers: [theirs] })]
  t.equal(await ours.metrics(), await theirs.metrics(), 'of nothing')
  for (const [profile, result, count] of [['a', 'ok', undefined], ['a', 'failed', 2], ['b "c"\n\\', 'ok', 1], ['a', 'ok', 3], ['ok', 'a', 0.5]] as const) {
    tally.inc({ profile, result }, count)
    counter.inc({ profile, result }, count)
  }
  t.equal(await ours.metrics(), await theirs.metrics())
  t.equal(await ours.metrics(), await theirs.metrics(), 'and as often as somebody reads them')
  t.same(tally.counts.find(([{ profile, result }]) => profile === 'a' && result === 'ok')?.[1], { count: 4 })
})

t.test('a label may be a number', async t => {
  const registry = new Registry()
  const tally = new LabelCounts(registry, { name: 'requests_total', help: 'Requests', labelNames: ['status'] })
  tally.inc({ status: 200 })
  tally.inc({ status: 404 })
  tally.inc({ status: 200 })
  t.match(await registry.metrics(), /^requests_total\{status="200"\} 2\nrequests_total\{status="404"\} 1$/m)
})

t.test('times', async t => {
  const [ours, theirs] = [new Registry(), new Registry()]
  const options = { name: 'seconds', help: 'Seconds', labelNames: ['kind'], buckets: [0.001, 0.01, 1] } as const
  const [times, histogram] = [new LabelTimes(ours, options), new Histogram({ ...options, buckets: [...options.buckets], registers: [theirs] })]
  t.equal(await ours.metrics(), await theirs.metrics(), 'of nothing')
  for (const [kind, seconds] of [['a', 0], ['a', 0.001], ['b', 0.0011], ['a', 1], ['a', 1.5], ['b', 0.01]] as const) {
    times.observe({ kind }, seconds)
    histogram.observe({ kind }, seconds)
  }
  t.equal(await ours.metrics(), await theirs.metrics())
})
