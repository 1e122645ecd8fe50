// A TCP socket to listen on whose connections hold little in the kernel. Node reads up to 64 KiB of a connection at once and looks at
// all of it in one turn of the event loop, thousands of pipelined requests, and the kernel keeps some MiB more of a connection that
// is not read: a small receive buffer bounds both. Clients send requests of some hundred octets; what they are sent is not concerned.
import { isIPv6 } from 'node:net'
import { AppError } from '../base/errors.js'
import { parseIpv4, unspecified } from './ipv4.js'
import { constants, familyBytes, intBuffer, openLibc, sockaddrIn } from './libc.js'
import { listenError } from './udp.js'

/** Octets, of which the kernel makes twice as many and gives about half to what arrives. */
export const connectionBuffer = 8192

/** Connections that are accepted from now on hold no more than that. */
export function boundReceiving (fd: number): void {
  const octets = intBuffer(connectionBuffer)
  openLibc().setsockopt(fd, constants.solSocket, constants.soRcvbuf, octets, octets.length)
}

/** A bound descriptor, for `listen({ fd })`, which owns it then; AppError like any listener's. `host` is an address. */
export function openListeningSocket (host: string, port: number): number {
  const { afInet, afInet6, sockStream, sockCloexec, sockNonblock, solSocket, soReuseaddr, ipprotoIpv6, ipv6Only } = constants
  const libc = openLibc()
  const ipv6 = isIPv6(host)
  const fail = (): AppError => listenError(Object.assign(new Error(libc.errno()), { code: libc.errno() }), host, { port, transport: 'tcp' })
  const fd = libc.socket(ipv6 ? afInet6 : afInet, sockStream | sockCloexec | sockNonblock, 0)
  if (fd < 0) throw fail()
  const [on, off] = [intBuffer(1), intBuffer(0)]
  // As Node does: a port whose old connections linger is free, and :: takes IPv4 too.
  libc.setsockopt(fd, solSocket, soReuseaddr, on, on.length)
  if (ipv6) libc.setsockopt(fd, ipprotoIpv6, ipv6Only, off, off.length)
  boundReceiving(fd)
  const address = ipv6 ? ipv6Address(host, port) : sockaddrIn(parseIpv4(host) ?? unspecified, port)
  if (libc.bind(fd, address, address.length) !== 0) {
    const error = fail()
    libc.close(fd)
    throw error
  }
  return fd
}

/** struct sockaddr_in6, without a scope. */
function ipv6Address (host: string, port: number): Buffer {
  const address = Buffer.alloc(28)
  address.set(familyBytes(constants.afInet6))
  address.writeUInt16BE(port, 2)
  // ::ffff:192.0.2.1
  const dotted = host.slice(host.lastIndexOf(':') + 1)
  const [a = 0, b = 0, c = 0, d = 0] = dotted.split('.').map(Number)
  const text = dotted.includes('.') ? `${host.slice(0, -dotted.length)}${(a << 8 | b).toString(16)}:${(c << 8 | d).toString(16)}` : host
  const [before = '', after] = text.split('::')
  const groups = (part: string | undefined): number[] => part === undefined || part === '' ? [] : part.split(':').map(group => Number.parseInt(group, 16))
  const [head, tail] = [groups(before), groups(after)]
  const all = after === undefined ? head : [...head, ...Array<number>(8 - head.length - tail.length).fill(0), ...tail]
  all.forEach((group, index) => { address.writeUInt16BE(group, 8 + 2 * index) })
  return address
}
