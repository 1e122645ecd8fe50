// What strangers may leave half done, from however many addresses: connections on which no request has come, TLS handshakes that
// are under way, and octets of requests that are not answered yet. OpenSSL takes the memory for a hello of 128 KiB when it has seen
// its length, and Node's parser keeps a head as long as it comes.
import type { Socket } from 'node:net'
import type { Clock, Timer } from '../base/clock.js'
import { Connections } from '../net/connections.js'
import type { ShareLimits } from '../net/shares.js'
import { whenClosed } from '../net/when-closed.js'

/** TLS handshakes that have begun. */
export const mostHandshakes: ShareLimits = { all: 256, perAddress: 64 }
/** Octets of requests that have begun to come and are not answered, on all connections together. */
export const mostUnanswered = 8 * 1024 * 1024
/** Milliseconds between two looks at them: while a request comes nobody tells how much of it is there. */
const lookEvery = 100

export class Unfinished {
  readonly #silent: Connections
  readonly #handshakes: Connections
  readonly #clock: Pick<Clock, 'every'> | undefined
  /** Octets of each connection that belong to requests that were answered. */
  readonly #answered = new Map<Socket, number>()
  readonly #closed = whenClosed(socket => {
    this.#answered.delete(socket)
    if (this.#answered.size > 0) return
    this.#looking?.cancel()
    this.#looking = undefined
  })

  #looking: Timer | undefined
  #cut = 0

  /**
   * Half of the places that `limits` gives are for those who have asked for something. `onDisplaced` is told of a connection that
   * is about to be closed for another's sake. Without a clock nobody looks.
   */
  constructor (limits: ShareLimits, onDisplaced: (socket: Socket) => void, clock?: Pick<Clock, 'every'>) {
    // Who came first gives way, not who has said nothing: a newcomer has not either, as long as his first octets are on their way.
    const giveWay = [() => true]
    this.#silent = new Connections({ all: Math.ceil(limits.all / 2), perAddress: limits.perAddress, giveWay, onDisplaced })
    this.#handshakes = new Connections({ ...mostHandshakes, giveWay, onDisplaced })
    this.#clock = clock
  }

  /** Connections that were not taken, or were cut, because of the others. */
  get refused (): number { return this.#silent.refused + this.#handshakes.refused }
  get displaced (): number { return this.#silent.displaced + this.#handshakes.displaced + this.#cut }

  /** A connection that has asked for nothing; false: there is no place, and it has been closed. */
  connected (socket: Socket): boolean { return this.#silent.admit(socket) }

  /** The same for a TLS handshake that begins. */
  shaking (socket: Socket): boolean { return this.#handshakes.admit(socket) }
  shaken (socket: Socket): void { this.#handshakes.release(socket) }

  /** A request's head came on the connection. */
  asked (socket: Socket): void { this.#silent.release(socket) }

  /** Counts what comes on a connection, after decryption. */
  count (socket: Socket): void {
    this.#answered.set(socket, 0)
    this.#looking ??= this.#clock?.every(lookEvery, () => { this.look() })
    socket.on('close', this.#closed)
  }

  /** So many octets of it were a request, which is answered now. */
  answered (socket: Socket, octets: number): void {
    const before = this.#answered.get(socket)
    if (before !== undefined) this.#answered.set(socket, before + octets)
  }

  /** Cuts the connections that hold most, as long as all of them hold too much. */
  look (): void {
    let sum = 0
    const held: Array<{ readonly socket: Socket, readonly octets: number }> = []
    for (const [socket, answered] of this.#answered) {
      const octets = socket.bytesRead - answered
      if (octets <= 0) continue
      sum += octets
      held.push({ socket, octets })
    }
    if (sum <= mostUnanswered) return
    held.sort((a, b) => b.octets - a.octets)
    for (const { socket, octets } of held) {
      socket.destroy()
      this.#answered.delete(socket)
      this.#cut++
      sum -= octets
      if (sum <= mostUnanswered) return
    }
  }
}
