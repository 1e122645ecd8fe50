// What machines and a fleet's DHCP servers say on the wire, as it is seen there: how much of each, and whether all that was promised holds.
import { Invariants } from '../../scripts/bench/storm/invariants.js'
import type { DhcpPacket } from '../../src/dhcp/packet.js'
import { formatIpv4 } from '../../src/net/ipv4.js'
import { macFromBytes } from '../../src/net/mac.js'

interface Asked { readonly ip: string, readonly at: number }

/** How many REQUESTs are remembered until they are answered. */
const mostAsked = 20_000
/** How many messages about an address are remembered. */
const told = 12

export class FleetWire {
  readonly #invariants = new Invariants()
  readonly #counts = new Map<string, number>()
  /** By machine and exchange: the address of its last REQUEST. */
  readonly #asked = new Map<string, Asked>()
  /** By machine and address: when it gave it back. */
  readonly #releases = new Map<string, number>()
  /** By address: the machine, and until when it may use it. */
  readonly #holders = new Map<string, { readonly mac: string, readonly until: number }>()
  /** By machine: the address that was acknowledged last. */
  readonly #machines = new Map<string, string>()
  #moves = 0
  /** By address: what was said of it last. */
  readonly #history = new Map<string, string[]>()
  readonly #broken: string[] = []
  #lastAck: number | undefined
  #longestSilence = 0

  /** In words, with what was said before, one for each time that something did not hold. */
  get broken (): readonly string[] { return this.#broken }
  /** How many messages of a type were seen. */
  count (type: string): number { return this.#counts.get(type) ?? 0 }
  get machines (): number { return this.#machines.size }
  /** How often a machine was given another address than the one it holds, which it uses no more then. */
  get moves (): number { return this.#moves }
  /** Milliseconds between two ACKs, at most. */
  get longestSilence (): number { return this.#longestSilence }

  /** What the machines hold at a time, by address. */
  heldAt (at: number): ReadonlyMap<string, string> {
    return new Map([...this.#holders].filter(([, { until }]) => until > at).map(([ip, { mac }]) => [ip, mac]))
  }

  see (packet: DhcpPacket, at: number): void {
    const before = this.#invariants.broken.length
    this.#judge(packet, at)
    const { xid, chaddr, ciaddr, yiaddr, options: { dhcpMessageType: type = '', requestedIpAddress, serverIdentifier, ipAddressLeaseTime: lease } } = packet
    const mac = macFromBytes(chaddr)
    const about = type === 'NAK' ? this.#asked.get(`${mac} ${xid}`)?.ip ?? '' : formatIpv4(yiaddr !== 0 ? yiaddr : requestedIpAddress ?? ciaddr)
    const history = this.#history.get(about) ?? []
    this.#history.set(about, history)
    const from = serverIdentifier === undefined ? '' : ` ${formatIpv4(serverIdentifier)}`
    history.push(`${new Date(at).toISOString().slice(11, 23)} ${type} ${mac} ${xid.toString(16)}${from}${lease === undefined ? '' : ` ${lease} s`}`)
    if (history.length > told) history.shift()
    for (const words of this.#invariants.broken.slice(before)) this.#broken.push([words, ...history].join('\n    '))
  }

  #judge ({ xid, ciaddr, yiaddr, chaddr, options }: DhcpPacket, at: number): void {
    const { dhcpMessageType: type = 'BOOTP', requestedIpAddress } = options
    this.#counts.set(type, this.count(type) + 1)
    const mac = macFromBytes(chaddr)
    const exchange = `${mac} ${xid}`
    if (type === 'REQUEST') this.#ask(exchange, { ip: formatIpv4(requestedIpAddress ?? ciaddr), at })
    if (type === 'RELEASE') this.#release(mac, formatIpv4(ciaddr), at)
    if (type === 'NAK') this.#invariants.see({ kind: 'NAK', mac, ip: this.#asked.get(exchange)?.ip ?? '', at })
    if (type === 'ACK' && yiaddr !== 0) this.#acknowledge(mac, formatIpv4(yiaddr), at, { lease: (options.ipAddressLeaseTime ?? 0) * 1000, asked: this.#asked.get(exchange) })
  }

  #ask (exchange: string, asked: Asked): void {
    this.#asked.delete(exchange)
    this.#asked.set(exchange, asked)
    for (const oldest of this.#asked.keys()) {
      if (this.#asked.size <= mostAsked) break
      this.#asked.delete(oldest)
    }
  }

  #release (mac: string, ip: string, at: number): void {
    this.#releases.set(`${mac} ${ip}`, at)
    if (this.#holders.get(ip)?.mac === mac) this.#holders.delete(ip)
    this.#invariants.release(mac, ip)
  }

  #acknowledge (mac: string, ip: string, at: number, { lease, asked }: { readonly lease: number, readonly asked: Asked | undefined }): void {
    if (this.#lastAck !== undefined) this.#longestSilence = Math.max(this.#longestSilence, at - this.#lastAck)
    this.#lastAck = at
    // A machine that gave the address back since it asked takes no answer to that.
    if (asked !== undefined && (this.#releases.get(`${mac} ${ip}`) ?? 0) > asked.at) return
    const before = this.#machines.get(mac)
    this.#machines.set(mac, ip)
    const held = this.#holders.get(before ?? '')
    if (before !== undefined && before !== ip && held?.mac === mac) {
      if (held.until > at) this.#moves++
      this.#holders.delete(before)
      this.#invariants.release(mac, before)
    }
    this.#invariants.see({ kind: 'ACK', mac, ip, at, lease })
    this.#holders.set(ip, { mac, until: at + lease })
  }
}
