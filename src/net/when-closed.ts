// One listener for many connections. A closure for each, and what `once` wraps it in, take some 250 octets, as often as somebody wants
// to know of one of ten thousand.
import type { Socket } from 'node:net'

/** A listener for `close`, told which connection it was. */
export const whenClosed = (closed: (socket: Socket) => void) => function (this: Socket): void { closed(this) }
