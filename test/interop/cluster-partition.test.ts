// A provisioner that is cut off from etcd by packets that vanish, with clocks that are 90 seconds off and a compaction meanwhile: what was
// acknowledged on the wire is no address of two machines, and nobody is told NAK.
import t from 'tap'
import { addressIn, clusterNetwork, holdersIn, told } from '../helpers/cluster-network.js'
import { namespaceProblem, type NetworkNamespace } from '../helpers/netns.js'
import { until } from '../helpers/until.js'
import { able, needs } from '../helpers/tools.js'

/** Addresses that lead to nobody: what is sent there vanishes, and nothing is refused. */
const vanish = (from: NetworkNamespace, to: string): void => { from.ip('neigh', 'replace', to, 'lladdr', '02:00:00:00:00:99', 'dev', 'eth0', 'nud', 'permanent') }
const appear = (from: NetworkNamespace, to: string): void => { from.ip('neigh', 'del', to, 'dev', 'eth0') }

t.test('a partition, clocks apart, a compaction meanwhile: holders keep theirs, no address twice, no NAK', async t => {
  if (!able(t, namespaceProblem()) || !needs(t, 'etcd', 'etcdctl', 'udhcpc', 'tcpdump', 'faketime')) return
  const { machine, ask, provisioners, etcd, captured } = await clusterNetwork(t, [0, 90, -90])
  const programs = [await provisioners[0]!.start(), ...await Promise.all(provisioners.slice(1).map(({ start }) => start()))]
  const metrics = (place: NetworkNamespace): string => place.exec('curl', '-s', 'http://127.0.0.1:8080/metrics')
  for (const { space } of provisioners) await until('it sees all three', () => /cluster_present(?:\{[^}]*\})? 3\n/.test(metrics(space)))
  const machines = Array.from({ length: 8 }, (_, n) => machine(n + 1))
  const first = await Promise.all(machines.slice(0, 4).map(one => ask(one)))
  t.notOk(first.includes(undefined), 'all got one')

  const away = told(programs[0]!, 'away')
  const inStep = told(programs[0]!, 'in_step')
  for (const n of [1, 2, 3]) {
    vanish(provisioners[0]!.space, `172.30.0.1${n}`)
    vanish(etcd[n - 1]!.space, '172.30.0.2')
  }
  await until('the first knows that it is cut off', () => told(programs[0]!, 'away') > away)
  const second = await Promise.all(machines.slice(4).map(one => ask(one)))
  t.notOk(second.includes(undefined), 'the others give addresses')
  for (const answer of second) t.not(answer?.split(' ')[2], '172.30.0.2', 'not the one that is cut off')
  const kept = await Promise.all(machines.slice(0, 4).map(one => ask(one)))
  t.same(kept.map(addressIn), first.map(addressIn), 'holders keep theirs, whoever answers')
  const space = etcd[0]!.space
  const said = space.exec('env', 'ETCDCTL_API=3', 'etcdctl', '--endpoints', 'http://172.30.0.11:2379', 'endpoint', 'status', '--write-out', 'json')
  const revision = /"revision":(\d+)/.exec(said)?.[1] ?? '0'
  space.exec('env', 'ETCDCTL_API=3', 'etcdctl', '--endpoints', 'http://172.30.0.11:2379', 'compact', revision)

  for (const n of [1, 2, 3]) {
    appear(provisioners[0]!.space, `172.30.0.1${n}`)
    appear(etcd[n - 1]!.space, '172.30.0.2')
  }
  await until('it is back', () => told(programs[0]!, 'in_step') > inStep)
  const again = await Promise.all(machines.map(one => ask(one)))
  t.same(again.map(addressIn), [...first, ...second].map(addressIn), 'the same as before')
  const leases = metrics(provisioners[0]!.space)
  t.match(leases, /dhcp_leases(?:\{[^}]*\})? 8\n/, 'it knows what the others gave, over the compaction')

  const seen = await captured()
  t.same(seen.filter(({ options: { dhcpMessageType } }) => dhcpMessageType === 'NAK'), [], 'nobody was sent away')
  const holders = holdersIn(seen)
  t.equal(holders.size, 8)
  for (const [address, macs] of holders) t.equal(macs.size, 1, `${address}: ${[...macs].join(', ')}`)
})
