// Requests are read a few milliseconds a turn. Node parses all that has come of a connection at once, hundreds of pipelined requests
// in a packet, and a turn of the event loop reads every connection that something came on: here those that were not read when a turn
// has had its time are left to the next ones, and DHCP and TFTP are heard between them.
import type { Socket } from 'node:net'
import { whenClosed } from '../net/when-closed.js'

/** Milliseconds of a turn that go into reading, beside what one connection had. */
const budget = 10

export class ReadPace {
  readonly #steady: () => number
  readonly #sockets = new Set<Socket>()
  readonly #closed = whenClosed(socket => { this.#sockets.delete(socket) })
  #stopped: Socket[] = []
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
  read (): void {
    if (this.#began === undefined) {
      this.#began = this.#steady()
      setImmediate(() => { this.#nextTurn() })
    } else if (this.#stopped.length === 0 && this.#steady() - this.#began >= budget) {
      // What is ready in this turn is not read any more from whom it was stopped meanwhile.
      this.#stopped = [...this.#sockets].filter(socket => !socket.isPaused())
      for (const socket of this.#stopped) socket.pause()
    }
  }

  #nextTurn (): void {
    this.#began = undefined
    const stopped = this.#stopped
    this.#stopped = []
    for (const socket of stopped) socket.resume()
  }
}
