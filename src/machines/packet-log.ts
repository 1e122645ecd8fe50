// The last packets of each machine, for a person who wants to see what was said on the wire. Nothing of it is on disk.
import type { Endpoint } from '../net/endpoint.js'
import type { Mac } from '../net/mac.js'

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
 * strangers, and whoever speaks in a machine's name pushes out that machine's packets alone.
 */
export const packetBudgets = { known: 4 * 2 ** 20, stranger: 512 * 2 ** 10 } as const
/** What the objects of a packet take, measured with 7,000 of them. */
export const octetsOfPacket = 730

type Kind = keyof typeof packetBudgets
interface MachinePackets { readonly packets: RecordedPacket[], octets: number }

export class PacketLog {
  /** By who spoke last, the longest ago first. */
  readonly #machines: Readonly<Record<Kind, Map<Mac, MachinePackets>>> = { known: new Map(), stranger: new Map() }
  readonly #octets = { known: 0, stranger: 0 }
  readonly #isKnown: (mac: Mac) => boolean
  readonly #budgets: Readonly<Record<Kind, number>>

  constructor (isKnown: (mac: Mac) => boolean, budgets: Readonly<Record<Kind, number>> = packetBudgets) {
    this.#isKnown = isKnown
    this.#budgets = budgets
  }

  /** Octets that are held, about. */
  get octets (): number { return this.#octets.known + this.#octets.stranger }

  /** The oldest first. */
  of (mac: Mac): readonly RecordedPacket[] { return (this.#machines.known.get(mac) ?? this.#machines.stranger.get(mac))?.packets ?? [] }

  /** Keeps a copy of the octets. */
  record (mac: Mac, packet: Omit<RecordedPacket, 'length'> & { readonly length?: number }): void {
    const kind = this.#isKnown(mac) ? 'known' : 'stranger'
    const other = kind === 'known' ? 'stranger' : 'known'
    const before = this.#take(other, mac) ?? this.#take(kind, mac)
    const kept = before ?? { packets: [], octets: 0 }
    // A buffer of its own: a slice of Node's pool would hold the whole of it.
    const data = Buffer.allocUnsafeSlow(Math.min(packet.data.length, longestPacket))
    packet.data.copy(data)
    kept.packets.push({ ...packet, data, length: packet.length ?? packet.data.length })
    kept.octets += octetsOf(data)
    if (kept.packets.length > packetsOfMachine) kept.octets -= octetsOf(kept.packets.shift()!.data)
    this.#machines[kind].set(mac, kept)
    this.#octets[kind] += kept.octets
    for (const silent of this.#machines[kind].keys()) {
      if (this.#octets[kind] <= this.#budgets[kind] || silent === mac) break
      this.#take(kind, silent)
    }
  }

  #take (kind: Kind, mac: Mac): MachinePackets | undefined {
    const kept = this.#machines[kind].get(mac)
    if (kept === undefined) return undefined
    this.#machines[kind].delete(mac)
    this.#octets[kind] -= kept.octets
    return kept
  }
}

const octetsOf = (data: Buffer): number => data.length + octetsOfPacket
