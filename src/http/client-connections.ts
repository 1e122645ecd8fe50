// What a client's connection may hold, before anybody looks at what it asks: a place among the others, one request at a time,
// so many octets of headers, and so much time without getting on.
import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { Server as TlsServer, TLSSocket } from 'node:tls'
import type { Clock, Timer } from '../base/clock.js'
import { Pace } from '../base/pace.js'
import { Connections } from '../net/connections.js'
import type { ShareLimits } from '../net/shares.js'
import { UnreadConnections } from '../net/unread-connections.js'
import { carrierOf, shortenedBy } from './client-error.js'
import { Turns } from './in-turn.js'
import { ReadPace } from './read-pace.js'
import { Unfinished } from './unfinished.js'

/** Octets of all header lines together, and how many lines. */
export const mostHeaderBytes = 64 * 1024
export const mostHeaders = 1000
/** Labels of a request: each takes a microsecond or two to read, and a target has room for a quarter of a million. */
export const mostLabels = 4096

export interface ClientConnectionsOptions extends ShareLimits {
  /** Milliseconds without an octet coming or going while a request is answered; then the connection is cut. */
  readonly progressTimeout: number
  /** Shares the turns of the event loop with others that have much to do; one of its own without it. */
  readonly pace?: Pace
  readonly readPace?: ReadPace
  /** How many wait for a place when all are taken and each address holds as little; nobody without it. */
  readonly waiting?: ShareLimits
  /** For looks at what has not come whole and at who waits; without it nobody looks. */
  readonly clock?: Pick<Clock, 'every'>
  /** Milliseconds of a clock that nobody sets. */
  readonly steady?: () => number
}

/** Milliseconds that a TLS handshake may take the processor when the client has sent its hello: RSA with 4,096 bits. */
const handshakeCost = 4

/**
 * Milliseconds without a request after which a connection gives way to one that waits. iPXE asks for the next file within a few, and
 * would stand at the end of the line with a new connection.
 */
const shortIdle = 1000
/** Milliseconds between two looks at whether anybody gives way to those that wait. */
const seatEvery = 250

/** One for all listeners that serve the same application. */
export class ClientConnections {
  readonly #progressTimeout: number
  readonly #places: Connections
  readonly #turns: Turns
  readonly #pace: Pace
  readonly #unfinished: Unfinished
  readonly #readPace: ReadPace
  /** Those that wait for a place. */
  readonly #unread = new UnreadConnections()
  /** Those on which a request is being answered. */
  readonly #busy = new Set<Socket>()
  /** When the others' last answer was sent, or they came. */
  readonly #idleSince = new WeakMap<Socket, number>()
  readonly #clock: Pick<Clock, 'every'> | undefined
  readonly #steady: () => number
  #seating: Timer | undefined
  /** The connection below TLS, which is what holds the place. */
  readonly #below = new WeakMap<Socket, Socket>()

  constructor ({
    all, perAddress, progressTimeout, pace = new Pace(), readPace = new ReadPace(), waiting, clock, steady = () => performance.now()
  }: ClientConnectionsOptions) {
    this.#clock = clock
    this.#steady = steady
    this.#readPace = readPace
    this.#progressTimeout = progressTimeout
    this.#pace = pace
    this.#turns = new Turns(pace)
    const isIdle = (socket: Socket): boolean => !this.#busy.has(socket)
    const isIdleForLong = (socket: Socket): boolean => isIdle(socket) && this.#steady() - (this.#idleSince.get(socket) ?? 0) >= shortIdle
    const line = waiting === undefined || waiting.all === 0 ? undefined : { ...waiting, giveWay: isIdleForLong }
    this.#places = new Connections({ all, perAddress, giveWay: [isIdle], ...line !== undefined && { line } })
    this.#unfinished = new Unfinished({ all, perAddress }, socket => { this.#places.release(socket) }, clock)
  }

  get count (): number { return this.#places.count }
  get refused (): number { return this.#places.refused + this.#unfinished.refused }
  get displaced (): number { return this.#places.displaced + this.#unfinished.displaced }
  /** Requests that wait for an earlier one of their connection. */
  get waiting (): number { return this.#turns.waiting }
  /** Connections that wait for a place. */
  get inLine (): number { return this.#places.waiting }

  /** Admits what connects to the server, which must not have begun to listen. */
  watch (server: Server): void {
    // One more, to see that there are more.
    server.maxHeadersCount = mostHeaders + 1
    server.setTimeout(this.#progressTimeout)
    const [listener, ...others] = server.listeners('connection')
    const begin = (connection: Duplex): void => { listener?.call(server, connection) }
    const admitted = server instanceof TlsServer ? this.#handshakes(server, begin) : (socket: Socket) => { this.#plain(socket, begin) }
    server.removeAllListeners('connection')
    // A request that is read once more comes as a connection too, but one that has its place already.
    server.on('connection', (connection: Duplex) => { if (connection instanceof Socket) this.#enter(connection, admitted); else begin(connection) })
    for (const other of others) server.on('connection', other as (connection: Duplex) => void)
    server.on('request', ({ socket }: IncomingMessage) => {
      this.#readPace.read()
      const place = this.#placeOf(socket)
      if (place !== undefined) this.#unfinished.asked(place)
    })
  }

  #enter (socket: Socket, admitted: (socket: Socket) => void): void {
    if (socket.destroyed) return
    // Whoever waits has no listener of the server's yet.
    socket.on('error', unheard)
    // First: where too many say nothing one of them gives way, and nobody who has asked.
    if (!this.#unfinished.connected(socket)) return
    let waits = false
    this.#places.enter(socket, () => {
      this.#idleSince.set(socket, this.#steady())
      if (waits) this.#unread.release(socket)
      if (!waits || this.#unfinished.connected(socket)) admitted(socket)
    })
    waits = true
    if (!this.#idleSince.has(socket)) {
      // It counts as silent when it has its place: what it sends meanwhile nobody reads.
      this.#unfinished.asked(socket)
      if (!socket.destroyed) this.#unread.add(socket)
    }
    if (this.#places.waiting > 0) this.#seating ??= this.#clock?.every(seatEvery, () => { this.#seat() })
  }

  #seat (): void {
    this.#unread.look()
    this.#places.seat()
    if (this.#places.waiting > 0) return
    this.#seating?.cancel()
    this.#seating = undefined
  }

  #plain (socket: Socket, begin: (connection: Duplex) => void): void {
    this.#readPace.watch(socket)
    this.#unfinished.count(socket)
    begin(socket)
  }

  /** Handshakes begin so many a turn: a hundred at once would hold the loop. */
  #handshakes (server: TlsServer, begin: (connection: Duplex) => void): (socket: Socket) => void {
    /** Of connections whose TLS handshake is not done. */
    const unsecured = new Map<string, Socket>()
    server.on('secureConnection', (secure: TLSSocket) => {
      this.#readPace.watch(secure)
      const below = unsecured.get(peerOf(secure))
      if (below === undefined) return
      this.#below.set(secure, below)
      this.#unfinished.shaken(below)
      this.#unfinished.count(secure)
    })
    return socket => {
      const peer = peerOf(socket)
      unsecured.set(peer, socket)
      socket.once('close', () => { if (unsecured.get(peer) === socket) unsecured.delete(peer) })
      this.#pace.run(() => { if (!socket.destroyed && this.#unfinished.shaking(socket)) begin(socket) }, handshakeCost)
    }
  }

  /** `handle` for one request of a connection after the other. */
  listener (handle: RequestListener): RequestListener {
    return this.#turns.listener((request, response) => {
      if (this.#begin(request, response)) handle(request, response)
    })
  }

  /** The server closes: nobody gets a place any more who has none. */
  dismiss (): void { this.#places.dismiss() }

  /** The answer to this request takes as long as its client has asked for: nothing need come or go meanwhile. */
  hold (request: IncomingMessage, response: ServerResponse): void {
    request.socket.setTimeout(0)
    this.#turns.hold(request, response)
  }

  #begin (request: IncomingMessage, response: ServerResponse): boolean {
    const socket = this.#placeOf(request.socket)
    const headerBytes = lengthOf(request.rawHeaders)
    if (socket !== undefined) {
      this.#busy.add(socket)
      const headBytes = headerBytes + lineLength(request) + shortenedBy(request.socket)
      response.on('close', () => {
        this.#busy.delete(socket)
        this.#idleSince.set(socket, this.#steady())
        this.#places.used(socket)
        this.#answered(request, headBytes)
      })
    }
    // An answer before this one may have had a time of its own.
    if (request.socket.timeout !== this.#progressTimeout) request.socket.setTimeout(this.#progressTimeout)
    if (headerBytes <= mostHeaderBytes && request.rawHeaders.length <= 2 * mostHeaders && !hasMoreLabels(request.url ?? '')) return true
    const body = '431 Request Header Fields Too Large'
    response.writeHead(431, { 'content-type': 'text/plain; charset=utf-8', 'content-length': body.length, connection: 'close' }).end(body)
    return false
  }

  #answered ({ socket, headers, complete }: IncomingMessage, headBytes: number): void {
    const carrier = carrierOf(socket)
    if (!(carrier instanceof Socket)) return
    const body = complete ? Number(headers['content-length'] ?? 0) : 0
    this.#unfinished.answered(carrier, headBytes + (Number.isFinite(body) ? body : 0))
  }

  #placeOf (socket: Duplex): Socket | undefined {
    const carrier = carrierOf(socket)
    return carrier instanceof Socket ? this.#below.get(carrier) ?? carrier : undefined
  }
}

const unheard = (): void => {}

const peerOf = ({ remoteAddress, remotePort }: Socket): string => `${remoteAddress} ${remotePort}`

function hasMoreLabels (url: string): boolean {
  let count = 1
  for (let at = url.indexOf('&'); at >= 0; at = url.indexOf('&', at + 1)) if (++count > mostLabels) return true
  return false
}

/** Octets of the header lines: a colon, a blank and a line's end each. */
function lengthOf (rawHeaders: readonly string[]): number {
  let bytes = 0
  for (const text of rawHeaders) bytes += text.length + 2
  return bytes
}

/** Octets of the request line and of the empty one. */
const lineLength = ({ method = '', url = '' }: IncomingMessage): number => method.length + url.length + ' '.length + ' HTTP/1.1\r\n\r\n'.length
