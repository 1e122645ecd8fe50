// Three provisioners and three etcd on one network: machines get addresses while one of each dies, and what was acknowledged is looked
// at on the wire: no address is acknowledged to two machines, and nobody is told NAK.
import t from 'tap'
import { runCommand } from '../helpers/command.js'
import { formatIpv4 } from '../../src/net/ipv4.js'
import { macFromBytes } from '../../src/net/mac.js'
import { addressIn, clusterNetwork, holdersIn, told } from '../helpers/cluster-network.js'
import { until } from '../helpers/until.js'
import { namespaceProblem, type NetworkNamespace } from '../helpers/netns.js'
import { able, needs } from '../helpers/tools.js'

t.test('one provisioner and one etcd die while machines ask: all get addresses, no address twice, no NAK; etcd away: holders keep theirs', async t => {
  if (!able(t, namespaceProblem()) || !needs(t, 'etcd', 'udhcpc', 'tcpdump')) return
  const { machine, ask, provisioners, etcd, captured } = await clusterNetwork(t)
  const programs = [await provisioners[0]!.start(), ...await Promise.all(provisioners.slice(1).map(({ start }) => start()))]
  // Otherwise each believes that it is alone for a moment.
  const metrics = (place: NetworkNamespace): string => place.exec('curl', '-s', 'http://127.0.0.1:8080/metrics')
  for (const { space: place } of provisioners) await until('it sees all three', () => /cluster_present(?:\{[^}]*\})? 3\n/.test(metrics(place)))

  const machines = Array.from({ length: 12 }, (_, n) => machine(n + 1))
  const first = await Promise.all(machines.slice(0, 4).map(one => ask(one)))
  t.equal(new Set(first.map(addressIn)).size, 4)
  t.notOk(first.includes(undefined))
  const dying = Promise.all(machines.slice(4, 8).map(one => ask(one)))
  programs[0]!.child.kill('SIGKILL')
  await Promise.all([programs[0]!.ended, etcd[1]!.kill()])
  const second = await dying
  const third = await Promise.all(machines.slice(8).map(one => ask(one)))
  const all = [...first, ...second, ...third]
  t.notOk(all.includes(undefined), 'all got one')
  t.equal(new Set(all.map(addressIn)).size, 12)
  const again = await Promise.all(machines.map(one => ask(one)))
  t.same(again.map(addressIn), all.map(addressIn), 'the same as before, whoever answers')
  const answered = new Set(all.map(told => told?.split(' ')[2]))
  t.ok(answered.size > 1, `several answered: ${[...answered].join(', ')}`)

  // An election after the first death may have been told of, too.
  const left = programs.slice(1)
  await until('both are in step', () => left.every(program => told(program, 'in_step') > told(program, 'away')))
  const before = left.map(program => told(program, 'away'))
  await Promise.all([etcd[0]!.kill(), etcd[2]!.kill()])
  await until('both know that etcd is away', () => left.every((program, n) => told(program, 'away') > before[n]!))
  const known = await ask(machines[0]!)
  t.equal(addressIn(known), addressIn(all[0]), 'a holder keeps its address')
  t.ok(Number(known?.split(' ')[1]) <= 600, `for a short while: ${known}`)
  t.equal(addressIn(await ask(machine(99))), '172.30.0.99', 'a reservation needs no etcd')
  const release = await runCommand(['leases', 'release', addressIn(known), '--json', '--config', provisioners[1]!.config])
  t.equal(release.status, 1)
  t.match(JSON.parse(release.stdout), { error: { code: 'etcd_away', message: new RegExp(`no lease of ${addressIn(known)} can be ended: etcd`) } }, 'a lease that cannot be ended')
  const stranger = machine(50)
  t.equal(await ask(stranger, 3), undefined, 'nobody else is given an address')
  for (const { start } of etcd) start()
  await until('the stranger has one', async () => await ask(stranger, 5) !== undefined)
  t.same(left.map(program => told(program, 'away')), before.map(times => times + 1), 'told once, whatever was asked meanwhile')

  const seen = await captured()
  const holders = holdersIn(seen)
  const lines = seen.map(({ options: { dhcpMessageType: type, serverIdentifier: server, requestedIpAddress: wanted, message = '' }, yiaddr, chaddr }) =>
    `${type ?? ''} ${macFromBytes(chaddr)} ${formatIpv4(yiaddr)} by ${formatIpv4(server ?? 0)} wants ${formatIpv4(wanted ?? 0)} ${message}`)
  t.same(lines.filter(line => line.startsWith('NAK')), [], 'nobody was sent away') || t.comment(lines.join('\n'))
  t.ok(holders.size >= 13 + 1, `${holders.size} addresses were acknowledged`)
  for (const [address, macs] of holders) t.equal(macs.size, 1, `${address}: ${[...macs].join(', ')}`)
})
