// What Node's HTTP parser refuses. Most of it gets the answer that Go's server gives, but two things Go's server takes: any
// token as a method, which Matchbox answers like GET, and bytes beyond ASCII in the request target. Such a request is read
// once more with a line that the parser knows.
import { type Server, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { errnoOf } from '../base/errors.js'
import type { Logger } from '../base/log.js'

const reasons: Readonly<Record<string, { readonly status: string, readonly body: string }>> = {
  HPE_HEADER_OVERFLOW: { status: '431 Request Header Fields Too Large', body: '431 Request Header Fields Too Large' },
  HPE_INVALID_HEADER_TOKEN: { status: '400 Bad Request', body: '400 Bad Request: invalid header name' },
  HPE_INVALID_TRANSFER_ENCODING: { status: '501 Not Implemented', body: 'Unsupported transfer encoding' },
  ERR_HTTP_REQUEST_TIMEOUT: { status: '408 Request Timeout', body: '408 Request Timeout' }
}
const badRequest = { status: '400 Bad Request', body: '400 Bad Request' }

const lingerMilliseconds = 2000

const requestLine = /^([!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}) ([^ \r\n]+)(?= HTTP\/1\.[01]\r\n)/

export function answerClientError (server: Server, error: Error, socket: Duplex, log: Logger): void {
  const code = errnoOf(error)
  if (code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  const answering = '_httpMessage' in socket ? socket._httpMessage : undefined
  if (answering instanceof ServerResponse && (answering.headersSent || answering.req.complete)) {
    afterwards(socket, answering, () => { answerClientError(server, error, socket, log) })
    return
  }
  const again = code === 'HPE_INVALID_METHOD' || code === 'HPE_INVALID_URL' ? replay(error, code, socket) : undefined
  if (again !== undefined) {
    server.emit('connection', again)
    return
  }
  log.debug({ code }, 'http.refused')
  const { status, body } = reasons[code] ?? badRequest
  socket.end(`HTTP/1.1 ${status}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`)
  // A connection that is closed while the client still sends is reset, and the client never sees the answer.
  socket.on('data', () => {})
  const timer = setTimeout(() => { socket.destroy() }, lingerMilliseconds).unref()
  socket.on('close', () => { clearTimeout(timer) })
}

/** Connections on which something odd waits for the answers before it; `more`: something came after it. */
const waiting = new WeakMap<Duplex, { more: boolean }>()

/** Calls `next` when the request before has been answered. What came meanwhile can't be put in its place, and ends the connection. */
function afterwards (socket: Duplex, answering: ServerResponse, next: () => void): void {
  const known = waiting.get(socket)
  if (known !== undefined) {
    known.more = true
    return
  }
  const here = { more: false }
  waiting.set(socket, here)
  answering.once('close', () => {
    waiting.delete(socket)
    if (here.more) socket.destroy()
    else next()
  })
}

function replay (error: Error, code: string, socket: Duplex): Replayed | undefined {
  if (!('rawPacket' in error) || !Buffer.isBuffer(error.rawPacket) || !('bytesParsed' in error)) return undefined
  const packet = error.rawPacket
  const found = requestLine.exec(packet.toString('latin1'))
  // An error further on belongs to another request, and this one has had its answer.
  if (found === null || Number(error.bytesParsed) > found[0].length) return undefined
  const [{ length }, method = '', target = ''] = found
  // POST for an unknown method, since neither GET nor HEAD was meant: conditions are answered differently for these.
  const line = code === 'HPE_INVALID_METHOD' ? `POST ${target}` : `${method} /`
  const rest = packet.subarray(length)
  return new Replayed(socket, Buffer.concat([Buffer.from(line, 'latin1'), rest]), code === 'HPE_INVALID_URL' ? target : undefined, length - line.length)
}

/** The target that a request came with, where the parser was shown another one. */
export function originalTarget (socket: unknown): string | undefined {
  return socket instanceof Replayed ? socket.takeTarget() : undefined
}

/** Octets that the parser was shown less than came, of the first request. */
export const shortenedBy = (socket: unknown): number => socket instanceof Replayed ? socket.takeShortened() : 0

/** The connection itself, where the parser was shown it with other first bytes. */
export const carrierOf = (socket: Duplex): Duplex => socket instanceof Replayed ? socket.carrier : socket

/** A connection whose first bytes were put back, changed. */
class Replayed extends Duplex {
  /** The client's connection, never one that was put back itself: a client may send any number of odd requests over one. */
  readonly carrier: Duplex
  #target: string | undefined
  #shortened: number
  #released = false

  constructor (socket: Duplex, first: Buffer, target: string | undefined, shortened: number) {
    super()
    this.#shortened = shortened
    this.carrier = socket instanceof Replayed ? socket.#release() : socket
    this.#target = target
    // The parser that failed must not see what comes next. Its `close` listener stays, which frees it.
    if (this.carrier === socket) for (const event of ['data', 'end', 'drain', 'error', 'timeout']) socket.removeAllListeners(event)
    this.push(first)
    for (const [event, listener] of this.#listeners) this.carrier.on(event, listener)
    this.carrier.resume()
  }

  readonly #listeners: ReadonlyArray<readonly [event: string, listener: (...values: any[]) => void]> = [
    ['data', (data: Buffer) => { if (!this.push(data)) this.carrier.pause() }],
    ['end', () => { this.push(null) }],
    ['error', (error: Error) => { this.destroy(error) }],
    ['timeout', () => { this.emit('timeout') }],
    ['close', () => { this.destroy() }]
  ]

  /** Gives the carrier to another one; its own parser is freed by its end. */
  #release (): Duplex {
    this.#released = true
    for (const [event, listener] of this.#listeners) this.carrier.off(event, listener)
    this.destroy()
    return this.carrier
  }

  get remoteAddress (): string | undefined { return 'remoteAddress' in this.carrier ? String(this.carrier.remoteAddress) : undefined }
  get bytesWritten (): number { return this.carrier instanceof Socket ? this.carrier.bytesWritten : 0 }

  /** Node's server gives each connection its time between and within requests. */
  setTimeout (milliseconds: number): this {
    if (this.carrier instanceof Socket) this.carrier.setTimeout(milliseconds)
    return this
  }

  /** Of the first request; what comes after it on the connection was not changed. */
  takeTarget (): string | undefined {
    const target = this.#target
    this.#target = undefined
    return target
  }

  takeShortened (): number {
    const shortened = this.#shortened
    this.#shortened = 0
    return shortened
  }

  override _read (): void { this.carrier.resume() }
  override _write (data: Buffer, _encoding: string, done: (error?: Error | null) => void): void { this.carrier.write(data, done) }
  override _final (done: () => void): void { this.carrier.end(done) }
  override _destroy (error: Error | null, done: (error: Error | null) => void): void {
    if (!this.#released) this.carrier.destroy()
    done(error)
  }
}
