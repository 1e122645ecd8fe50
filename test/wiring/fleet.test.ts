// The figures of the fleet page: what of the metrics goes into them, and when they are read.
import t from 'tap'
import { Metrics } from '../../src/base/metrics.js'
import { LeaseTable } from '../../src/dhcp/leases.js'
import { watchFleet } from '../../src/wiring/fleet.js'
import { ip, testMac } from '../helpers/dhcp.js'
import { FakeClock } from '../helpers/fake-clock.js'

const turn = (): Promise<void> => new Promise(resolve => { setImmediate(resolve) })

t.test('each minute has what was counted in it', async t => {
  const [clock, metrics, table] = [new FakeClock(), new Metrics(), new LeaseTable()]
  const count = (result: 'finished' | 'disk' | 'failed', times: number): void => { for (let n = 0; n < times; n++) metrics.boots.inc({ profile: `p${n % 2}`, result }) }
  const lease = (n: number, lasts: number): void => { table.set({ ip: ip(`10.0.0.${n}`), mac: testMac, state: 'bound', since: clock.now(), expires: clock.now() + lasts }) }
  count('finished', 2)
  metrics.httpBytes.inc(7)
  lease(1, 60_001)
  lease(2, 60_000)
  const watch = watchFleet({ metrics, leases: { table, store: undefined as never }, clock })
  await turn()
  const last = (): object => {
    const [span] = watch.fleet.spans(clock.now(), 1, 1)
    return { ...span!, from: 0 }
  }
  const none = { from: 0, minutes: 1, finished: 0, disk: 0, failed: 0, octets: 0, resent: 0, leases: 0, mostOctets: 0 }
  t.same(last(), none, 'what was before is of no minute')
  count('finished', 3)
  count('disk', 4)
  count('failed', 5)
  metrics.httpBytes.inc(100)
  metrics.tftpBytes.inc(20)
  metrics.tftpResent.inc(6)
  clock.advance(59_999)
  await turn()
  t.same(last(), none)
  clock.advance(1)
  await turn()
  t.same(last(), { ...none, finished: 3, disk: 4, failed: 5, octets: 120, resent: 6, leases: 1, mostOctets: 120 })
  clock.advance(60_000)
  await turn()
  t.same(last(), none, 'and the next one nothing of it')
  watch.close()
  t.equal(clock.pending, 0)
})
