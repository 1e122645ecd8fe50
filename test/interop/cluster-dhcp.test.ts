// Three provisioners and three etcd on one network: machines get addresses while one of each dies, and what was acknowledged is looked
// at on the wire: no address is acknowledged to two machines, and nobody is told NAK.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { formatIpv4 } from '../../src/net/ipv4.js'
import { macFromBytes } from '../../src/net/mac.js'
import { builtProgram } from '../helpers/built.js'
import { until } from '../helpers/until.js'
import { namespaceProblem, NetworkNamespace, type Running } from '../helpers/netns.js'
import { dhcpIn } from '../helpers/pcap.js'
import { shortFolder } from '../helpers/short-folder.js'
import { able, findTool, needs } from '../helpers/tools.js'

interface Machine { readonly space: NetworkNamespace, readonly mac: string }

interface Network {
  readonly space: NetworkNamespace
  readonly machine: (n: number) => Machine
  /** `172.30.0.100 3600 172.30.0.2`, or nothing. */
  readonly ask: (machine: Machine, tries?: number) => Promise<string | undefined>
  readonly provisioners: ReadonlyArray<{ readonly space: NetworkNamespace, readonly start: () => Promise<Running> }>
  readonly etcd: ReadonlyArray<{ readonly start: () => Running, readonly kill: () => Promise<void> }>
  /** Ends the capture; what was seen of DHCP. */
  readonly captured: () => Promise<ReturnType<typeof dhcpIn>>
}

async function network (t: Test): Promise<Network> {
  const folder = t.testdir({})
  const space = new NetworkNamespace()
  t.teardown(async () => { await space.close() })
  space.bridge('br0', '172.30.0.1/24')
  const capture = join(folder, 'wire.pcap')
  const listening = space.spawn('tcpdump', '-i', 'br0', '-U', '--immediate-mode', '-n', '-Z', 'root', '-w', capture, 'udp port 67 or udp port 68')
  await listening.line(/listening on/)
  const initial = [1, 2, 3].map(n => `m${n}=http://172.30.0.1${n}:2380`).join(',')
  const etcd = [1, 2, 3].map(n => {
    const place = space.client('br0')
    place.ip('address', 'add', `172.30.0.1${n}/24`, 'dev', 'eth0')
    const holder: { running?: Running } = {}
    const start = (): Running => place.spawn(findTool('etcd') ?? 'etcd', '--name', `m${n}`, '--data-dir', join(folder, `m${n}`),
      '--listen-client-urls', `http://172.30.0.1${n}:2379`, '--advertise-client-urls', `http://172.30.0.1${n}:2379`,
      '--listen-peer-urls', `http://172.30.0.1${n}:2380`, '--initial-advertise-peer-urls', `http://172.30.0.1${n}:2380`,
      '--initial-cluster', initial, '--heartbeat-interval', '200', '--election-timeout', '2000', '--logger', 'zap', '--log-level', 'error')
    const keep = (): Running => (holder.running = start())
    const kill = async (): Promise<void> => {
      // The child is ip netns exec, which has become etcd.
      holder.running?.child.kill('SIGKILL')
      await holder.running?.ended
    }
    return { start: keep, kill }
  })
  for (const { start } of etcd) start()
  const provisioners = [1, 2, 3].map(n => {
    const place = space.client('br0')
    place.ip('address', 'add', `172.30.0.${n + 1}/24`, 'dev', 'eth0')
    mkdirSync(join(folder, `p${n}`))
    const config = join(folder, `p${n}.yaml`)
    writeFileSync(config, `data_path: ${folder}/p${n}/data
assets_path: ""
state_path: ${folder}/p${n}/state
control_socket: ${shortFolder(t)}/c
rpc: { address: "" }
tftp: { address: "" }
dhcp:
  mode: server
  interface: eth0
  unknown_clients: allow
  subnets: [{ subnet: 172.30.0.0/24, range: 172.30.0.100-172.30.0.199, lease_time: 1h }]
  reservations: [{ mac: "52:54:00:00:0b:99", ip: 172.30.0.99 }]
cluster: { name: p${n}, etcd: { endpoints: ["http://172.30.0.11:2379", "http://172.30.0.12:2379", "http://172.30.0.13:2379"] } }
`)
    return {
      space: place,
      start: async () => {
        const program = place.spawn(process.execPath, builtProgram(), 'serve', '--config', config)
        await program.line(/"msg":"appliance\.ready"/)
        return program
      }
    }
  })
  const script = join(folder, 'told')
  writeFileSync(script, '#!/bin/sh\n[ "$1" != bound ] || echo "told $ip $lease $serverid"\n', { mode: 0o755 })
  return {
    space,
    etcd,
    provisioners,
    machine: n => {
      const mac = `52:54:00:00:0b:${String(n).padStart(2, '0')}`
      return { mac, space: space.client('br0', mac) }
    },
    ask: async ({ space: place }, tries = 12) => {
      const asking = place.spawn('udhcpc', '-i', 'eth0', '-n', '-q', '-f', '-s', script, '-t', String(tries), '-T', '2')
      await asking.ended
      return /^told (.*)$/m.exec(asking.output())?.[1]
    },
    captured: async () => {
      listening.child.kill('SIGTERM')
      await listening.ended
      return dhcpIn(capture)
    }
  }
}

/** How often a program has told of the cluster. */
const told = (program: Running, what: 'away' | 'in_step'): number => program.output().split(`"msg":"cluster.${what}"`).length - 1

const addressIn = (told: string | undefined): string => told?.split(' ')[0] ?? 'none'

t.test('one provisioner and one etcd die while machines ask: all get addresses, no address twice, no NAK; etcd away: holders keep theirs', async t => {
  if (!able(t, namespaceProblem()) || !needs(t, 'etcd', 'udhcpc', 'tcpdump')) return
  const { machine, ask, provisioners, etcd, captured } = await network(t)
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
  const stranger = machine(50)
  t.equal(await ask(stranger, 3), undefined, 'nobody else is given an address')
  for (const { start } of etcd) start()
  await until('the stranger has one', async () => await ask(stranger, 5) !== undefined)
  t.same(left.map(program => told(program, 'away')), before.map(times => times + 1), 'told once, whatever was asked meanwhile')

  const seen = await captured()
  const holders = new Map<string, Set<string>>()
  const lines = seen.map(({ options: { dhcpMessageType: type, serverIdentifier: server, requestedIpAddress: wanted, message = '' }, yiaddr, chaddr }) =>
    `${type ?? ''} ${macFromBytes(chaddr)} ${formatIpv4(yiaddr)} by ${formatIpv4(server ?? 0)} wants ${formatIpv4(wanted ?? 0)} ${message}`)
  t.same(lines.filter(line => line.startsWith('NAK')), [], 'nobody was sent away') || t.comment(lines.join('\n'))
  for (const { options: { dhcpMessageType }, yiaddr, chaddr } of seen) {
    // What answers INFORM gives no address.
    if (dhcpMessageType !== 'ACK' || yiaddr === 0) continue
    const address = formatIpv4(yiaddr)
    holders.set(address, (holders.get(address) ?? new Set()).add(macFromBytes(chaddr)))
  }
  t.ok(holders.size >= 13 + 1, `${holders.size} addresses were acknowledged`)
  for (const [address, macs] of holders) t.equal(macs.size, 1, `${address}: ${[...macs].join(', ')}`)
})
