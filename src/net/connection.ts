// A TCP connection of Node's below its streams: its descriptor, whether it is read from, and how another thread writes to it: through a
// descriptor of its own, without waiting, by send(2) and sendfile(2).
import { readFileSync } from 'node:fs'
import { Socket } from 'node:net'
import { constants, openLibc } from './libc.js'

/** What Node has of a connection below its streams; undefined for one that is closed, or is none of the kernel's. */
function handleOf (socket: Socket): Handle | undefined {
  if (!('_handle' in socket)) return undefined
  const handle = socket._handle
  return typeof handle === 'object' && handle !== null && 'fd' in handle && typeof handle.fd === 'number' && handle.fd >= 0 ? handle as Handle : undefined
}

interface Handle {
  readonly fd: number
  reading?: boolean
  readonly readStart?: () => void
  readonly readStop?: () => void
}

/** Of a connection that is open and has one; it stays the connection's. */
export const descriptorOf = (socket: Socket): number | undefined => handleOf(socket)?.fd

/**
 * Has nothing read from a connection that has just come: Node begins with that by itself, and `pause` only keeps what was read. Nor is
 * it noticed then that the peer is gone.
 */
export function stopReading (socket: Socket): void {
  const handle = handleOf(socket)
  if (handle?.readStop === undefined) return
  handle.reading = false
  handle.readStop()
}

export function startReading (socket: Socket): void {
  const handle = handleOf(socket)
  if (handle?.readStart === undefined) return
  handle.reading = true
  handle.readStart()
}

/**
 * Another descriptor of a plain TCP connection, to be closed by the caller: the connection stays open until both are. undefined for
 * any other stream, and when no descriptor is left.
 */
export function secondDescriptor (socket: Socket): number | undefined {
  // What extends a socket (TLS, a request that is read once more) does more to its octets than to hand them on.
  if (Object.getPrototypeOf(socket) !== Socket.prototype) return undefined
  const first = descriptorOf(socket)
  if (first === undefined) return undefined
  const fd = openLibc().fcntl(first, constants.dupCloexec, 0)
  return fd < 0 ? undefined : fd
}

/** How many octets the connection took; 0 when it has no room now, undefined when it is broken. */
export function sendOctets (fd: number, octets: Uint8Array): number | undefined {
  const libc = openLibc()
  const sent = libc.sendto(fd, octets, octets.length, constants.msgDontWait | constants.msgNoSignal, null, 0)
  if (sent >= 0) return sent
  const errno = libc.errno()
  return errno === 'EAGAIN' || errno === 'EINTR' ? 0 : undefined
}

const filePosition = new BigInt64Array(1)

/**
 * The same of a file's octets, which wait to leave as pages of the file, and change with it. undefined also where this can't be done with
 * the file. What the kernel says of a broken connection by SIGPIPE Node ignores.
 */
export function sendFromFile (fd: number, file: number, position: number, length: number): number | undefined {
  const libc = openLibc()
  filePosition[0] = BigInt(position)
  const sent = libc.sendfile(fd, file, filePosition, length)
  if (sent >= 0) return sent
  const errno = libc.errno()
  return errno === 'EAGAIN' || errno === 'EINTR' ? 0 : undefined
}

/** Octets that may wait in the kernel until a peer acknowledges them, a few of its own packets apart: tcp(7), tcp_wmem. */
export function mostWaiting (): number {
  try {
    const [, , most] = readFileSync('/proc/sys/net/ipv4/tcp_wmem', 'utf8').trim().split(/\s+/).map(Number)
    return most ?? Infinity
  } catch {
    return Infinity
  }
}

/** A descriptor that wakes who waits for it: readable from a write of eight octets until it is read. Throws when none is left. */
export function openEvent (): number {
  const libc = openLibc()
  const fd = libc.eventfd(0, constants.epollCloexec | constants.sockNonblock)
  if (fd < 0) throw new Error(`eventfd: ${libc.errno()}`)
  return fd
}
