import t from 'tap'
import { createLog } from '../../src/base/log.js'
import { Metrics } from '../../src/base/metrics.js'
import { watchReceiveDrops } from '../../src/wiring/receive-drops.js'
import { FakeClock } from '../helpers/fake-clock.js'
import { logLines } from '../helpers/log-lines.js'

t.test('what the kernel dropped is counted, and told while it goes on', async t => {
  const [clock, metrics, { stream, entries }] = [new FakeClock(), new Metrics(), logLines()]
  const drops = new Map([[67, 5], [9999, 7]])
  let readings = 0
  const closers: Array<() => Promise<void>> = []
  watchReceiveDrops([67, 69], { metrics, clock, log: createLog({ level: 'info', pretty: false, destination: stream }), onClose: close => { closers.push(close) } }, () => {
    readings++
    return new Map(drops)
  })
  const counted = async (): Promise<string[]> => (await metrics.text()).toString().split('\n').filter(line => line.startsWith('udp_receive_dropped_total{'))
  t.same(await counted(), ['udp_receive_dropped_total{port="67"} 5', 'udp_receive_dropped_total{port="69"} 0'])
  t.equal(readings, 1, 'one reading for all that ask at once')
  clock.advance(10_000)
  t.same(entries(), [], 'what was dropped before is no news')
  drops.set(69, 3).set(67, 6)
  clock.advance(9999)
  t.equal(entries().length, 0)
  clock.advance(1)
  t.match(entries(), [{ level: 'warn', msg: 'udp.dropped', port: 67, dropped: 1 }, { port: 69, dropped: 3 }])
  clock.advance(10_000)
  t.equal(entries().length, 2, 'it does not go on')
  drops.set(69, 4)
  clock.advance(1000)
  t.same(await counted(), ['udp_receive_dropped_total{port="67"} 6', 'udp_receive_dropped_total{port="69"} 3'], 'a second old')
  clock.advance(1)
  t.same(await counted(), ['udp_receive_dropped_total{port="67"} 6', 'udp_receive_dropped_total{port="69"} 4'])
  for (const close of closers) await close()
  t.equal(clock.pending, 0)
})
