// The sockets that requests come to. A client expects its answer from the address it asked (RFC 1350 leaves only the
// port open, and NATs and several ROMs insist), so "all addresses" means a socket on each, kept in step with the machine.
import type { Clock } from '../base/clock.js'
import { AppError, messageOf } from '../base/errors.js'
import { localAddresses } from '../net/interfaces.js'
import { formatIpv4 } from '../net/ipv4.js'
import type { UdpNetwork, UdpSocket } from '../net/udp.js'
import type { Logger } from '../base/log.js'
import type { Endpoint } from '../net/endpoint.js'

export interface ListenOptions {
  /** An IPv4 address; 0.0.0.0 is all that the machine has, those that come later included. */
  readonly address: string
  readonly port: number
  /** Bound descriptors (from systemd), taken as they are. */
  readonly sockets?: ReadonlyArray<Endpoint & { readonly fd: number }>
}

export interface ListenDependencies {
  readonly network: UdpNetwork
  readonly clock: Clock
  readonly log: Logger
  readonly localAddresses?: () => readonly string[]
  readonly onDatagram: (data: Buffer, from: Endpoint, socket: UdpSocket) => void
}

export interface Listeners {
  readonly addresses: readonly Endpoint[]
  close: () => Promise<void>
}

/** Octets. Requests wait here while the process is busy: five hundred machines powered on together ask within milliseconds. */
const receiveBuffer = 4 * 1024 * 1024
/** Milliseconds between two looks at the addresses that the machine has. */
const rescanEvery = 5000

class EveryAddress implements Listeners {
  readonly #port: number
  readonly #dependencies: ListenDependencies
  readonly #localAddresses: () => readonly string[]
  readonly #sockets = new Map<string, UdpSocket>()
  /** Addresses that could not be bound, so that it is said once. */
  readonly #failed = new Set<string>()
  #scanning: Promise<void> = Promise.resolve()
  #closed = false
  /** The last scan failed, which has been said. */
  #blind = false
  #timer: { cancel: () => void } | undefined

  constructor (port: number, dependencies: ListenDependencies) {
    this.#port = port
    this.#dependencies = dependencies
    this.#localAddresses = dependencies.localAddresses ?? (() => [...new Set(localAddresses().map(({ ip }) => formatIpv4(ip)))])
  }

  get addresses (): Endpoint[] { return [...this.#sockets.values()].map(socket => socket.local) }

  async start (): Promise<this> {
    try {
      for (const address of this.#localAddresses()) await this.#bindIfHere(address)
    } catch (error) {
      await this.close()
      throw error
    }
    if (this.#sockets.size === 0) throw new AppError('address_not_here', `cannot listen on port ${this.#port}/udp: this machine has no IPv4 address`)
    this.#timer = this.#dependencies.clock.every(rescanEvery, () => {
      this.#scanning = this.#scanning.then(() => this.#rescan()).catch(this.#rescanFailed)
    })
    return this
  }

  async close (): Promise<void> {
    this.#closed = true
    this.#timer?.cancel()
    await this.#scanning
    await Promise.all([...this.#sockets.values()].map(socket => socket.close()))
  }

  /** An address can be gone before it is bound. */
  async #bindIfHere (address: string): Promise<void> {
    try {
      await this.#bind(address)
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== 'address_not_here') throw error
    }
  }

  async #bind (address: string): Promise<void> {
    // Port 0 (tests) is one and the same port on every address.
    const port = this.#port === 0 ? [...this.#sockets.values()][0]?.local.port ?? 0 : this.#port
    const socket = await this.#dependencies.network.bind({ address, port, receiveBuffer, direct: true },
      (data, from) => { this.#dependencies.onDatagram(data, from, socket) })
    this.#sockets.set(address, socket)
  }

  /** The kernel does not say its addresses (no descriptor is free): the sockets stay as they are, and the next scan may be told. */
  readonly #rescanFailed = (error: unknown): void => {
    if (!this.#blind) this.#dependencies.log.warn({ reason: messageOf(error) }, 'tftp.addresses-unknown')
    this.#blind = true
  }

  async #rescan (): Promise<void> {
    if (this.#closed) return
    const here = new Set(this.#localAddresses())
    this.#blind = false
    for (const [address, socket] of this.#sockets) {
      if (here.has(address)) continue
      this.#sockets.delete(address)
      await socket.close()
      this.#dependencies.log.info({ address }, 'tftp.address-gone')
    }
    for (const address of here) {
      if (this.#sockets.has(address)) continue
      try {
        await this.#bind(address)
        this.#failed.delete(address)
        this.#dependencies.log.info({ address }, 'tftp.address-new')
      } catch (error) {
        if (!this.#failed.has(address)) this.#dependencies.log.warn({ address, reason: messageOf(error) }, 'tftp.address-failed')
        this.#failed.add(address)
      }
    }
  }
}

/** Throws AppError when the port cannot be had on any of the addresses. */
export async function listen (options: ListenOptions, dependencies: ListenDependencies): Promise<Listeners> {
  const { sockets: given = [], ...own } = options
  if (given.length === 0 && own.address === '0.0.0.0') return await new EveryAddress(own.port, dependencies).start()
  const sockets = await Promise.all((given.length === 0 ? [own] : given).map(async where => {
    const socket: UdpSocket = await dependencies.network.bind({ ...where, receiveBuffer, direct: true },
      (data, from) => { dependencies.onDatagram(data, from, socket) })
    return socket
  }))
  return {
    addresses: sockets.map(socket => socket.local),
    close: async () => { await Promise.all(sockets.map(socket => socket.close())) }
  }
}
