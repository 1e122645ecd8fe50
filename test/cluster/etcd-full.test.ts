// etcd without space (NOSPACE): it answers and takes nothing, which is to a provisioner as if it were away, until there is space again.
import t from 'tap'
import { pino } from 'pino'
import { EtcdLeases } from '../../src/cluster/etcd-leases.js'
import { leaseGrace } from '../../src/cluster/lease-grace.js'
import { Presence } from '../../src/cluster/presence.js'
import { assertWritable } from '../../src/cluster/write-test.js'
import { systemClock } from '../../src/base/clock.js'
import type { Lease } from '../../src/dhcp/leases.js'
import { ip, mac, subnet } from '../helpers/dhcp.js'
import { fill, startEtcd } from '../helpers/etcd.js'
import { openState } from '../helpers/shared-state.js'
import { needs, runTool } from '../helpers/tools.js'
import { until } from '../helpers/until.js'

const quiet = pino({ level: 'silent' })
const lease = (last: number, expires: number): Lease =>
  ({ ip: ip(`10.0.0.${last}`), mac: mac(`52:54:00:00:00:${last}`), state: 'bound', since: Date.now(), expires })

t.test('holders keep their addresses for a while, nobody else gets one, and all is written when there is space again', async t => {
  if (!needs(t, 'etcd', 'etcdctl')) return
  const cluster = await startEtcd(t, { args: ['--quota-backend-bytes', String(256 * 1024)] })
  const lines: string[] = []
  const log = pino({}, { write: (line: string) => { lines.push(line) } })
  const state = await openState(t, cluster, { log })
  const presence = new Presence({ etcd: await cluster.client(), state, name: 'p1', version: '1', clock: systemClock, log: quiet })
  await presence.start(() => ({ address: 'http://10.0.0.1:8080', addresses: [] }))
  t.teardown(() => presence.close())
  const leases = new EtcdLeases({ state, subnets: [subnet('10.0.0.0/24').subnet], server: 'p1', now: Date.now, onLease: () => {}, log: quiet, grace: leaseGrace })
  t.teardown(() => leases.close())
  await leases.load(Date.now())
  const propose = async (one: Lease) => await leases.propose({ lease: one, now: Date.now() })
  t.match(await propose(lease(10, Date.now() + 3_600_000)), { kind: 'kept' })

  const other = await cluster.client()
  const put = async (n: number): Promise<unknown> =>
    await other.call('Txn', { compare: [], success: [{ request_put: { key: Buffer.from(`/fill/${n}`), value: Buffer.alloc(16_000, 120) } }], failure: [] })
  await t.rejects(fill(put), { code: 'etcd_full' })
  const takesNothing = async (): Promise<boolean> => await assertWritable(other, '/fleet/').then(() => false, () => true)
  await until('its alarm stands', takesNothing)
  t.equal(state.standing.inStep, true, 'nobody has tried yet')
  // A transaction within a transaction costs nothing by etcd's account, so that leases may be taken for a while longer: that is not relied on.
  await t.rejects(state.transact({ compare: [], success: [{ request_put: { key: state.etcdKey('machines/x'), value: Buffer.alloc(10) } }] }), { code: 'etcd_full' })
  await t.rejects(propose(lease(10, Date.now() + 3_600_000)), { code: 'etcd_away', message: /NOSPACE/ }, 'an hour is too long for a promise')
  t.match(state.standing, { inStep: false, reason: /no space left \(NOSPACE\)/ })
  const now = Date.now()
  const short = leases.promisedUntil(lease(10, 0).ip, lease(10, 0).mac, now, false)!
  t.ok(short > now && short <= now + 600_000)
  t.match(await propose(lease(10, short)), { kind: 'kept' }, 'who has it keeps it')
  await t.rejects(propose(lease(11, short)), { code: 'etcd_away' }, 'nobody else is given any')
  const beats = (await other.call('Range', { key: Buffer.from('/fleet/fleet') })).header.revision
  await state.resync()
  t.equal(state.standing.inStep, false, 'a look at whether there is space finds none')
  t.equal((await other.call('Range', { key: Buffer.from('/fleet/fleet') })).header.revision, beats, 'and changes nothing')
  t.equal(lines.filter(line => line.includes('cluster.away')).length, 1, 'told once')

  const ctl = async (...args: readonly string[]): Promise<string> => {
    const { code, stdout, stderr } = await runTool('etcdctl', ['--endpoints', cluster.endpoints[0]!, ...args], { env: { ...process.env, ETCDCTL_API: '3' } })
    if (code !== 0) throw new Error(stderr)
    return stdout.toString()
  }
  await ctl('del', '--prefix', '/fill/')
  const revision = /"revision":(\d+)/.exec(await ctl('endpoint', 'status', '--write-out', 'json'))![1]!
  await ctl('compact', revision)
  await ctl('defrag')
  await ctl('alarm', 'disarm')
  await until('it is in step again', () => state.standing.inStep)
  await until('what was promised is written', async () => {
    const { kvs: [found] } = await other.call('Range', { key: Buffer.from('/fleet/leases/10.0.0.10') })
    return JSON.parse(found?.value.toString() ?? '{}').expires >= short
  })
  t.match(await propose(lease(11, Date.now() + 60_000)), { kind: 'kept' })
  t.same(presence.present.map(({ name }) => name), ['p1'])
})
