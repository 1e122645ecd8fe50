// A fleet in trouble: three etcd and three provisioners of which every two seconds one is stopped, killed or cut off by packets that vanish,
// with etcd compacted every five seconds, wholly away for a tenth of the time (a minute at most), one clock 90 seconds ahead, and machines
// that take, renew and give back leases all the while. Every ACK on the wire is looked at.
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseSharedLease } from '../../src/dhcp/lease-file.js'
import { formatIpv4 } from '../../src/net/ipv4.js'
import { FleetNetwork, type Part } from './fleet-network.js'
import { FleetWire } from './fleet-wire.js'
import type { Running } from './netns.js'
import { PcapReader } from './pcap.js'
import { random } from './random.js'
import { findTool } from './tools.js'
import { typescript } from './typescript.js'
import { until } from './until.js'

export interface FleetSoakOptions {
  readonly folder: string
  readonly seed: number
  /** How long there is trouble. */
  readonly seconds: number
  /** Exchanges of the machines a second. */
  readonly rate?: number
  /** Hears what goes wrong, and of what becomes of it. */
  readonly onLine?: (line: string) => void
}

export interface FleetSoakResult {
  /** What may never be, in words. */
  readonly broken: readonly string[]
  readonly wire: FleetWire
  /** How often what went wrong, by its name. */
  readonly troubles: ReadonlyMap<string, number>
  readonly compactions: number
  /** ACKs while etcd was wholly away. */
  readonly acksWithoutEtcd: number
  /** Of the machines in the end. */
  readonly held: number
}

const machines = 350
const range = '10.64.1.1-10.64.2.200'
const troubleEvery = 2000
const compactionEvery = 5000
/** Of what the provisioners tell in passing, that which is a mistake. */
const mistake = /"level":"(?:error|fatal)"/

export async function fleetSoak ({ folder, seed, seconds, rate = 30, onLine = () => {} }: FleetSoakOptions): Promise<FleetSoakResult> {
  const next = random(seed)
  const pick = <T>(from: readonly T[]): T => from[Math.floor(next() * from.length)]!
  const network = new FleetNetwork({
    folder,
    clocks: [0, 0, 90],
    config: () => ({
      dhcp: { mode: 'server', interface: 'eth0', unknown_clients: 'allow', subnets: [{ subnet: '10.64.0.0/16', range, lease_time: '10m' }] }
    })
  })
  const wire = new FleetWire()
  const broken: string[] = []
  const troubles = new Map<string, number>()
  const ill = new Set<Part>()
  const healing = new Set<Promise<void>>()
  let compactions = 0
  let over = false
  const { etcd, provisioners } = network
  const all = [...etcd, ...provisioners]

  /** What is amiss with one part, for so many milliseconds. */
  const trouble = (part: Part, what: 'stopped' | 'killed' | 'cut off', milliseconds: number): Promise<void> => {
    const name = `${etcd.includes(part) ? 'etcd' : 'provisioner'} ${what}`
    troubles.set(name, (troubles.get(name) ?? 0) + 1)
    onLine(`${part.name} ${what} for ${(milliseconds / 1000).toFixed(1)} s`)
    ill.add(part)
    const work = (async () => {
      if (what === 'stopped') part.signal('SIGSTOP')
      else if (what === 'cut off') part.cut(true)
      else await part.kill()
      await pause(milliseconds)
      if (what === 'stopped') part.signal('SIGCONT')
      else if (what === 'cut off') part.cut(false)
      else await part.start()
    })().catch((error: unknown) => { broken.push(`${part.name}: ${String(error)}`) }).finally(() => {
      ill.delete(part)
      healing.delete(work)
    })
    healing.add(work)
    return work
  }

  const compact = async (): Promise<void> => {
    for (const member of etcd.filter(part => !ill.has(part))) {
      const etcdctl = async (...args: readonly string[]): Promise<string> => {
        const running = member.space.spawn('env', 'ETCDCTL_API=3', 'etcdctl', '--endpoints', 'http://127.0.0.1:2379', '--command-timeout', '2s', ...args)
        return await running.ended === 0 ? running.output() : ''
      }
      const revision = /"revision":(\d+)/.exec(await etcdctl('endpoint', 'status', '--write-out', 'json'))?.[1]
      if (revision === undefined || !(await etcdctl('compact', revision)).includes('compacted')) continue
      compactions++
      return
    }
  }

  const isOver = (): boolean => over
  /** Until it is over: machines, by perfdhcp where it is, which gives up when its network is down. */
  const askForLeases = async (): Promise<void> => {
    for (let times = 0; !isOver(); times++) {
      const running = findTool('perfdhcp') === undefined
        ? network.machines.spawn(process.execPath, typescript, fileURLToPath(new URL('dhcp-load.ts', import.meta.url)), '10.64.255.254', '255.255.255.255', String(seed % 256), String(rate))
        : network.machines.spawn('perfdhcp', '-4', '-l', 'eth0', '-B', '-r', String(rate), '-f', String(Math.floor(rate / 4)), '-F', String(Math.floor(rate / 5)),
          '-R', String(machines), '-s', String(seed + times), '-p', String(seconds + 600))
      generator = running
      await running.ended
      if (!over) await pause(200)
    }
  }
  let generator: Running | undefined

  try {
    const reader = new PcapReader((packet, at) => { wire.see(packet, at) })
    const listening = network.space.spawn('tcpdump', '-i', 'br0', '-U', '--immediate-mode', '-B', '16384', '-n', '-Z', 'root', '-w', '-', 'udp port 67 or udp port 68')
    listening.child.stdout?.removeAllListeners('data').on('data', (bytes: Buffer) => { reader.take(bytes) })
    await listening.line(/listening on/)
    for (const member of etcd) await member.start()
    await provisioners[0]!.start()
    await Promise.all(provisioners.slice(1).map(async one => { await one.start() }))
    const allThere = async (): Promise<void> => {
      for (const n of [1, 2, 3]) {
        await until(`p${n} sees all three`, async () => {
          await pause(200)
          return /cluster_present(?:\{[^}]*\})? 3\n/.test(network.ask(n, '/metrics'))
        })
      }
    }
    await allThere()
    const asking = askForLeases()

    const began = Date.now()
    const away = Math.min(60, seconds / 10) * 1000
    const awayAt = began + seconds * 400
    let isAway: Promise<unknown> | undefined
    let acksWithoutEtcd = 0
    let compactedAt = began
    let compacting: Promise<void> = Promise.resolve()
    for (let beat = 1; Date.now() < began + seconds * 1000; beat++) {
      if (isAway === undefined && Date.now() >= awayAt) {
        await Promise.all(healing)
        const before = wire.count('ACK')
        const what = pick(['stopped', 'killed', 'cut off'] as const)
        isAway = Promise.all(etcd.map(member => trouble(member, what, away))).then(() => { acksWithoutEtcd = wire.count('ACK') - before })
      }
      const well = all.filter(part => !ill.has(part))
      // Without two of three nothing is written down: that is for the minute, and for a moment now and then.
      const likely = etcd.some(part => ill.has(part)) && next() < 0.75 ? well.filter(part => !etcd.includes(part)) : well
      if (likely.length > 0) void trouble(pick(likely), pick(['stopped', 'killed', 'cut off'] as const), 1000 + next() * 5000)
      if (Date.now() >= compactedAt + compactionEvery) {
        compactedAt += compactionEvery
        await compacting
        compacting = compact()
      }
      if (beat % 15 === 0) onLine(`${((Date.now() - began) / 1000).toFixed(0)} s: ${wire.count('ACK')} ACKs to ${wire.machines} machines, ${wire.broken.length} broken`)
      await pause(Math.max(0, began + beat * troubleEvery - Date.now()))
      for (const part of well) {
        const child = part.running()?.child
        if (!ill.has(part) && child !== undefined && (child.exitCode !== null || child.signalCode !== null)) {
          broken.push(`${part.name} ended by itself: ${part.running()!.output().slice(-2000)}`)
          await part.start()
        }
      }
    }
    await isAway
    await Promise.all(healing)
    await compacting
    await allThere()
    onLine('all is well')
    const acks = wire.count('ACK')
    await until('machines are answered', () => wire.count('ACK') > acks + rate)
    over = true
    generator?.child.kill('SIGKILL')
    await asking
    await pause(3000)
    const now = Date.now()
    const held = wire.heldAt(now)
    const kept = leasesIn(network)
    for (const [ip, mac] of held) {
      const lease = kept.get(ip)
      if (lease !== `${mac} bound`) broken.push(`${mac} holds ${ip}, of which etcd has ${lease ?? 'nothing'}`)
    }
    for (const part of provisioners) {
      const odd = part.running()?.output().split('\n').filter(line => mistake.test(line)) ?? []
      if (odd.length > 0) broken.push(`${part.name} tells of ${odd.length} mistakes: ${odd[0] ?? ''}`)
    }
    return { broken: [...wire.broken, ...broken], wire, troubles, compactions, acksWithoutEtcd, held: held.size }
  } finally {
    over = true
    await network.close()
  }
}

/** `MAC STATE` by address. */
function leasesIn (network: FleetNetwork): ReadonlyMap<string, string> {
  const said = network.etcd[0]!.space.exec('env', 'ETCDCTL_API=3', 'etcdctl', '--endpoints', 'http://127.0.0.1:2379', 'get', '--prefix', '--print-value-only', '/core-provisioner/v1/leases/')
  return new Map(said.split('\n').flatMap(line => {
    const lease = parseSharedLease(line)
    return lease === undefined ? [] : [[formatIpv4(lease.ip), `${lease.mac} ${lease.state}`]]
  }))
}
