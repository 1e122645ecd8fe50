// The TFTP server: RFC 1350 reads with options, over UdpNetwork. Requests come to the listening sockets; each transfer
// gets another port on the address that was asked (transfer-ports.ts), unless a firewall or NAT in between wants everything
// to stay on one.
import type { Clock, Timer } from '../base/clock.js'
import { AppError, DecodeError, errnoOf, messageOf, unwaited } from '../base/errors.js'
import type { Logger } from '../base/log.js'
import type { Endpoint, UdpNetwork, UdpSocket } from '../net/udp.js'
import { normaliseFileName } from './file-name.js'
import { listen, type Listeners, type ListenOptions } from './listeners.js'
import { type Limits, negotiate } from './negotiate.js'
import type { OpenFile } from '../disk/open-file.js'
import type { FileSource } from './file-source.js'
import { decodePacket, encodePacket, errorCodes, opcodes, type Packet, type Request } from './packet.js'
import { eventLevels, type RefusalReason, type TftpEvent, type TftpOccurrence } from './tftp-event.js'
import { type TransferPort, TransferPorts } from './transfer-ports.js'
import { type Ending, TransferSession } from './transfer-session.js'

export interface TftpServerOptions extends Limits, ListenOptions {
  /** Transfers stay on the listening port. */
  readonly singlePort: boolean
  readonly maxTransfers?: number
  readonly maxTransfersPerClient?: number
}

export interface TftpServerDependencies {
  readonly network: UdpNetwork
  readonly files: FileSource
  readonly clock: Clock
  readonly log: Logger
  readonly onEvent?: (event: TftpEvent) => void
  /** The hardware address of a client, when DHCP or the machine registry knows it. */
  readonly macOf?: (ip: string) => string | undefined
  readonly localAddresses?: () => readonly string[]
  /**
   * Which of our addresses a client asked, when its request came to a socket on all of them, which does not tell; undefined
   * leaves it to the kernel's routing.
   */
  readonly askedAddress?: (client: string) => string | undefined
}

export interface TftpServer {
  /** Where requests are taken. */
  readonly addresses: readonly Endpoint[]
  /** Transfers under way. */
  readonly transfers: number
  /** Takes no new requests, lets transfers under way finish for at most `graceMs`, then ends them. */
  close: (graceMs?: number) => Promise<void>
}

/** A machine room that powers on together, with room to spare; a NAT or a host of virtual machines is one client. */
export const defaultMaxTransfers = 1024
export const defaultMaxTransfersPerClient = 512
/** Of one client where three quarters of the places are taken: the last quarter is for those who come with less. */
export const transfersWhenCrowded = 128

/**
 * Milliseconds that a client has for its first answer before its transfer may have to give way: many times what one takes on a LAN.
 * Twice what our own loop is late comes on top: our answer leaves late then, and the client's is heard late.
 */
const timeToConfirm = 200
/** Milliseconds: a clock that was set is no loop that was held. */
const mostLate = 1000

/** More than one address can hold. */
const aboveAll = 1e6

/** How often deadlines are looked at, in milliseconds: one timer for all transfers, none is touched for a packet. */
const tickEvery = 100

/** A transfer from its request on; `session` is there once its file is open. */
interface Slot {
  readonly key: string
  readonly client: Endpoint
  readonly request: Buffer
  session: TransferSession | undefined
  /** Its place is free again, since it ended or another request took it: what is still under way for it comes to nothing. */
  released: boolean
}

const refusalCodes = {
  write: errorCodes.accessViolation,
  name: errorCodes.accessViolation,
  access: errorCodes.accessViolation,
  mode: errorCodes.illegalOperation,
  busy: errorCodes.notDefined
} as const satisfies Readonly<Record<RefusalReason, number>>

const forbidden: ReadonlySet<string> = new Set(['EACCES', 'EPERM'])

class Server implements TftpServer {
  readonly #options: TftpServerOptions
  readonly #dependencies: TftpServerDependencies
  /** By the client's address and port and our address: the transfer identifiers of RFC 1350. */
  readonly #slots = new Map<string, Slot>()
  readonly #perClient = new Map<string, number>()
  readonly #ports: TransferPorts
  #listeners: Listeners | undefined
  #ticking: Timer | undefined
  #ticked: number | undefined
  /** Milliseconds by which the last looks at the deadlines came late. */
  #late = 0
  #closing: Promise<void> | undefined
  /** Told when the last transfer is over. */
  #onIdle: () => void = () => {}

  constructor (options: TftpServerOptions, dependencies: TftpServerDependencies) {
    this.#options = options
    this.#dependencies = dependencies
    this.#ports = new TransferPorts({ ...dependencies, onForeign: (data, from, socket) => { this.#onForeign(data, from, socket) } })
  }

  get addresses (): readonly Endpoint[] { return this.#listeners?.addresses ?? [] }
  get transfers (): number { return this.#slots.size }

  async start (): Promise<this> {
    this.#listeners = await listen(this.#options, {
      ...this.#dependencies,
      onDatagram: (data, from, socket) => { this.#onDatagram(data, from, socket) }
    })
    return this
  }

  close (graceMs = 0): Promise<void> {
    this.#closing ??= this.#finish(graceMs)
    return this.#closing
  }

  async #finish (graceMs: number): Promise<void> {
    if (!this.#options.singlePort) await this.#listeners?.close()
    if (this.#slots.size > 0) {
      const idle = new Promise<void>(resolve => { this.#onIdle = resolve })
      const stop = (): void => {
        for (const slot of this.#slots.values()) {
          if (slot.session === undefined) this.#release(slot)
          else slot.session.stop('the server is stopping')
        }
      }
      const patience = graceMs > 0 ? this.#dependencies.clock.after(graceMs, stop) : undefined
      if (graceMs <= 0) stop()
      await idle
      patience?.cancel()
    }
    this.#ticking?.cancel()
    await this.#ports.close()
    if (this.#options.singlePort) await this.#listeners?.close()
  }

  #onDatagram (data: Buffer, from: Endpoint, socket: UdpSocket): void {
    const packet = this.#decode(data, from, socket)
    if (packet === undefined) return
    if (packet.opcode === 'RRQ') this.#onReadRequest(packet, data, from, socket)
    else if (packet.opcode === 'WRQ') this.#refuse(packet.filename, from, socket, 'write', 'this server is read-only')
    else {
      const slot = this.#options.singlePort ? this.#slots.get(keyOf(from, socket)) : undefined
      if (slot === undefined) this.#emit(from, { type: 'ignored', opcode: packet.opcode })
      else slot.session?.receive(packet)
    }
  }

  #decode (data: Buffer, from: Endpoint, socket: UdpSocket): Packet | undefined {
    try {
      return decodePacket(data)
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error
      this.#emit(from, { type: 'malformed', code: error.code })
      const opcode = data.length < 2 ? 0 : data.readUInt16BE(0)
      if (opcode === opcodes.RRQ || opcode === opcodes.WRQ) sendError(socket, from, errorCodes.illegalOperation, `malformed request: ${error.code}`)
      return undefined
    }
  }

  #onReadRequest (request: Request, bytes: Buffer, from: Endpoint, socket: UdpSocket): void {
    const { filename, mode } = request
    const name = normaliseFileName(filename)
    if (this.#closing !== undefined) return
    if (mode !== 'octet' && mode !== 'netascii') return this.#refuse(filename, from, socket, 'mode', 'only the modes octet and netascii are known')
    if (name === undefined) return this.#refuse(filename, from, socket, 'name', 'a name may not contain ..')
    const key = keyOf(from, socket)
    const before = this.#slots.get(key)
    if (before !== undefined) {
      if (before.request.equals(bytes) && before.session?.restartable !== true) return this.#emit(from, { type: 'duplicate', file: name })
      before.session?.replace()
      this.#release(before)
    }
    const mine = this.#perClient.get(from.address) ?? 0
    const { maxTransfers = defaultMaxTransfers, maxTransfersPerClient = defaultMaxTransfersPerClient } = this.#options
    const most = this.#slots.size >= maxTransfers * 3 / 4 ? Math.min(maxTransfersPerClient, transfersWhenCrowded) : maxTransfersPerClient
    if (mine >= most && !this.#makeRoom(from.address, true)) {
      return this.#refuse(filename, from, socket, 'busy', `there are ${mine} transfers to this address already, try again later`)
    }
    // What clients said while the loop was busy ends transfers, and confirms others, before one of them has to give way.
    if (this.#slots.size >= maxTransfers) this.#ports.readWaiting()
    if (this.#slots.size >= maxTransfers && !this.#makeRoom(from.address, false)) {
      return this.#refuse(filename, from, socket, 'busy', `the server is busy with ${maxTransfers} transfers, try again later`)
    }
    const slot: Slot = { key, client: from, request: bytes, session: undefined, released: false }
    this.#slots.set(key, slot)
    this.#perClient.set(from.address, (this.#perClient.get(from.address) ?? 0) + 1)
    this.#ticking ??= this.#dependencies.clock.every(tickEvery, () => { this.#tick() })
    unwaited(this.#begin(slot, request, mode, name, socket))
  }

  /**
   * Ends one transfer for the sake of a new one. First goes one that its client never confirmed, of the address that holds
   * the most: requests are cheap to send, also in the name of others. Then one that has stalled, of an address that
   * holds more than the one that asks. False when there is none.
   */
  #makeRoom (address: string, ofThatAddress: boolean): boolean {
    const now = this.#dependencies.clock.now()
    const held = (slot: Slot): number => this.#perClient.get(slot.client.address) ?? 0
    const mine = this.#perClient.get(address) ?? 0
    let best: Slot | undefined
    let bestRank = 0
    for (const slot of this.#slots.values()) {
      const { session, client } = slot
      if (session === undefined || (ofThatAddress && client.address !== address)) continue
      const unconfirmed = !session.heard && Math.abs(now - session.started) >= timeToConfirm + 2 * this.#late
      const rank = unconfirmed ? aboveAll + held(slot) : session.stalled && held(slot) > mine + 1 ? held(slot) : 0
      if (rank > bestRank) [best, bestRank] = [slot, rank]
    }
    best?.session?.giveWay()
    return best !== undefined
  }

  /** Opens the file and starts the transfer. Whatever goes wrong is told to the client and the log. */
  async #begin (slot: Slot, request: Request, mode: 'octet' | 'netascii', name: string, listener: UdpSocket): Promise<void> {
    const { client } = slot
    let file: OpenFile | undefined
    try {
      file = await this.#dependencies.files.open(name, { client: client.address })
    } catch (error) {
      if (!slot.released) this.#cannotOpen(error, name, client, listener)
      return this.#release(slot)
    }
    if (slot.released) return await file?.close()
    if (file === undefined) {
      sendError(listener, client, errorCodes.fileNotFound, 'file not found')
      this.#emit(client, { type: 'missing', file: name })
      return this.#release(slot)
    }
    try {
      await this.#run(slot, request, mode, name, file, listener)
    } catch (error) {
      this.#cannotOpen(error, name, client, listener)
      this.#release(slot)
      await file.close()
    }
  }

  async #run (slot: Slot, request: Request, mode: 'octet' | 'netascii', name: string, file: OpenFile, listener: UdpSocket): Promise<void> {
    const { client } = slot
    const terms = negotiate(request.options, { limits: this.#options, size: mode === 'octet' ? file.size : undefined })
    const port = this.#options.singlePort ? undefined : await this.#takePort(slot, listener)
    if (slot.released) {
      port?.release()
      return await file.close()
    }
    const session = new TransferSession({
      name,
      mode,
      client,
      file,
      terms,
      socket: port?.socket ?? listener,
      clock: this.#dependencies.clock,
      onEnd: ending => {
        port?.release()
        file.close().catch((error: unknown) => { this.#dependencies.log.warn({ file: name, reason: messageOf(error) }, 'tftp.close-failed') })
        this.#emit(client, ended(session, ending))
        this.#release(slot)
      }
    })
    slot.session = session
    session.start()
  }

  #takePort (slot: Slot, listener: UdpSocket): Promise<TransferPort> {
    const own = listener.local.address
    const address = own === '0.0.0.0' ? this.#dependencies.askedAddress?.(slot.client.address) ?? own : own
    return this.#ports.take(address, slot.client, (data, from, socket) => {
      const packet = this.#decode(data, from, socket)
      if (packet !== undefined) slot.session?.receive(packet)
    })
  }

  #onForeign (data: Buffer, from: Endpoint, socket: UdpSocket): void {
    const packet = this.#decode(data, from, socket)
    if (packet === undefined) return
    this.#emit(from, { type: 'foreign', opcode: packet.opcode })
    if (packet.opcode !== 'ERROR') sendError(socket, from, errorCodes.unknownTransferId, 'this port serves another transfer')
  }

  #cannotOpen (error: unknown, name: string, client: Endpoint, listener: UdpSocket): void {
    const denied = forbidden.has(errnoOf(error)) || (error instanceof AppError && error.code === 'permission_denied')
    this.#dependencies.log.warn({ ip: client.address, file: name, reason: messageOf(error) }, 'tftp.unreadable')
    if (denied) return this.#refuse(name, client, listener, 'access', 'the file may not be read')
    sendError(listener, client, errorCodes.notDefined, 'the file cannot be read')
    this.#emit(client, { type: 'refused', file: name, reason: 'access', message: messageOf(error) })
  }

  #refuse (file: string, client: Endpoint, socket: UdpSocket, reason: RefusalReason, message: string): void {
    sendError(socket, client, refusalCodes[reason], message)
    this.#emit(client, { type: 'refused', file, reason, message })
  }

  #tick (): void {
    const now = this.#dependencies.clock.now()
    const late = Math.max(0, now - (this.#ticked ?? now) - tickEvery)
    this.#late = Math.min(mostLate, Math.max(late, this.#late / 2))
    this.#ticked = now
    for (const slot of this.#slots.values()) slot.session?.tick(now)
    this.#ports.tick(now)
    if (this.#slots.size > 0 || !this.#ports.empty) return
    this.#ticking?.cancel()
    this.#ticking = undefined
    this.#ticked = undefined
  }

  /** Frees the slot's place, whatever state it is in; once. */
  #release (slot: Slot): void {
    if (slot.released) return
    slot.released = true
    this.#slots.delete(slot.key)
    const left = (this.#perClient.get(slot.client.address) ?? 1) - 1
    if (left > 0) this.#perClient.set(slot.client.address, left)
    else this.#perClient.delete(slot.client.address)
    if (this.#slots.size === 0) this.#onIdle()
  }

  #emit (client: Endpoint, occurrence: TftpOccurrence): void {
    const mac = this.#dependencies.macOf?.(client.address)
    const event: TftpEvent = { ip: client.address, ...mac === undefined ? {} : { mac }, ...occurrence }
    const { type, ...fields } = event
    this.#dependencies.log[eventLevels[type]](fields, `tftp.${type}`)
    this.#dependencies.onEvent?.(event)
  }
}

const keyOf = (client: Endpoint, socket: UdpSocket): string => `${client.address}:${client.port} ${socket.local.address}`

function sendError (socket: UdpSocket, to: Endpoint, code: number, message: string): void {
  socket.send(encodePacket({ opcode: 'ERROR', code, message }), to)
}

function ended (session: TransferSession, ending: Ending): TftpOccurrence {
  if (ending.type === 'done') return { type: 'done', ...session.facts, confirmed: ending.confirmed }
  const type = ending.reason === 'unreadable' || ending.reason === 'timeout' ? 'failed' : ending.reason
  return { type, ...session.facts, message: ending.message }
}

/** Throws AppError when it cannot listen. */
export async function startTftpServer (options: TftpServerOptions, dependencies: TftpServerDependencies): Promise<TftpServer> {
  return await new Server(options, dependencies).start()
}
