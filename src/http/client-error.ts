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
/** Node's own time limit between requests does not reach through a replayed connection. */
const idleMilliseconds = 75_000

const requestLine = /^([!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}) ([^ \r\n]+)(?= HTTP\/1\.[01]\r\n)/

export function answerClientError (server: Server, error: Error, socket: Duplex, log: Logger): void {
  const code = errnoOf(error)
  if (code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  const answering = '_httpMessage' in socket ? socket._httpMessage : undefined
  if (answering instanceof ServerResponse && answering.headersSent) {
    // The request before is still being answered.
    answering.once('close', () => { socket.destroy() })
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
  return new Replayed(socket, Buffer.concat([Buffer.from(line, 'latin1'), rest]), code === 'HPE_INVALID_URL' ? target : undefined)
}

/** The target that a request came with, where the parser was shown another one. */
export function originalTarget (socket: unknown): string | undefined {
  return socket instanceof Replayed ? socket.takeTarget() : undefined
}

/** A connection whose first bytes were put back, changed. */
class Replayed extends Duplex {
  readonly #socket: Duplex
  #target: string | undefined

  constructor (socket: Duplex, first: Buffer, target: string | undefined) {
    super()
    this.#socket = socket
    this.#target = target
    // The parser that failed must not see what comes next. Its `close` listener stays, which frees it.
    for (const event of ['data', 'end', 'drain', 'error', 'timeout']) socket.removeAllListeners(event)
    if (socket instanceof Socket) socket.setTimeout(idleMilliseconds, () => { socket.destroy() })
    this.push(first)
    socket.on('data', (data: Buffer) => { if (!this.push(data)) socket.pause() })
    socket.on('end', () => { this.push(null) })
    socket.on('error', error => { this.destroy(error) })
    socket.on('close', () => { this.destroy() })
  }

  get remoteAddress (): string | undefined { return 'remoteAddress' in this.#socket ? String(this.#socket.remoteAddress) : undefined }

  /** Of the first request; what comes after it on the connection was not changed. */
  takeTarget (): string | undefined {
    const target = this.#target
    this.#target = undefined
    return target
  }

  override _read (): void { this.#socket.resume() }
  override _write (data: Buffer, _encoding: string, done: (error?: Error | null) => void): void { this.#socket.write(data, done) }
  override _final (done: () => void): void { this.#socket.end(done) }
  override _destroy (error: Error | null, done: (error: Error | null) => void): void {
    this.#socket.destroy()
    done(error)
  }
}
