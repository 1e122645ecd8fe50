// The way of a file's pieces to the client: two at a time, so that one leaves while the next is read. A piece is released
// when the kernel has taken all of it or the connection is closed, and not before: until then the socket reads from it.
import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { FilePiece } from '../disk/open-file.js'

const atATime = 2

export class Outlet {
  readonly #response: ServerResponse
  readonly #socket: Socket
  readonly #held = new Set<FilePiece>()
  #wake: (() => void) | undefined
  #gone = false

  constructor (response: ServerResponse, socket: Socket) {
    this.#response = response
    this.#socket = socket
    // The socket's event, since an answer that still waits for the one before it has none; of those there may be many.
    if (socket.listenerCount('close') >= socket.getMaxListeners()) socket.setMaxListeners(0)
    socket.once('close', this.#close)
    if (socket.destroyed) this.#close()
  }

  /** Resolves when another piece may be written; false: nobody is there to read it. */
  async hasRoom (): Promise<boolean> {
    await this.#until(() => this.#held.size < atATime)
    return !this.#gone
  }

  write (piece: FilePiece): void {
    if (this.#gone) {
      piece.release()
      return
    }
    this.#held.add(piece)
    this.#response.write(piece.bytes, () => { this.#release(piece) })
  }

  /** Ends the answer; resolves when everything has left or nobody is there to read it. */
  async end (): Promise<void> {
    this.#response.end()
    await this.#until(() => this.#held.size === 0)
    this.#socket.off('close', this.#close)
  }

  /** Breaks the connection: the client sees that it has not got everything. */
  cut (): void { this.#socket.destroy() }

  async #until (condition: () => boolean): Promise<void> {
    while (!this.#gone && !condition()) await new Promise<void>(resolve => { this.#wake = resolve })
  }

  #release (piece: FilePiece): void {
    if (this.#held.delete(piece)) piece.release()
    this.#wake?.()
  }

  readonly #close = (): void => {
    this.#gone = true
    for (const piece of this.#held) this.#release(piece)
    this.#wake?.()
  }
}
