// The leases of the service: kept over a restart, counted by what is in force, and of the same length after the clock was set.
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { createLog } from '../../src/base/log.js'
import { Metrics } from '../../src/base/metrics.js'
import { loadConfig } from '../../src/config/load.js'
import { type Lease, LeaseTable } from '../../src/dhcp/leases.js'
import { parseIpv4 } from '../../src/net/ipv4.js'
import { keepLeases } from '../../src/wiring/lease-upkeep.js'
import { openLeases } from '../../src/wiring/leases.js'
import { mac } from '../helpers/dhcp.js'
import { FakeClock } from '../helpers/fake-clock.js'
import { logLines } from '../helpers/log-lines.js'
import { until } from '../helpers/until.js'

const clock = new FakeClock()
const log = createLog({ level: 'error', pretty: false, destination: logLines().stream })
const lease = (n: number, state: Lease['state'], lasts: number): Lease =>
  ({ ip: parseIpv4(`10.0.0.${n}`)!, mac: mac(`52:54:00:00:00:0${n % 10}`), state, since: clock.now(), expires: clock.now() + lasts })

async function opened (t: Test, ...set: readonly string[]) {
  const { config } = loadConfig({
    file: undefined, defaultFile: '/nowhere', env: {}, set: [`state_path=${t.testdirName}`, 'dhcp.interface=lo', 'dhcp.subnets=[{ subnet: 10.0.0.0/24, range: 10.0.0.10-10.0.0.19 }, { subnet: 10.0.1.0/24 }]', ...set]
  })
  const closers: Array<() => Promise<void>> = []
  const metrics = new Metrics()
  const leases = await openLeases({ config, clock, log, metrics, onClose: closer => { closers.push(closer) }, openShared: undefined })
  const counted = async (): Promise<readonly string[]> => (await metrics.text()).toString().split('\n').filter(line => /^dhcp_(?:leases|range)/.test(line))
  return { ...leases, counted, close: async () => { for (const closer of closers) await closer() } }
}

t.test('what was acknowledged is there after a restart; in proxy mode nothing is kept', async t => {
  const folder = t.testdir()
  const file = join(folder, 'leases.jsonl')
  const proxy = await opened(t, 'dhcp.mode=proxy')
  t.same([clock.pending, proxy.table.size, await proxy.counted()], [0, 0, []])
  await proxy.close()
  t.notOk(existsSync(file))

  const first = await opened(t, 'dhcp.mode=server')
  t.same(await first.store.propose({ lease: lease(11, 'bound', 60_000), now: clock.now() }), { kind: 'kept' })
  await first.close()
  t.equal(clock.pending, 0)
  const second = await opened(t, 'dhcp.mode=server')
  t.match([...second.table.values()], [lease(11, 'bound', 60_000)])
  rmSync(file)
  clock.advance(5000)
  await until('a file that was removed is written again', () => existsSync(file) && readFileSync(file, 'utf8').includes('52:54:00:00:00:01'))
  await second.close()
})

t.test('what is counted: leases in force, and of each range what is taken', async t => {
  t.testdir()
  const { table, counted, close } = await opened(t, 'dhcp.mode=server')
  t.same(await counted(), ['dhcp_leases 0', 'dhcp_range_addresses{subnet="10.0.0.0/24"} 10', 'dhcp_range_used{subnet="10.0.0.0/24"} 0'])
  for (const [n, state, lasts] of [[10, 'bound', 60_000], [19, 'offered', 60_000], [12, 'declined', 60_000], [13, 'bound', 0], [14, 'released', 60_000], [9, 'bound', 60_000], [20, 'bound', 60_000]] as const) {
    table.set(lease(n, state, lasts))
  }
  t.same(await counted(), ['dhcp_leases 5', 'dhcp_range_addresses{subnet="10.0.0.0/24"} 10', 'dhcp_range_used{subnet="10.0.0.0/24"} 3'])
  await close()
})

t.test('a clock that is set moves the leases with it; one that only goes on moves none', t => {
  const wall = new FakeClock()
  const { stream, entries } = logLines()
  const leases = new LeaseTable()
  const [began, length] = [wall.now(), 3_600_000]
  leases.set({ ...lease(11, 'bound', 0), since: began, expires: began + length })
  let [steady, set, rewritten, verified] = [0, 0, 0, 0]
  let close = async (): Promise<void> => {}
  const file = { rewrite: async () => { rewritten++ }, verify: async () => { verified++ } }
  // The timers go by the clock that nobody sets; what it shows may be another time.
  const clock = { now: () => wall.now() + set, after: wall.after, every: wall.every }
  keepLeases({ clock, log: createLog({ level: 'info', pretty: false, destination: stream }), leases, onClose: closer => { close = closer } }, file, () => steady)
  const goOn = (milliseconds: number): void => {
    for (let n = 0; n < milliseconds; n += 1000) {
      steady += 1000
      wall.advance(1000)
    }
  }
  goOn(60_000)
  t.same([leases.get(parseIpv4('10.0.0.11')!)?.expires, rewritten, verified], [began + length, 0, 12])
  set = 10 * 365 * 86_400_000
  goOn(1000)
  t.equal(leases.get(parseIpv4('10.0.0.11')!)?.expires, began + length + set)
  t.match(entries(), [{ msg: 'clock.set', seconds: set / 1000, leases: 1 }])
  t.equal(rewritten, 1)
  set = 0
  goOn(1000)
  t.match(leases.get(parseIpv4('10.0.0.11')!), { since: began, expires: began + length })
  t.equal(rewritten, 2)
  close().then(() => {
    t.equal(wall.pending, 0)
    t.end()
  }, t.threw)
})

t.test('what fails while leases are looked after is told, and the next look is made', async t => {
  const wall = new FakeClock()
  const { stream, entries } = logLines()
  const failing = (why: string) => async (): Promise<void> => { throw new Error(why) }
  let set = 0
  const clock = { now: () => wall.now() + set, after: wall.after, every: wall.every }
  keepLeases({ clock, log: createLog({ level: 'error', pretty: false, destination: stream }), leases: new LeaseTable(), onClose: () => {} }, { rewrite: failing('no space left'), verify: failing('no such folder') }, () => 0)
  const told = (): unknown => entries().map(({ msg, error }) => `${msg} ${error}`)
  wall.advance(5000)
  await until('verify is told', () => entries().length === 1)
  t.same(told(), ['lease.upkeep no such folder'])
  set = 86_400_000
  wall.advance(1000)
  await until('rewrite is told', () => entries().length === 2)
  wall.advance(4000)
  await until('and the next', () => entries().length === 3)
  t.same(told(), ['lease.upkeep no such folder', 'lease.upkeep no space left', 'lease.upkeep no such folder'])
})
