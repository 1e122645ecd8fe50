// One request of a connection at a time. Node parses what a client pipelines (RFC 9112 section 9.3.2) as fast as it comes and
// hands out all of it at once: thousands of requests in one packet, each with its file open, whether or not their answers are
// ever read. Here a request waits until its answer is next to leave, and nothing more is read from its connection meanwhile.
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { Pace } from '../base/pace.js'

/** Requests that wait their turn on all connections together; a connection that goes over it is cut. Some 3 KB each. */
export const mostWaiting = 2000

/** Requests that may wait on one connection while it is read from: only who reads hears that the client is gone. */
export const mostBehind = 64

/** As it was when the program began: a listener that throws between the two of a connection takes it from nobody for good. */
const stackDepth = Error.stackTraceLimit

export class Turns {
  readonly #pace: Pace
  readonly #waiting = new WeakMap<Socket, number>()
  /** Those whose answer waits for something that may take an hour. */
  readonly #held = new WeakSet<Socket>()
  #total = 0

  constructor (pace = new Pace()) { this.#pace = pace }

  /** Requests that wait now. */
  get waiting (): number { return this.#total }

  /** Calls `handle` for each request when nothing is before it on its connection, or never when the connection ends first. */
  listener (handle: RequestListener): RequestListener {
    return (request, response) => {
      // Node gives an answer its socket when the one before has left.
      if (response.socket !== null) this.#start(request, response, handle)
      else this.#wait(request, response, handle)
    }
  }

  /**
   * The answer to this request takes as long as it takes. Its client has to be heard when it goes, so that it may not send
   * many more requests meanwhile: then the connection is cut.
   */
  hold ({ socket }: IncomingMessage, response: ServerResponse): void {
    this.#held.add(socket)
    response.once('close', () => { this.#held.delete(socket) })
    this.#slow(socket)
  }

  /** When too many wait on a connection, ends it or reads no more of it. */
  #slow (socket: Socket): void {
    if ((this.#waiting.get(socket) ?? 0) < mostBehind) return
    if (this.#held.has(socket)) socket.destroy()
    else socket.pause()
  }

  #wait (request: IncomingMessage, response: ServerResponse, handle: RequestListener): void {
    const { socket } = request
    if (socket.destroyed) return
    if (this.#total >= mostWaiting) {
      socket.destroy()
      return
    }
    if (!this.#waiting.has(socket)) this.#watch(socket)
    this.#count(socket, 1)
    this.#slow(socket)
    response.once('socket', () => {
      // Of a connection that has closed all were given up at once; Node hands its socket on even so.
      if (!this.#waiting.has(socket)) return
      this.#count(socket, -1)
      if (this.#waiting.get(socket) === mostBehind - 1) socket.resume()
      this.#start(request, response, handle)
    })
  }

  /** When this turn of the event loop has time for it. */
  #start (request: IncomingMessage, response: ServerResponse, handle: RequestListener): void {
    this.#pace.run(() => { if (!request.socket.destroyed) handle(request, response) })
  }

  #watch (socket: Socket): void {
    this.#waiting.set(socket, 0)
    // Node resumes it when an answer has left.
    socket.on('resume', () => { this.#slow(socket) })
    // Node makes each request that is left an error of its own, with a stack: for those of 64 KiB some 20 ms, and nobody reads one.
    socket.prependOnceListener('close', () => { Error.stackTraceLimit = 0 })
    socket.once('close', () => {
      Error.stackTraceLimit = stackDepth
      this.#total -= this.#waiting.get(socket) ?? 0
      this.#waiting.delete(socket)
    })
  }

  #count (socket: Socket, change: number): void {
    this.#waiting.set(socket, (this.#waiting.get(socket) ?? 0) + change)
    this.#total += change
  }
}
