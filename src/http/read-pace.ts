// Requests are read a few milliseconds a turn. Node parses all that has come of a connection at once, hundreds of pipelined requests
// in a packet, and a turn of the event loop reads every connection that something came on: here those that were not read when a turn
// has had its time are left to the next ones, and DHCP and TFTP are heard between them. They come before those that were read: the kernel
// tells of connections on which more comes all the time always in one order, and whoever is last in it would wait as long as they go on.
import type { Socket } from 'node:net'
import { whenClosed } from '../net/when-closed.js'

/** Milliseconds of a turn that go into reading, beside what one connection had. */
const budget = 10

export class ReadPace {
  readonly #steady: () => number
  readonly #sockets = new Set<Socket>()
  readonly #closed = whenClosed(socket => { this.#sockets.delete(socket) })
  #stopped: Socket[] = []
  /** Those that were read before all others had their turn, and of them those that wait for it. */
  readonly #served = new Set<Socket>()
  #later: Socket[] = []
  /** When the first request of this turn was read. */
  #began: number | undefined

  constructor (steady = () => performance.now()) { this.#steady = steady }

  /** Has the socket read from in turn with the others. */
  watch (socket: Socket): void {
    this.#sockets.add(socket)
    socket.setMaxListeners(socket.getMaxListeners() + 1)
    socket.on('close', this.#closed)
  }

  /** To be told of each request that was read. */
  read (socket: Socket): void {
    this.#served.add(socket)
    if (this.#began === undefined) this.#begin()
    else if (this.#stopped.length === 0 && this.#steady() - this.#began >= budget) {
      // What is ready in this turn is not read any more from whom it was stopped meanwhile.
      this.#stopped = [...this.#sockets].filter(socket => !socket.isPaused())
      for (const socket of this.#stopped) socket.pause()
    }
  }

  #begin (): void {
    this.#began = this.#steady()
    setImmediate(() => { this.#nextTurn() })
  }

  #nextTurn (): void {
    const stopped = this.#stopped
    this.#stopped = []
    if (stopped.length > 0) {
      this.#begin()
      for (const socket of stopped) this.#served.has(socket) ? this.#later.push(socket) : socket.resume()
      return
    }
    this.#began = undefined
    const later = this.#later
    this.#later = []
    this.#served.clear()
    for (const socket of later) socket.resume()
  }
}
