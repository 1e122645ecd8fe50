// A whole fleet in one process: provisioners as the program puts them together for DHCP (server, decisions, lease table, leases in etcd,
// presence, turns), an etcd, machines, and a network between them, all of it made of one seed. What is real is what is in src/; the clock,
// the network, the disk's copy and etcd are played.
import { Buffer } from 'node:buffer'
import type { Logger } from '../../../src/base/log.js'
import { delayOf, rankOf } from '../../../src/cluster/client-hash.js'
import type { FleetCopy } from '../../../src/cluster/fleet-copy.js'
import { Presence } from '../../../src/cluster/presence.js'
import { SharedState } from '../../../src/cluster/shared-state.js'
import { parseSharedLease } from '../../../src/dhcp/lease-file.js'
import type { LeaseStore } from '../../../src/dhcp/lease-store.js'
import { startDhcpServer, type DhcpServer } from '../../../src/dhcp/dhcp-server.js'
import { decodePacket } from '../../../src/dhcp/packet.js'
import { buildReservations } from '../../../src/dhcp/reservation-table.js'
import type { EtcdClient } from '../../../src/etcd/etcd-client.js'
import { formatIpv4, type Ipv4, parseIpv4 } from '../../../src/net/ipv4.js'
import { macFromBytes, type Mac } from '../../../src/net/mac.js'
import type { UdpNetwork } from '../../../src/net/udp.js'
import { openSharedLeases } from '../../../src/wiring/cluster-leases.js'
import { Invariants } from '../../../scripts/bench/storm/invariants.js'
import { ip, subnet } from '../dhcp.js'
import { random } from '../random.js'
import { FleetClient } from './dhcp-client.js'
import { type EtcdFault, FakeEtcd } from './fake-etcd.js'
import { FakeEtcdClient } from './fake-etcd-client.js'
import { Process, Timeline } from './timeline.js'

const silent = { info: () => {}, warn: () => {}, error: () => {}, debug: () => {}, isLevelEnabled: () => false } as unknown as Logger
/** Milliseconds. */
export const second = 1000
export const minute = 60 * second

const subnets = [subnet('10.0.0.0/24', '10.0.0.100-10.0.0.115', { leaseTime: 120 })]
const settings = {
  subnets,
  reservations: buildReservations([], subnets, 0),
  boot: { loaders: {}, otherLoaders: {}, scriptUrl: 'http://10.0.0.1:8080/boot.ipxe', ownUserClass: false, overrides: [] },
  unknownClients: 'allow' as const
}

/** What is broken on purpose. */
export interface FleetFault extends EtcdFault {
  /** In the place of the lease store of a provisioner. */
  readonly leases?: (store: LeaseStore) => LeaseStore
  /** Milliseconds, in the place of the real grace after a lease's end. */
  readonly grace?: number
}

export interface FleetResult {
  readonly seed: number
  /** What may never be, in words. */
  readonly broken: readonly string[]
  /** What happened, line by line: the same for the same seed. */
  readonly trace: readonly string[]
}

export class Provisioner {
  readonly name: string
  readonly address: Ipv4
  /** What its disk holds of the fleet, which outlasts it. */
  readonly disk = new Map<string, Buffer>()
  diskAsOf: number | undefined
  skew = 0
  process = new Process()
  receive: ((data: Buffer, from: Ipv4) => void) | undefined
  stop: () => Promise<void> = async () => {}
  reachesMachines = true
  /** Milliseconds by which it hears later of what others write: packets are lost, and sent again. */
  lateness = 0
  readonly reachesEtcd = [true, true, true]

  constructor (n: number) {
    this.name = `p${n}`
    this.address = ip(`10.0.0.${n}`)
  }
}

export class Fleet {
  readonly time = new Timeline()
  /** Sockets are read in either order after a stop, and news comes late. */
  readonly isHostile: boolean
  readonly random: () => number
  readonly etcd: FakeEtcd
  readonly provisioners = [1, 2, 3].map(n => new Provisioner(n))
  readonly clients: FleetClient[] = []
  readonly trace: string[] = []
  readonly broken: string[] = []
  readonly #invariants = new Invariants()
  readonly #fault: FleetFault
  readonly #seed: number
  readonly #began: number
  /** What the network does to datagrams between machines and provisioners. */
  loss = 0
  readonly #asked = new Map<Mac, Ipv4>()

  constructor (seed: number, fault: FleetFault = {}, isHostile = false) {
    this.#seed = seed
    this.isHostile = isHostile
    this.#fault = fault
    this.random = random(seed)
    this.etcd = new FakeEtcd(this.time, fault)
    this.#began = this.time.now
    this.etcd.watch('/f/leases/', 1, (_, events) => { for (const { kv: { key, value } } of events) this.#assertOneAddress(key.toString(), value) })
  }

  /** A machine has one address, whoever gave it: nothing else is ever in etcd. */
  #assertOneAddress (key: string, value: Buffer): void {
    const lease = parseSharedLease(value.toString())
    if (lease?.state !== 'bound') return
    for (const [other, text] of this.etcd.entries()) {
      if (!other.startsWith('/f/leases/') || other === key) continue
      const found = parseSharedLease(text.toString())
      if (found?.state === 'bound' && found.mac === lease.mac && found.expires > this.time.now) {
        this.broken.push(`${lease.mac} was bound to ${formatIpv4(lease.ip)} while it is to ${formatIpv4(found.ip)}`)
      }
    }
  }

  pick<T> (from: readonly T[]): T { return from[Math.floor(this.random() * from.length)]! }

  note (text: string): void { this.trace.push(`${((this.time.now - this.#began) / 1000).toFixed(3)} ${text}`) }

  /** Runs from its program's beginning, on what its disk holds; a clock that was set meanwhile is another one. */
  start (one: Provisioner): void {
    const owner = one.process = new Process()
    one.skew = Math.floor((this.random() * 2 - 1) * 90_000)
    const clock = this.time.clock(owner, one.skew)
    this.note(`${one.name} starts, ${one.skew} ms off`)
    const delay = (): number => 1 + this.random() * 8
    const etcd = new FakeEtcdClient({
      etcd: this.etcd, time: this.time, owner, delay, lateness: () => one.lateness, reaches: member => one.reachesEtcd[member]!
    }) as unknown as EtcdClient
    const copy = {
      load: async () => ({ values: new Map(one.disk), asOf: one.diskAsOf }),
      // What is not on the disk a second later was lost by who died.
      note: (key: string, value: Buffer | undefined) => {
        clock.after(second, () => {
          if (value === undefined) one.disk.delete(key)
          else one.disk.set(key, value)
        })
      },
      confirm: (at: number) => { clock.after(second, () => { one.diskAsOf = at }) },
      close: async () => {}
    } as unknown as FleetCopy
    const state = new SharedState({ etcd, prefix: '/f/', readOnly: false, clock, log: silent, random: this.random, steady: () => 0, copy: () => copy })
    const presence = new Presence({ etcd, state, name: one.name, version: '1', clock, log: silent })
    const network: UdpNetwork = {
      bind: async (_, onDatagram) => {
        one.receive = (data, from) => { onDatagram(data, { address: formatIpv4(from), port: 68 }) }
        const send = (data: Uint8Array): void => { this.#fromServer(one, Buffer.from(data)) }
        return { local: { address: '0.0.0.0', port: 67 }, send, close: async () => { one.receive = undefined } }
      }
    }
    let server: DhcpServer | undefined
    const begin = async (): Promise<void> => {
      await state.start()
      presence.look()
      const { grace } = this.#fault
      const given = { state, presence, name: one.name, subnets: subnets.map(({ subnet }) => subnet), clock, log: silent }
      const leases = await openSharedLeases({ ...given, ...grace !== undefined && { grace } }, clock.now())
      server = await startDhcpServer({
        network,
        bind: { address: '0.0.0.0', port: 67 },
        server: one.address,
        settings,
        table: leases.table,
        store: this.#fault.leases?.(leases.store) ?? leases.store,
        turn: (mac, secs) => delayOf(rankOf(mac, one.name, presence.present.map(({ name }) => name)), secs),
        fellows: () => [],
        clock,
        log: silent,
        onEvent: () => {}
      })
      one.stop = async () => {
        await server?.close()
        await leases.store.close()
        await presence.close()
        await state.close()
        owner.alive = false
      }
      await presence.start(() => ({ address: `http://${formatIpv4(one.address)}:8080`, addresses: [] }))
    }
    begin().catch((error: unknown) => { if (owner.alive) this.broken.push(`${one.name} did not start: ${String(error)}`) })
  }

  kill (one: Provisioner): void {
    one.process.alive = false
    one.receive = undefined
  }

  /** SIGSTOP, and SIGCONT later: whether it reads what machines sent or what etcd did first then is not told by when that came. */
  stop (one: Provisioner, milliseconds: number): void {
    if (!this.isHostile) return one.process.pause(this.time.now + milliseconds)
    one.process.pause(this.time.now + milliseconds, { [this.random() < 0.5 ? 'datagram' : 'stream']: this.random() * 50 })
  }

  /** One that is on. */
  anyClient (): FleetClient | undefined {
    const on = this.clients.filter(({ state }) => state !== 'off')
    return on.length === 0 ? undefined : this.pick(on)
  }

  addClient (): FleetClient {
    const n = this.clients.length
    const mac = macFromBytes(Buffer.from([0x52, 0x54, 0, this.#seed & 255, Math.floor(this.random() * 256), n]))
    const client = new FleetClient({ mac, time: this.time, random: this.random, send: (data, from, to) => { this.#fromClient(mac, data, from, to) } })
    this.clients.push(client)
    return client
  }

  #fromClient (mac: Mac, data: Buffer, from: Ipv4, to: Ipv4 | undefined): void {
    const { ciaddr, options: { dhcpMessageType: type, requestedIpAddress } } = decodePacket(data)
    const wanted = requestedIpAddress ?? ciaddr
    this.note(`${mac} ${type} ${formatIpv4(wanted)}${to === undefined ? '' : ` to ${formatIpv4(to)}`}`)
    if (type === 'REQUEST') this.#asked.set(mac, wanted)
    if (type === 'RELEASE') this.#invariants.release(mac, formatIpv4(ciaddr))
    for (const one of this.provisioners) {
      if (to !== undefined && to !== one.address) continue
      this.#deliver(one, () => { this.time.after(0, () => { if (one.receive !== undefined) one.receive(data, from) }, one.process, 'datagram') })
    }
  }

  #fromServer (one: Provisioner, data: Buffer): void {
    const { yiaddr, chaddr, options: { dhcpMessageType: type, ipAddressLeaseTime: lease = 0 } } = decodePacket(data)
    const mac = macFromBytes(Buffer.from(chaddr))
    this.note(`${one.name} ${type} ${formatIpv4(yiaddr)} to ${mac}${type === 'ACK' ? ` for ${lease} s` : ''}`)
    // What is said counts, whoever hears it.
    if (type === 'ACK') this.#invariants.see({ kind: 'ACK', mac, ip: formatIpv4(yiaddr), at: this.time.now, lease: lease * 1000 })
    if (type === 'NAK') this.#invariants.see({ kind: 'NAK', mac, ip: formatIpv4(this.#asked.get(mac) ?? 0), at: this.time.now })
    const client = this.clients.find(other => other.mac === mac)
    this.#deliver(one, () => { client?.hear(data) })
  }

  /** Lost, doubled, late. */
  #deliver (one: Provisioner, arrive: () => void): void {
    for (let copies = this.random() < 0.03 ? 2 : 1; copies > 0; copies--) {
      if (this.random() < this.loss) continue
      this.time.after(1 + this.random() ** 4 * 300, () => { if (one.reachesMachines) arrive() })
    }
  }

  /** What was promised stands in etcd, and everybody who is on has an address. */
  judge (): void {
    this.broken.push(...this.#invariants.broken)
    const kept = new Map<Ipv4, Mac>()
    for (const [key, value] of this.etcd.entries()) {
      const address = key.startsWith('/f/leases/') ? parseIpv4(key.slice('/f/leases/'.length)) : undefined
      const lease = address === undefined ? undefined : parseSharedLease(value.toString())
      if (address !== undefined && lease?.state === 'bound') kept.set(address, lease.mac)
    }
    for (const client of this.clients) {
      if (client.state === 'off') continue
      if (client.held === undefined) this.broken.push(`${client.text} has no address in the end`)
      else if (kept.get(client.held.ip) !== client.mac) this.broken.push(`${client.text} holds an address that etcd has for ${kept.get(client.held.ip) ?? 'nobody'}`)
    }
  }

  get result (): FleetResult { return { seed: this.#seed, broken: this.broken, trace: this.trace } }
}
