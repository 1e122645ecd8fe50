// A made-up UDP network: hosts with addresses, sockets with ports, and chance by seed that loses, doubles and delays.
// Datagrams are copied on the way and arrive in a later microtask, so that nobody hears an answer while still sending.
import { AppError } from '../../src/base/errors.js'
import type { Endpoint, OnDatagram } from '../../src/net/endpoint.js'
import type { BindOptions, UdpNetwork, UdpSocket } from '../../src/net/udp.js'
import { random } from './random.js'

/** Shares of all datagrams, 0 to 1. */
export interface Chance {
  readonly seed: number
  readonly lose?: number
  readonly double?: number
  /** Let one or more that are sent later go first. */
  readonly delay?: number
}

interface Bound { readonly host: string, readonly local: Endpoint, readonly onDatagram: OnDatagram }
interface Datagram { readonly data: Buffer, readonly from: Bound, readonly to: Endpoint }

export class FakeUdp {
  readonly #bound = new Set<Bound>()
  readonly #chance: Chance
  readonly #next: () => number
  #late: Datagram[] = []
  #nextPort = 49152
  #underWay = 0
  /** Everything that was sent, in order, lost or not; for a test to look at. */
  readonly sent: Array<{ readonly data: Buffer, readonly from: Endpoint, readonly to: Endpoint }> = []
  /** Whether `sent` is kept. */
  readonly #record: boolean

  constructor (chance: Chance = { seed: 0 }, { record = true } = {}) {
    this.#chance = chance
    this.#next = random(chance.seed)
    this.#record = record
  }

  /** The network as one machine sees it: its sockets on 0.0.0.0 send from `address`. */
  host (address: string): UdpNetwork {
    return { bind: async (options, onDatagram) => this.#bind(address, options, onDatagram) }
  }

  /** How many sockets are open: a closed thing leaves none. */
  get open (): number { return this.#bound.size }

  /** Waits until nothing is under way any more and everybody has had a turn; delayed datagrams arrive first. */
  async settle (): Promise<void> {
    for (let quiet = 0; quiet < 3;) {
      await new Promise(resolve => { setImmediate(resolve) })
      quiet = this.#underWay === 0 ? quiet + 1 : 0
      if (quiet > 0) this.#releaseLate()
    }
  }

  #bind (host: string, { address, port }: BindOptions, onDatagram: OnDatagram): UdpSocket {
    const clash = (wanted: number): boolean => [...this.#bound].some(b => b.host === host && b.local.port === wanted &&
      (b.local.address === address || b.local.address === '0.0.0.0' || address === '0.0.0.0'))
    if (port !== 0 && clash(port)) throw new AppError('address_in_use', `cannot listen on ${address}:${port}/udp: another program listens there`)
    let free = port
    while (free === 0 || clash(free)) {
      free = this.#nextPort
      this.#nextPort = this.#nextPort === 65535 ? 49152 : this.#nextPort + 1
    }
    const bound: Bound = { host, local: { address, port: free }, onDatagram }
    this.#bound.add(bound)
    return {
      local: bound.local,
      send: (data, to, sent) => {
        if (!this.#bound.has(bound)) { sent?.(new Error('the socket is closed')); return }
        this.#send({ data: Buffer.from(data), from: bound, to })
        sent?.(null)
      },
      close: async () => { this.#bound.delete(bound) }
    }
  }

  #send (datagram: Datagram): void {
    if (this.#record) this.sent.push({ data: datagram.data, from: sourceOf(datagram.from), to: datagram.to })
    const { lose = 0, double = 0, delay = 0 } = this.#chance
    if (this.#next() < lose) return
    if (this.#next() < delay) {
      this.#late.push(datagram)
      return
    }
    this.#deliver(datagram)
    if (this.#next() < double) this.#deliver(datagram)
    if (this.#next() < 0.5) this.#releaseLate()
  }

  #releaseLate (): void {
    const late = this.#late
    this.#late = []
    for (const datagram of late) this.#deliver(datagram)
  }

  #deliver ({ data, from, to }: Datagram): void {
    this.#underWay++
    queueMicrotask(() => {
      this.#underWay--
      for (const bound of [...this.#bound]) {
        const here = to.address === '255.255.255.255'
          ? bound.local.address === '0.0.0.0' && bound !== from
          : bound.local.address === to.address || (bound.local.address === '0.0.0.0' && bound.host === to.address)
        if (here && bound.local.port === to.port && this.#bound.has(bound)) bound.onDatagram(Buffer.from(data), sourceOf(from))
      }
    })
  }
}

const sourceOf = ({ host, local }: Bound): Endpoint => ({ address: local.address === '0.0.0.0' ? host : local.address, port: local.port })

/** A real network whose datagrams, in both directions, are lost, doubled and delayed by chance. */
export function lossy (network: UdpNetwork, { seed, lose = 0, double = 0, delay = 0 }: Chance): UdpNetwork {
  let channels = 0
  /** Passes one datagram on, or holds it back until the next one has gone. Each direction of a socket has its own chance. */
  const channel = (): ((pass: () => void) => void) => {
    const next = random(seed + 7919 * channels++)
    let late: Array<() => void> = []
    return pass => {
      if (next() < lose) return
      if (next() < delay) { late.push(pass); return }
      const held = late
      late = []
      pass()
      if (next() < double) pass()
      for (const one of held) one()
    }
  }
  return {
    bind: async (options, onDatagram) => {
      const inward = channel()
      const outward = channel()
      const socket = await network.bind(options, (data, from) => { inward(() => { onDatagram(data, from) }) })
      return {
        local: socket.local,
        send: (data, to, sent) => { outward(() => { socket.send(data, to, sent) }) },
        close: () => socket.close()
      }
    }
  }
}
