// How much of a socket's buffer is taken by datagrams that the kernel took and has not sent. To a neighbour that does not answer ARP it
// holds them for three seconds (arp(7)) before it drops them, and as long as they fill the buffer the socket sends to nobody.
import { constants, intBuffer, intOf, openLibc } from './libc.js'

/** Of the socket's buffer, 0 to 1 or a little more; 0 where the kernel does not say. */
export type UnsentShare = () => number

/** The descriptor stays its owner's. */
export function unsentShareOf (fd: number): UnsentShare {
  const { solSocket, soSndbuf, siocoutq } = constants
  const libc = openLibc()
  const [size, unsent] = [intBuffer(0), intBuffer(0)]
  if (libc.getsockopt(fd, solSocket, soSndbuf, size, intBuffer(size.length)) !== 0 || intOf(size) <= 0) return () => 0
  const octets = intOf(size)
  return () => libc.ioctl(fd, siocoutq, unsent) === 0 ? intOf(unsent) / octets : 0
}
