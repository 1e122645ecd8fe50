// etcd is restored from a backup that is older than leases which were acknowledged since: they are written down again by who knows of them, and
// nobody is refused for what etcd has forgotten.
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { pino } from 'pino'
import t from 'tap'
import { EtcdLeases } from '../../src/cluster/etcd-leases.js'
import { leaseGrace } from '../../src/cluster/lease-grace.js'
import type { Disposal } from '../../src/dhcp/lease-store.js'
import type { Lease } from '../../src/dhcp/leases.js'
import { ip, mac, subnet } from '../helpers/dhcp.js'
import { startEtcd } from '../helpers/etcd.js'
import { openState } from '../helpers/shared-state.js'
import { findTool, needs } from '../helpers/tools.js'
import { until } from '../helpers/until.js'

const now = Date.now()
const hour = 3_600_000
const lease = (last: number, expires: number, machine = last): Lease =>
  ({ ip: ip(`10.0.0.${last}`), mac: mac(`52:54:00:00:00:${machine}`), state: 'bound', since: now, expires })

t.test('what was acknowledged after the backup is in etcd again, and goes on', async t => {
  if (!needs(t, 'etcd', 'etcdctl')) return
  const cluster = await startEtcd(t)
  const server = async (name: string) => {
    const lines: string[] = []
    const state = await openState(t, cluster, { log: pino({}, { write: (line: string) => { lines.push(line) } }) })
    const leases = new EtcdLeases({ state, subnets: [subnet('10.0.0.0/24').subnet], server: name, now: () => now, onLease: () => {}, log: pino({ level: 'silent' }), grace: leaseGrace })
    t.teardown(() => leases.close())
    await leases.load(now)
    return { state, lines, propose: async (one: Lease): Promise<Disposal> => await leases.propose({ lease: one, now }) }
  }
  const [one, two] = [await server('p1'), await server('p2')]
  await one.propose(lease(10, now + hour))
  await one.propose(lease(11, now + hour))
  const saved = join(t.testdir(), 'saved')
  execFileSync(findTool('etcdctl')!, ['--endpoints', cluster.endpoints[0]!, 'snapshot', 'save', saved], { env: { ...process.env, ETCDCTL_API: '3' }, stdio: 'ignore' })
  for (let n = 1; n <= 3; n++) t.match(await one.propose(lease(10, now + hour + n)), { kind: 'kept' })
  t.match(await two.propose(lease(12, now + hour)), { kind: 'kept' })
  await until('both know all', () => [one, two].every(({ state }) => state.get('leases/10.0.0.12') !== undefined))
  await cluster.members[0]!.restore(saved)
  for (const { state } of [one, two]) await until('it is in step again', () => state.standing.inStep && state.get('fleet')!.revision > 0)
  const other = await cluster.client()
  const kept = async (last: number): Promise<{ readonly expires?: number, readonly mac?: string }> => {
    const { kvs: [found] } = await other.call('Range', { key: Buffer.from(`/fleet/leases/10.0.0.${last}`) })
    return JSON.parse(found?.value.toString() ?? '{}') as { readonly expires?: number, readonly mac?: string }
  }
  await until('the renewals of since are written again', async () => (await kept(10)).expires === now + hour + 3)
  await until('and the lease that the backup did not have', async () => (await kept(12)).mac === lease(12, 0).mac)
  for (const { propose } of [one, two]) {
    t.match(await propose(lease(10, now + 2 * hour)), { kind: 'kept' }, 'renewed')
    t.match(await propose(lease(12, now + 2 * hour, 13)), { kind: 'refused', holder: { mac: lease(12, 0).mac } }, 'nobody else is given it')
  }
  for (const { lines } of [one, two]) t.equal(lines.filter(line => line.includes('cluster.restored')).length, 1, 'told once')
})
