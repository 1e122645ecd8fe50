// What a client sends to the gRPC port, on its way to OpenSSL and HTTP/2: so much a turn of the event loop, for as long as somebody reads
// it, and so much in all until the handshake is done. A chain of long keys, which anybody may send, took OpenSSL a tenth of a second.
import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import type { Clock, Timer } from '../base/clock.js'
import type { Pace } from '../base/pace.js'

/** Octets of a client's hello, certificates and what else its handshake takes; with three certificates of 4,096 bits some 7,000. */
export const mostHandshakeOctets = 16 * 1024
/** So many go on at a time: so many octets of HTTP/2 may open and reset a hundred streams. */
const partOctets = 8 * 1024
/** Milliseconds for which what a client sends may stay unread: a session that nghttp2 has given up is neither read nor closed by Node. */
export const longestUnread = 60_000

export interface CarrierOptions {
  readonly clock: Pick<Clock, 'after'>
  readonly pace: Pace
  /** More came than a handshake may have; the connection is left to whoever is told. */
  readonly onTooLarge: () => void
}

export class Carrier extends Duplex {
  readonly #raw: Socket
  readonly #options: CarrierOptions
  /** What came last and has not gone on; nothing more is read meanwhile. */
  #rest: Buffer = Buffer.alloc(0)
  #left = mostHandshakeOctets
  #isSecure = false
  #isNext = false
  #unread: Timer | undefined

  constructor (raw: Socket, options: CarrierOptions) {
    super({ allowHalfOpen: false })
    this.#raw = raw
    this.#options = options
    raw.on('data', (octets: Buffer) => {
      raw.pause()
      this.#rest = octets
      this.#next()
    })
    raw.once('end', () => { this.push(null) })
    raw.once('close', () => { this.destroy() })
  }

  /** The handshake is done. */
  secured (): void { this.#isSecure = true }

  override _read (): void {
    this.#unread?.cancel()
    this.#unread = undefined
    if (this.#rest.length > 0) this.#soon()
    else this.#raw.resume()
  }

  override _write (octets: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#raw.write(octets, done)
  }

  override _final (done: () => void): void { this.#raw.end(done) }

  override _destroy (error: Error | null, done: (error: Error | null) => void): void {
    this.#unread?.cancel()
    this.#raw.destroy()
    done(error)
  }

  /** Not within a part, nor within a read: only then is what a part takes of the turn counted. */
  #soon (): void { queueMicrotask(() => { this.#next() }) }

  #next (): void {
    if (this.#isNext) return
    this.#isNext = true
    this.#options.pace.run(() => {
      this.#isNext = false
      if (!this.destroyed && this.#rest.length > 0) this.#pass()
    })
  }

  /** What follows the end of a handshake at once may have come with it. */
  #pass (): void {
    const octets = this.#isSecure ? partOctets : this.#left
    if (octets === 0) {
      this.#options.onTooLarge()
      return
    }
    const part = this.#rest.subarray(0, octets)
    this.#rest = this.#rest.subarray(octets)
    if (!this.#isSecure) this.#left -= part.length
    const isRead = this.push(part)
    if (!isRead) this.#unread ??= this.#options.clock.after(longestUnread, () => { this.destroy() })
    else if (this.#rest.length > 0) this.#soon()
    else this.#raw.resume()
  }
}
