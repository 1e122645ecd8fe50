// Connections that nothing is read from yet: what they send stays in the kernel, which holds little of it (listening-socket.ts), where
// Node would take 64 KiB of each into its own memory. Since Node then does not notice either that one is broken, they are looked at.
import type { Socket } from 'node:net'
import { descriptorOf, startReading, stopReading } from './connection.js'
import { Epoll } from './epoll.js'
import { whenClosed } from './when-closed.js'

export class UnreadConnections {
  readonly #sockets = new Set<Socket>()
  /** As long as there are any. */
  #epoll: Epoll | undefined
  readonly #closed = whenClosed(socket => {
    this.#sockets.delete(socket)
    this.#closeUnused()
  })

  #isLooking = false

  get count (): number { return this.#sockets.size }

  /** Of a connection that has just come; where it can't be looked at, it is read from as any other. */
  add (socket: Socket): void {
    const fd = descriptorOf(socket)
    if (fd === undefined) return
    try {
      this.#epoll ??= new Epoll()
      this.#epoll.watch(fd, 'broken')
    } catch {
      // No descriptor is left, or no memory in the kernel.
      this.#closeUnused()
      return
    }
    stopReading(socket)
    this.#sockets.add(socket)
    socket.on('close', this.#closed)
  }

  /** It is read from now. */
  release (socket: Socket): void {
    if (!this.#sockets.delete(socket)) return
    const fd = descriptorOf(socket)
    if (fd !== undefined) this.#epoll?.forget(fd)
    this.#closeUnused()
    startReading(socket)
  }

  /** Closes those that are broken, some of them in this turn of the event loop and the others in the next ones. */
  look (): void {
    if (this.#isLooking || this.#epoll === undefined) return
    const broken = this.#epoll.wait(0)
    if (broken.length === 0) return
    const descriptors: ReadonlySet<number | undefined> = new Set(broken)
    for (const socket of this.#sockets) if (descriptors.has(descriptorOf(socket))) socket.destroy()
    this.#isLooking = true
    setImmediate(() => {
      this.#isLooking = false
      this.look()
    })
  }

  #closeUnused (): void {
    if (this.#sockets.size > 0) return
    this.#epoll?.close()
    this.#epoll = undefined
  }
}
