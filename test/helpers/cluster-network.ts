// Three provisioners and three etcd on one network of namespaces, machines that ask for addresses, and what was seen on the wire.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { formatIpv4 } from '../../src/net/ipv4.js'
import { macFromBytes } from '../../src/net/mac.js'
import { bundledProgram } from './built.js'
import { startEtcdIn } from './etcd-network.js'
import { NetworkNamespace, type Running } from './netns.js'
import { dhcpIn } from './pcap.js'
import { shortFolder } from './short-folder.js'

export interface Machine { readonly space: NetworkNamespace, readonly mac: string }

export interface Network {
  readonly space: NetworkNamespace
  readonly machine: (n: number) => Machine
  /** `172.30.0.100 3600 172.30.0.2`, or nothing. */
  readonly ask: (machine: Machine, tries?: number) => Promise<string | undefined>
  readonly provisioners: ReadonlyArray<{ readonly space: NetworkNamespace, readonly config: string, readonly start: () => Promise<Running> }>
  readonly etcd: ReadonlyArray<{ readonly space: NetworkNamespace, readonly start: () => Running, readonly kill: () => Promise<void> }>
  /** Ends the capture; what was seen of DHCP. */
  readonly captured: () => Promise<ReturnType<typeof dhcpIn>>
}

/** `clocks`: by how many seconds the provisioners' are off. */
export async function clusterNetwork (t: Test, clocks: readonly number[] = []): Promise<Network> {
  const folder = t.testdir({})
  const space = new NetworkNamespace()
  t.teardown(async () => { await space.close() })
  space.bridge('br0', '172.30.0.1/24')
  const capture = join(folder, 'wire.pcap')
  const listening = space.spawn('tcpdump', '-i', 'br0', '-U', '--immediate-mode', '-n', '-Z', 'root', '-w', capture, 'udp port 67 or udp port 68')
  await listening.line(/listening on/)
  const members = Object.fromEntries([1, 2, 3].map(n => [`m${n}`, `172.30.0.1${n}`]))
  const etcd = Object.entries(members).map(([name, address]) => {
    const place = space.client('br0')
    place.ip('address', 'add', `${address}/24`, 'dev', 'eth0')
    const holder: { running?: Running } = {}
    const start = (): Running => startEtcdIn(place, { name, address, folder, members })
    const keep = (): Running => (holder.running = start())
    const kill = async (): Promise<void> => {
      // The child is ip netns exec, which has become etcd.
      holder.running?.child.kill('SIGKILL')
      await holder.running?.ended
    }
    return { space: place, start: keep, kill }
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
      config,
      start: async () => {
        const off = clocks[n - 1] ?? 0
        const clock = off === 0 ? [] : ['faketime', '-f', `${off > 0 ? '+' : ''}${off}s`]
        const [command = '', ...args] = [...clock, process.execPath, bundledProgram(), 'serve', '--config', config]
        const program = place.spawn(command, ...args)
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
export const told = (program: Running, what: 'away' | 'in_step'): number => program.output().split(`"msg":"cluster.${what}"`).length - 1

export const addressIn = (told: string | undefined): string => told?.split(' ')[0] ?? 'none'

/** The machines that each address was acknowledged to; what answers INFORM gives no address. */
export function holdersIn (seen: ReturnType<typeof dhcpIn>): ReadonlyMap<string, ReadonlySet<string>> {
  const holders = new Map<string, Set<string>>()
  for (const { options: { dhcpMessageType }, yiaddr, chaddr } of seen) {
    if (dhcpMessageType !== 'ACK' || yiaddr === 0) continue
    const address = formatIpv4(yiaddr)
    holders.set(address, (holders.get(address) ?? new Set()).add(macFromBytes(chaddr)))
  }
  return holders
}
