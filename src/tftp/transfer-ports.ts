// The ports that transfers are served from: the server's transfer identifiers (RFC 1350 section 4).
//
// A socket is kept open between transfers, since opening one costs as much as sending several blocks. As long as few
// machines boot each transfer has a port to itself; in a crowd they share, told apart by the client's address and port as
// on a single port, and one look at a socket brings the packets of several.
import type { Clock } from '../base/clock.js'
import type { UdpNetwork, UdpSocket } from '../net/udp.js'
import { unwaited } from '../base/errors.js'
import type { Endpoint } from '../net/endpoint.js'

export type OnPortDatagram = (data: Buffer, from: Endpoint, socket: UdpSocket) => void

export interface TransferPort {
  readonly socket: UdpSocket
  /** To be called once, when the transfer is over. `stays`: milliseconds (`dallying`) in which its client may be heard still. */
  release: (stays?: number) => void
}

/** `wasServed`: the client had a transfer there a moment ago. */
export type OnUnserved = (data: Buffer, from: Endpoint, socket: UdpSocket, wasServed: boolean) => void

export interface TransferPortsDependencies {
  readonly network: UdpNetwork
  readonly clock: Clock
  /** A packet from somebody who has no transfer on that port. */
  readonly onUnserved: OnUnserved
}

/** Sockets on each local address; with more transfers than that they share. Measured: with 4 a packet costs a tenth less than with 32. */
const portsPerAddress = 8

/** Bytes: the ACKs of a crowd wait here while the process is busy. */
const receiveBuffer = 1024 * 1024

/**
 * Milliseconds in which a client that is done may still be heard on the port: its last ACK, repeated by it or the network.
 * That is no foreign packet; error 5 in answer to it would end the next transfer of a ROM that keeps its port and
 * looks at no sender. A socket without a transfer is closed when this time is over.
 */
const dallying = 3000

/** Packets that are read of a socket at once when it matters who has answered. */
const mostWaiting = 256

/** Former clients remembered for each socket; a stranger who asks and leaves again and again makes them at will. */
const maxFormer = 1024

class Port {
  readonly #dependencies: TransferPortsDependencies
  readonly #clients = new Map<string, OnPortDatagram>()
  /** When each client that was served here left, the first first. */
  readonly #former = new Map<string, number>()
  #socket: Promise<UdpSocket> | undefined
  #open: UdpSocket | undefined
  /** Nobody is expected to say anything from then on, if nobody is served. */
  #openUntil = 0

  constructor (dependencies: TransferPortsDependencies) { this.#dependencies = dependencies }

  /** Transfers served here. */
  get users (): number { return this.#clients.size }

  /** When the client left last, 0 when it was not here lately. */
  leftAt (client: string): number { return this.#former.get(client) ?? 0 }

  isIdle (now: number): boolean { return this.users === 0 && now >= this.#openUntil }
  isServing (client: string): boolean { return this.#clients.has(client) }
  isOn (socket: UdpSocket): boolean { return this.#open === socket }

  async serve (client: string, address: string, onDatagram: OnPortDatagram): Promise<TransferPort> {
    this.#clients.set(client, onDatagram)
    this.#former.delete(client)
    const release = (stays = dallying): void => {
      if (this.#clients.get(client) === onDatagram) this.#leave(client, stays)
    }
    try {
      this.#socket ??= this.#bind(address)
      return { socket: await this.#socket, release }
    } catch (error) {
      // The next transfer tries anew.
      this.#socket = undefined
      release()
      throw error
    }
  }

  /** Reads what waits in the kernel, but no more than a crowd's next packets. */
  readWaiting (): void {
    let asked = 0
    this.#open?.readWaiting?.(() => (asked += 8) >= mostWaiting)
  }

  close (): Promise<unknown> { return this.#socket?.then(socket => socket.close(), () => {}) ?? Promise.resolve() }

  async #bind (address: string): Promise<UdpSocket> {
    const { network, onUnserved } = this.#dependencies
    const socket = await network.bind({ address, port: 0, receiveBuffer, direct: true }, (data, from) => {
      const key = keyOf(from)
      const serve = this.#clients.get(key)
      if (serve !== undefined) serve(data, from, socket)
      else onUnserved(data, from, socket, this.#former.has(key))
    })
    this.#open = socket
    return socket
  }

  #leave (client: string, stays: number): void {
    const now = this.#dependencies.clock.now()
    this.#clients.delete(client)
    this.#former.set(client, now)
    this.#openUntil = Math.max(this.#openUntil, now + stays)
    this.forget(now, maxFormer)
  }

  /** Forgets clients that left long ago, and the eldest of more than `most`. */
  forget (now: number, most = maxFormer): void {
    for (const [client, left] of this.#former) {
      if (this.#former.size <= most && now - left < dallying) break
      this.#former.delete(client)
    }
  }
}

const keyOf = ({ address, port }: Endpoint): string => `${address}:${port}`

export class TransferPorts {
  readonly #dependencies: TransferPortsDependencies
  readonly #ports = new Map<string, Port[]>()

  constructor (dependencies: TransferPortsDependencies) { this.#dependencies = dependencies }

  /** Whether no socket is open. */
  get empty (): boolean { return this.#ports.size === 0 }

  /** A port on the local `address` for a transfer to `client`, whose packets go to `onDatagram`. Rejects when none can be opened. */
  async take (address: string, client: Endpoint, onDatagram: OnPortDatagram): Promise<TransferPort> {
    const key = keyOf(client)
    const ports = this.#ports.get(address) ?? []
    this.#ports.set(address, ports)
    const port = this.#choose(ports, key)
    return await port.serve(key, address, onDatagram)
  }

  /** The port of that socket, once more for a client that had a transfer there; undefined when it is closed or serves that client. */
  async takeAgain (socket: UdpSocket, client: Endpoint, onDatagram: OnPortDatagram): Promise<TransferPort | undefined> {
    const key = keyOf(client)
    const port = this.#ports.get(socket.local.address)?.find(port => port.isOn(socket))
    return port === undefined || port.isServing(key) ? undefined : await port.serve(key, socket.local.address, onDatagram)
  }

  /** Hears at once what clients have said: a loop that is busy reads it later, and it is not they who were late then. */
  readWaiting (): void {
    for (const ports of this.#ports.values()) for (const port of ports) port.readWaiting()
  }

  /** Closes what has not been used for a while: to be called now and then until `empty`. */
  tick (now: number): void {
    for (const [address, ports] of this.#ports) {
      for (const port of ports) port.forget(now)
      const kept = ports.filter(port => !port.isIdle(now))
      if (kept.length === ports.length) continue
      for (const port of ports) if (!kept.includes(port)) unwaited(port.close())
      if (kept.length === 0) this.#ports.delete(address)
      else this.#ports.set(address, kept)
    }
  }

  async close (): Promise<void> {
    const open = [...this.#ports.values()].flat()
    this.#ports.clear()
    await Promise.all(open.map(port => port.close()))
  }

  /**
   * One that has not lately served the client, else the one it left longest ago, so that no late packet meets a later
   * transfer; of these the least busy.
   */
  #choose (ports: Port[], client: string): Port {
    const first = Math.floor(Math.random() * ports.length)
    let best: Port | undefined
    for (let i = 0; i < ports.length; i++) {
      const port = ports[(first + i) % ports.length]!
      const later = best === undefined ? -1 : port.leftAt(client) - best.leftAt(client)
      if (best === undefined || later < 0 || (later === 0 && port.users < best.users)) best = port
    }
    if (best !== undefined && (ports.length >= portsPerAddress || (best.users === 0 && best.leftAt(client) === 0))) return best
    const opened = new Port(this.#dependencies)
    ports.push(opened)
    return opened
  }
}
