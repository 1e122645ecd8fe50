// The last packets of each machine, for a person who wants to see what was said on the wire. Nothing of it is on disk.
import type { Endpoint } from '../net/endpoint.js'
import type { Mac } from '../net/mac.js'
import type { MachineKind } from './registry.js'

export interface RecordedPacket {
  readonly protocol: 'dhcp' | 'tftp'
  /** By us, to the machine. */
  readonly isSent: boolean
  /** Epoch milliseconds. */
  readonly at: number
  readonly from: Endpoint
  readonly to: Endpoint
  /** What is kept of its payload. */
  readonly data: Buffer
  /** Octets that the whole payload has. */
  readonly length: number
}

export const packetsOfMachine = 50
/** Octets of one packet: what an Ethernet frame holds, so that none is cut that was not fragmented. */
export const longestPacket = 1472

/**
 * Octets for all machines together, what a packet takes beside its own included. Whoever invents hardware addresses pushes out other
 * strangers, with a lease for each others that only hold one, and whoever speaks in a machine's name that machine's packets alone.
 */
export const packetBudgets = { known: 3 * 2 ** 20, leased: 2 ** 20, stranger: 512 * 2 ** 10 } as const satisfies Record<MachineKind, number>
/** What the objects of a packet take, measured with 7,000 of them. */
export const octetsOfPacket = 730

export type NewPacket = Omit<RecordedPacket, 'length'> & { readonly length?: number }

/** A packet as it is kept. Octets as text, one character each: buffers of their own take ten times as long to make and to give back. */
export interface KeptPacket extends Omit<RecordedPacket, 'data'> { readonly octets: string }

/** A copy: the packet's memory may be used for the next one. */
export const keptPacket = ({ data, length = data.length, ...packet }: NewPacket): KeptPacket =>
  ({ ...packet, length, octets: data.toString('latin1', 0, longestPacket) })

interface MachinePackets { readonly packets: KeptPacket[], octets: number }

export class PacketLog {
  /** By who spoke last, the longest ago first. */
  readonly #machines: Readonly<Record<MachineKind, Map<Mac, MachinePackets>>> = { known: new Map(), leased: new Map(), stranger: new Map() }
  readonly #octets = { known: 0, leased: 0, stranger: 0 }
  /** As what a machine's packets are kept, who may be named since. */
  readonly #kinds = new Map<Mac, MachineKind>()
  readonly #kindOf: (mac: Mac) => MachineKind
  readonly #budgets: Readonly<Record<MachineKind, number>>

  constructor (kindOf: (mac: Mac) => MachineKind, budgets: Readonly<Record<MachineKind, number>> = packetBudgets) {
    this.#kindOf = kindOf
    this.#budgets = budgets
  }

  /** Octets that are held, about. */
  get octets (): number { return this.#octets.known + this.#octets.leased + this.#octets.stranger }

  /** The oldest first. */
  of (mac: Mac): readonly RecordedPacket[] {
    const kept = this.#machines[this.#kinds.get(mac) ?? 'stranger'].get(mac)?.packets ?? []
    return kept.map(({ octets, ...packet }) => ({ ...packet, data: Buffer.from(octets, 'latin1') }))
  }

  /** Keeps a copy of the octets. */
  record (mac: Mac, packet: NewPacket): void { this.keep(mac, keptPacket(packet)) }

  keep (mac: Mac, packet: KeptPacket): void {
    const kept = this.#take(mac) ?? { packets: [], octets: 0 }
    const kind = this.#kindOf(mac)
    kept.packets.push(packet)
    kept.octets += octetsOf(packet)
    if (kept.packets.length > packetsOfMachine) kept.octets -= octetsOf(kept.packets.shift()!)
    this.#machines[kind].set(mac, kept)
    this.#kinds.set(mac, kind)
    this.#octets[kind] += kept.octets
    for (const silent of this.#machines[kind].keys()) {
      if (this.#octets[kind] <= this.#budgets[kind] || silent === mac) break
      this.#take(silent)
    }
  }

  #take (mac: Mac): MachinePackets | undefined {
    const kind = this.#kinds.get(mac)
    const kept = kind === undefined ? undefined : this.#machines[kind].get(mac)
    if (kind === undefined || kept === undefined) return undefined
    this.#machines[kind].delete(mac)
    this.#kinds.delete(mac)
    this.#octets[kind] -= kept.octets
    return kept
  }
}

const octetsOf = ({ octets }: KeptPacket): number => octets.length + octetsOfPacket
