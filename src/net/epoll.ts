// Which of many descriptors may be read or written now, or are broken: epoll(7), for a thread that has nothing to do but wait for them,
// and for looks that do not wait.
import { arch } from 'node:os'
import { constants, openLibc } from './libc.js'

/** Told of in one look. */
const mostEvents = 64

// struct epoll_event in words of 32 bits: what happened, then 64 bits of the caller's own, which lie at once behind it on x86-64 alone.
const ownAt = arch() === 'x64' ? 1 : 2
const eventWords = ownAt + 2

const events = { readable: constants.epollReadable, writable: constants.epollWritable, broken: 0 } as const

export class Epoll {
  readonly #libc = openLibc()
  readonly #fd: number
  readonly #event = new Uint32Array(eventWords)
  readonly #events = new Uint32Array(eventWords * mostEvents)

  /** Throws when no descriptor is left. */
  constructor () {
    this.#fd = this.#libc.epollCreate(constants.epollCloexec)
    if (this.#fd < 0) throw new Error(`epoll_create1: ${this.#libc.errno()}`)
  }

  /** Throws when the kernel refuses it. Of any it is told when it is broken. */
  watch (fd: number, what: keyof typeof events): void {
    this.#event[0] = events[what]
    this.#event[ownAt] = fd
    if (this.#libc.epollControl(this.#fd, constants.epollAdd, fd, this.#event) !== 0) throw new Error(`epoll_ctl: ${this.#libc.errno()}`)
  }

  /** Of a descriptor that is open. */
  forget (fd: number): void { this.#libc.epollControl(this.#fd, constants.epollRemove, fd, this.#event) }

  /** Holds the thread until a descriptor is ready, or its peer gone, or so many milliseconds are over (0 for a look); the descriptors. */
  wait (milliseconds: number): readonly number[] {
    const count = this.#libc.epollWait(this.#fd, this.#events, mostEvents, milliseconds)
    return Array.from({ length: Math.max(0, count) }, (_, n) => this.#events[n * eventWords + ownAt]!)
  }

  close (): void { this.#libc.close(this.#fd) }
}
