// UDP sockets, each on one address or one interface. The only user of node:dgram.
//
// What shapes it (measured on Linux): a socket bound to a unicast address receives no broadcasts, one bound to 0.0.0.0
// does; a send to 255.255.255.255 follows the routing table unless the socket is bound to a device; Node does not say
// which address a datagram was sent to, so whoever must answer from there binds a socket for each address.
import { createSocket, type Socket } from 'node:dgram'
import { AppError, errnoOf, messageOf, type SocketPort } from '../base/errors.js'
import type { Endpoint, OnDatagram } from './endpoint.js'
import { openSocket } from './open-socket.js'
import { enlarge, type ReadWaiting, waitingReader } from './receive-queue.js'
import { type ImmediateSender, immediateSender, type OnRefused, type SendNow } from './send-now.js'
import { type UnsentShare, unsentShareOf } from './unsent-share.js'

export interface UdpSocket {
  /** Where the socket is bound; the port is the real one when 0 was asked for. */
  readonly local: Endpoint
  /** Hands a datagram to the kernel. `sent` hears whether it took it; without it a refusal is forgotten, as a lost packet is. */
  send: (data: Uint8Array, to: Endpoint, sent?: (error: Error | null) => void) => void
  /**
   * Hands a datagram to the kernel before it returns, so that its memory may be used for the next: half the work of `send`. null when it
   * was taken, the error when it was refused, undefined when there is no room now. Only where the descriptor was made elsewhere.
   */
  readonly sendNow?: SendNow
  /**
   * Hands several to the kernel, in their order, those that lie behind one another in one call; their memory is the sender's again at once.
   * Only where the descriptor is known. `refused` hears of those that the kernel does not take.
   */
  readonly sendAll?: (datagrams: readonly Uint8Array[], to: Endpoint, refused?: OnRefused) => void
  /** What the kernel holds of what it took. Only where the descriptor is known. */
  readonly unsentShare?: UnsentShare
  /**
   * Reads at once what waits in the kernel, of which Node takes 32 in a turn of the event loop, until nothing does or `enough`
   * says so; each datagram comes as any other. Only where the descriptor was made elsewhere.
   */
  readonly readWaiting?: (enough: () => boolean) => void
  close: () => Promise<void>
}

export interface BindOptions {
  readonly address: string
  /** 0 takes any free port. */
  readonly port: number
  readonly broadcast?: boolean
  /** A bound descriptor made elsewhere (systemd, or net/device-socket); address and port then only describe it. */
  readonly fd?: number
  /** For a socket of much traffic: its descriptor is made here, so that it has all that is there only where it is known. */
  readonly direct?: boolean
  /** Kernel buffer in bytes for datagrams that wait to be read. */
  readonly receiveBuffer?: number
}

/** Where sockets come from: the kernel's in the program, a made-up network in tests. */
export interface UdpNetwork {
  bind: (options: BindOptions, onDatagram: OnDatagram) => Promise<UdpSocket>
}

const codeOf = { EADDRINUSE: 'address_in_use', EADDRNOTAVAIL: 'address_not_here', EACCES: 'permission_denied' } as const

/** What getaddrinfo(3) says of a name that leads nowhere. */
const isUnresolved = (errno: string): boolean => errno === 'ENOTFOUND' || errno.startsWith('EAI_')

/** Why a host's port can't be listened on, in one line that says what to do. */
export function listenError (error: unknown, host: string, port: SocketPort): AppError {
  const errno = errnoOf(error)
  const code = errno in codeOf ? codeOf[errno as keyof typeof codeOf] : 'socket_failed'
  const why = {
    address_in_use: 'another program listens there',
    address_not_here: 'no interface has that address',
    permission_denied: 'ports below 1024 need root, CAP_NET_BIND_SERVICE or a systemd socket',
    socket_failed: isUnresolved(errno) ? `that name does not resolve here (${errno})` : messageOf(error)
  }[code]
  return new AppError(code, `cannot listen on ${host.includes(':') ? `[${host}]` : host}:${port.port}/${port.transport}: ${why}`, { cause: error, port })
}

interface KnownDescriptor { readonly read: ReadWaiting, readonly out: ImmediateSender, readonly unsent: UnsentShare }

/** Datagrams of a socket that wait in Node, as the kernel has no room for them; what is more is lost, as any datagram may be. */
export const mostQueued = 512

class DgramSocket implements UdpSocket {
  readonly local: Endpoint
  readonly #socket: Socket
  #closing: Promise<void> | undefined

  readonly readWaiting?: (enough: () => boolean) => void
  readonly sendNow?: SendNow
  readonly sendAll?: (datagrams: readonly Uint8Array[], to: Endpoint, refused?: OnRefused) => void
  readonly unsentShare?: UnsentShare

  constructor (socket: Socket, local: Endpoint, known?: KnownDescriptor) {
    this.#socket = socket
    this.local = local
    if (known === undefined) return
    const { read, out, unsent } = known
    const isOpen = (): boolean => this.#closing === undefined
    this.readWaiting = enough => { read(enough, isOpen) }
    this.unsentShare = () => isOpen() ? unsent() : 0
    this.sendNow = (data, to) => isOpen() ? out.send(data, to) : new Error('the socket is closed')
    this.sendAll = (datagrams, to, refused) => {
      if (!isOpen()) return
      // What the kernel has no room for now waits in Node, which would send what is in the memory by then.
      for (let n = out.sendAll(datagrams, to, refused); n < datagrams.length; n++) this.send(Buffer.from(datagrams[n]!), to)
    }
  }

  send (data: Uint8Array, to: Endpoint, sent?: (error: Error | null) => void): void {
    if (this.#closing !== undefined) {
      sent?.(new Error('the socket is closed'))
      return
    }
    if (this.#socket.getSendQueueCount() >= mostQueued) sent?.(new Error('send EAGAIN'))
    else this.#socket.send(data, to.port, to.address, sent)
  }

  close (): Promise<void> {
    this.#closing ??= new Promise(resolve => { this.#socket.close(() => { resolve() }) })
    return this.#closing
  }
}

/** Addresses are numbers here, never names: node:dgram would otherwise ask its resolver before each send, a tick later. */
type LookupCallback = (error: Error | null, address: string, family: number) => void
const lookup = (address: string, _options: unknown, callback: LookupCallback): void => { callback(null, address, 4) }

export const kernelUdp: UdpNetwork = {
  bind: async (options, onDatagram) => {
    const socket = createSocket({ type: 'udp4', lookup })
    let fd: number | undefined
    try {
      await new Promise<void>((resolve, reject) => {
        socket.once('error', reject)
        socket.once('listening', resolve)
        fd = options.fd ?? (options.direct === true ? openSocket(options.address, options.port) : undefined)
        if (fd === undefined) socket.bind({ address: options.address, port: options.port, exclusive: true })
        else socket.bind({ fd })
      })
      socket.removeAllListeners('error')
      // An ICMP "port unreachable" for something sent earlier arrives here; it must never end the process.
      socket.on('error', () => {})
      if (options.broadcast === true) socket.setBroadcast(true)
      if (options.receiveBuffer !== undefined) {
        if (fd !== undefined) enlarge(fd, options.receiveBuffer)
        // What the kernel says is twice what was asked for.
        else if (socket.getRecvBufferSize() < 2 * options.receiveBuffer) socket.setRecvBufferSize(options.receiveBuffer)
      }
    } catch (error) {
      socket.close()
      throw listenError(error, options.address, { port: options.port, transport: 'udp' })
    }
    // Port 0 cannot be answered: node:dgram throws on it.
    const hear: OnDatagram = (data, from) => { if (from.port !== 0) onDatagram(data, from) }
    const { address, port } = socket.address()
    const known = fd === undefined ? undefined : { read: waitingReader(fd, hear), out: immediateSender(fd), unsent: unsentShareOf(fd) }
    const bound = new DgramSocket(socket, { address, port }, known)
    socket.on('message', options.direct === true ? readingOn(hear, bound) : hear)
    return bound
  }
}

/** Datagrams of a socket of much traffic that are read in a row: for each but the first half of the way from the kernel is saved. */
const inARow = 32

/** Hands on what Node has read, and what else waits, before Node reads on. */
function readingOn (hear: OnDatagram, socket: UdpSocket): OnDatagram {
  return (data, from) => {
    hear(data, from)
    let asked = 0
    socket.readWaiting?.(() => (asked += 8) >= inARow)
  }
}
