// The TFTP server: RFC 1350 reads with options, over UdpNetwork. Requests come to the listening sockets; each transfer
// gets another port on the address that was asked (transfer-ports.ts), unless a firewall or NAT in between wants everything
// to stay on one.
import type { Clock, Timer } from '../base/clock.js'
import { AppError, DecodeError, errnoOf, messageOf, unwaited } from '../base/errors.js'
import type { Logger } from '../base/log.js'
import type { UdpNetwork, UdpSocket } from '../net/udp.js'
import { normaliseFileName } from './file-name.js'
import { listen, type Listeners, type ListenOptions } from './listeners.js'
import { type TransferLimits, negotiate } from './negotiate.js'
import type { OpenFile } from '../disk/open-file.js'
import type { Endpoint } from '../net/endpoint.js'
import type { FileSource } from './file-source.js'
import { decodePacket, encodePacket, errorCodes, opcodes, optionsOf, type Packet, type TransferRequest } from './packet.js'
import { eventLevels, type RefusalReason, type TftpEvent, type TftpOccurrence } from './tftp-event.js'
import { goesOn, returnsWithin, servedFile } from './left-transfers.js'
import { TransferPlaces, type TransferSlot } from './places.js'
import { type OnPortDatagram, type TransferPort, TransferPorts } from './transfer-ports.js'
import { type Ending, TransferSession } from './transfer-session.js'
import { unsentHint, UnsentNews } from './unsent.js'

export interface TftpServerOptions extends TransferLimits, ListenOptions {
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

/** How often deadlines are looked at, in milliseconds: one timer for all transfers, none is touched for a packet. */
const tickEvery = 100

const refusalCodes = {
  write: errorCodes.accessViolation,
  name: errorCodes.accessViolation,
  access: errorCodes.accessViolation,
  mode: errorCodes.illegalOperation
} as const satisfies Readonly<Record<RefusalReason, number>>

const forbidden: ReadonlySet<string> = new Set(['EACCES', 'EPERM'])

class Server implements TftpServer {
  readonly #options: TftpServerOptions
  readonly #dependencies: TftpServerDependencies
  readonly #ports: TransferPorts
  readonly #places: TransferPlaces
  readonly #unsent = new UnsentNews()
  #listeners: Listeners | undefined
  #ticking: Timer | undefined
  #closing: Promise<void> | undefined

  constructor (options: TftpServerOptions, dependencies: TftpServerDependencies) {
    this.#options = options
    this.#dependencies = dependencies
    this.#ports = new TransferPorts({ ...dependencies, onUnserved: (...said) => { this.#onUnserved(...said) } })
    this.#places = new TransferPlaces({
      ...options,
      clock: dependencies.clock,
      isKnown: address => dependencies.macOf?.(address) !== undefined,
      hear: () => { this.#ports.readWaiting() },
      begin: slot => { unwaited(this.#begin(slot)) },
      onDropped: ({ client, name }) => { this.#emit(client, { type: 'dropped', file: name }) }
    })
  }

  get addresses (): readonly Endpoint[] { return this.#listeners?.addresses ?? [] }
  get transfers (): number { return this.#places.size }

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
    await this.#places.close(graceMs, session => { session.stop('the server is stopping') })
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
      const slot = this.#options.singlePort ? this.#places.get(keyOf(from, socket)) : undefined
      if (slot !== undefined) slot.session?.receive(packet)
      else if (!this.#goesOn(packet, from, socket)) this.#emit(from, { type: 'ignored', opcode: packet.opcode })
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

  #onReadRequest (request: TransferRequest, bytes: Buffer, from: Endpoint, socket: UdpSocket): void {
    const { filename, mode } = request
    const name = normaliseFileName(filename)
    if (this.#closing !== undefined) return
    if (mode !== 'octet' && mode !== 'netascii') return this.#refuse(filename, from, socket, 'mode', 'only the modes octet and netascii are known')
    if (name === undefined) return this.#refuse(filename, from, socket, 'name', 'a name may not contain ..')
    this.#keepTicking()
    const asked = { key: keyOf(from, socket), address: from.address, client: from, bytes, mode, name, listener: socket } as const
    const became = this.#places.ask(asked)
    if (became !== 'begins') this.#emit(from, { type: became === 'waits' ? 'waits' : 'duplicate', file: name })
  }

  /** Opens the file and starts the transfer. Whatever goes wrong is told to the client and the log. */
  async #begin (slot: TransferSlot): Promise<void> {
    const { client, name, mode, listener, resumption } = slot.asked
    let file: OpenFile | undefined
    try {
      file = await this.#dependencies.files.open(name, { client: client.address })
    } catch (error) {
      if (!slot.released && resumption === undefined) this.#cannotOpen(error, name, client, listener)
      return this.#places.release(slot)
    }
    if (slot.released) return await file?.close()
    // Silence has the client ask anew, and not end its boot.
    if (resumption !== undefined && (file === undefined || !goesOn(resumption, file, mode))) {
      this.#places.release(slot)
      return await file?.close()
    }
    if (file === undefined) {
      sendError(listener, client, errorCodes.fileNotFound, 'file not found')
      this.#emit(client, { type: 'missing', file: name })
      return this.#places.release(slot)
    }
    try {
      await this.#run(slot, file)
    } catch (error) {
      if (resumption === undefined) this.#cannotOpen(error, name, client, listener)
      this.#places.release(slot)
      await file.close()
    }
  }

  async #run (slot: TransferSlot, file: OpenFile): Promise<void> {
    const { client, bytes, mode, name, listener, resumption } = slot.asked
    const terms = negotiate(optionsOf(bytes), { limits: this.#options, size: mode === 'octet' ? file.size : undefined })
    const port = this.#options.singlePort ? undefined : await this.#takePort(slot, listener)
    const socket = this.#options.singlePort ? listener : port?.socket
    if (slot.released || socket === undefined) {
      port?.release()
      this.#places.release(slot)
      return await file.close()
    }
    const session = new TransferSession({
      name,
      mode,
      client,
      file,
      terms,
      socket,
      clock: this.#dependencies.clock,
      ...resumption && { confirmed: resumption.confirmed },
      onRefused: error => {
        const { clock, log } = this.#dependencies
        if (this.#unsent.isNews(clock.now())) log.warn({ ip: client.address, file: name, error: error.message, hint: unsentHint }, 'tftp.unsent')
      },
      onEnd: ending => {
        port?.release(slot.isExpected ? returnsWithin : undefined)
        file.close().catch((error: unknown) => { this.#dependencies.log.warn({ file: name, reason: messageOf(error) }, 'tftp.close-failed') })
        this.#emit(client, ended(session, ending))
        this.#places.release(slot)
      }
    })
    slot.session = session
    slot.served = { socket, file: servedFile(file) }
    if (resumption !== undefined) this.#emit(client, { type: 'resumed', file: name })
    session.start()
  }

  #takePort (slot: TransferSlot, listener: UdpSocket): Promise<TransferPort | undefined> {
    const { address, client, resumption } = slot.asked
    const onDatagram: OnPortDatagram = (data, from, socket) => {
      const packet = this.#decode(data, from, socket)
      if (packet !== undefined) slot.session?.receive(packet)
    }
    if (resumption !== undefined) return this.#ports.takeAgain(resumption.socket, client, onDatagram)
    const own = listener.local.address
    return this.#ports.take(own === '0.0.0.0' ? this.#dependencies.askedAddress?.(address) ?? own : own, client, onDatagram)
  }

  /** A packet from somebody who has no transfer on that port. */
  #onUnserved (data: Buffer, from: Endpoint, socket: UdpSocket, wasServed: boolean): void {
    const packet = this.#decode(data, from, socket)
    if (packet === undefined || this.#goesOn(packet, from, socket) || wasServed) return
    this.#emit(from, { type: 'foreign', opcode: packet.opcode })
    // It ends what a client does at that port, whichever transfer it was meant for (ROMs look at no sender).
    if (packet.opcode === 'ERROR' || !this.#places.areUnknown(keysOf(from, socket), from.address)) return
    sendError(socket, from, errorCodes.unknownTransferId, 'this port serves another transfer')
  }

  /** Whether it comes from a client whose transfer there may go on, which it does then, in its turn. */
  #goesOn (packet: Packet, from: Endpoint, socket: UdpSocket): boolean {
    if (this.#closing !== undefined) return false
    const became = keysOf(from, socket).map(key => this.#places.hearAgain(key, socket, packet)).find(found => found !== undefined)
    if (became !== undefined) this.#keepTicking()
    return became !== undefined
  }

  #keepTicking (): void { this.#ticking ??= this.#dependencies.clock.every(tickEvery, () => { this.#tick() }) }

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
    this.#places.tick(now, tickEvery)
    this.#ports.tick(now)
    if (this.#places.size > 0 || this.#places.waiting > 0 || this.#places.expectsAnybody(now) || !this.#ports.empty) return
    this.#ticking?.cancel()
    this.#ticking = undefined
    this.#places.rest()
  }

  #emit (client: Endpoint, occurrence: TftpOccurrence): void {
    const mac = this.#dependencies.macOf?.(client.address)
    const event: TftpEvent = { ip: client.address, ...mac === undefined ? {} : { mac }, ...occurrence }
    const { type, ...fields } = event
    this.#dependencies.log[eventLevels[type]](fields, `tftp.${type}`)
    this.#dependencies.onEvent?.(event)
  }
}

const keyFor = ({ address, port }: Endpoint, asked: string): string => `${address}:${port} ${asked}`
const keyOf = (client: Endpoint, socket: UdpSocket): string => keyFor(client, socket.local.address)
/** Those that a client may have who speaks to a transfer's socket: its request came to that address, or to a socket on all. */
const keysOf = (client: Endpoint, { local }: UdpSocket): string[] => [...new Set([local.address, '0.0.0.0'])].map(asked => keyFor(client, asked))

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
