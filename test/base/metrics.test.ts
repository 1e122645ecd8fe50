import t from 'tap'
import { Metrics } from '../../src/base/metrics.js'

t.test('what others keep is asked for when metrics are read, each time anew', async t => {
  const metrics = new Metrics()
  const lines = async (): Promise<string[]> => (await metrics.text()).toString().split('\n').filter(line => line.startsWith('test_') || line === 'ready')
  let count = 3
  let counts: Array<readonly [string, number]> = [['a', 1], ['b', 2]]
  metrics.gauge('test_gauge', 'g', () => count)
  metrics.counter('test_total', 'c', () => count)
  metrics.counters('test_each_total', 'e', 'what', () => counts)
  metrics.gauges('test_now', 'n', 'what', () => counts)
  metrics.add(() => Buffer.from('ready'))
  t.same(await lines(), ['test_gauge 3', 'test_total 3', 'test_each_total{what="a"} 1', 'test_each_total{what="b"} 2', 'test_now{what="a"} 1', 'test_now{what="b"} 2', 'ready'])
  count = 5
  counts = [['b', 4]]
  t.same(await lines(), ['test_gauge 5', 'test_total 5', 'test_each_total{what="b"} 4', 'test_now{what="b"} 4', 'ready'], 'what there is no more is not told')
  const reloads = metrics.tlsReloads('https')
  t.equal(metrics.tlsReloads('https'), reloads, 'one for each listener')
  t.not(metrics.tlsReloads('rpc'), reloads)
  reloads.inc({ result: 'ok' })
  t.match((await metrics.text()).toString(), /^https_certificate_reloads_total\{result="ok"\} 1$/m)
})
