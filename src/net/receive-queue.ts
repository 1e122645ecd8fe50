// What waits in the kernel for a UDP socket to be read: how much may, and reading it faster than Node does. What does not fit is
// dropped there, whoever sent it, and nobody is told but a counter (/proc/net/udp, the last column).
import { readFileSync } from 'node:fs'
import type { Endpoint, OnDatagram } from './endpoint.js'
import { formatIpv4 } from './ipv4.js'
import { constants, intBuffer, intOf, openLibc } from './libc.js'

/**
 * Has the kernel hold so many octets, its own for each datagram included: beyond net.core.rmem_max with CAP_NET_ADMIN, else up
 * to that. Never makes less of what a service manager gave (ReceiveBuffer= of a socket unit goes beyond it).
 */
export function enlarge (fd: number, octets: number): void {
  const { solSocket, soRcvbuf, soRcvbufForce } = constants
  const libc = openLibc()
  const now = intBuffer(0)
  // The kernel doubles what it is told, and tells the double.
  if (libc.getsockopt(fd, solSocket, soRcvbuf, now, intBuffer(now.length)) === 0 && intOf(now) >= 2 * octets) return
  const wanted = intBuffer(octets)
  if (libc.setsockopt(fd, solSocket, soRcvbufForce, wanted, wanted.length) === 0) return
  const before = intOf(now)
  libc.setsockopt(fd, solSocket, soRcvbuf, wanted, wanted.length)
  libc.getsockopt(fd, solSocket, soRcvbuf, now, intBuffer(now.length))
  const given = intBuffer(before / 2)
  if (intOf(now) < before) libc.setsockopt(fd, solSocket, soRcvbuf, given, given.length)
}

/** One octet more than anything that is read here may have, so that what is too long shows. */
const longest = 4097
/** Datagrams are cut from pieces of so many octets: one of its own for each costs the garbage collector more than all the rest. */
const piece = 256 * 1024
/** Octets of a datagram that is copied out of where it was received, which serves the next one then: an ACK of TFTP, no message of DHCP. */
const short = 32
const shortPiece = 16 * 1024
const address = Buffer.alloc(16)
const addressLength = intBuffer(address.length)

/** Hands out what waits, until nothing does, `enough` says so, which is asked every few datagrams, or `isOpen` does not hold. */
export type ReadWaiting = (enough: () => boolean, isOpen: () => boolean) => void

/** Senders whose addresses are kept as text: a server hears the same ones again and again. */
const rememberedSenders = 1024

export function waitingReader (fd: number, onDatagram: OnDatagram): ReadWaiting {
  const libc = openLibc()
  const { msgDontWait } = constants
  let [data, used] = [Buffer.alloc(0), 0]
  let [shorts, shortsUsed] = [Buffer.alloc(0), 0]
  /** Where the next one is received; undefined when that is whose datagram it was. */
  let room: Buffer | undefined
  const nextRoom = (): Buffer => {
    if (used + longest > data.length) [data, used] = [Buffer.allocUnsafeSlow(piece), 0]
    return data.subarray(used, used + longest)
  }
  /** What was received, in memory that nothing is received in any more. */
  const taken = (from: Buffer, length: number): Buffer => {
    if (length > short) {
      used += length
      room = undefined
      return from.subarray(0, length)
    }
    if (shortsUsed + length > shorts.length) [shorts, shortsUsed] = [Buffer.allocUnsafeSlow(shortPiece), 0]
    // A call that copies takes longer than so few octets.
    for (let i = 0; i < length; i++) shorts[shortsUsed + i] = from[i]!
    shortsUsed += length
    return shorts.subarray(shortsUsed - length, shortsUsed)
  }
  const senders = new Map<number, Endpoint>()
  const senderOf = (ip: number, port: number): Endpoint => {
    const key = ip * 65536 + port
    const known = senders.get(key)
    if (known !== undefined) return known
    if (senders.size >= rememberedSenders) senders.clear()
    const from = { address: formatIpv4(ip), port }
    senders.set(key, from)
    return from
  }
  return (enough, isOpen) => {
    // Whoever is handed a datagram may close the socket, and its number may be another's then.
    for (let n = 1; isOpen(); n++) {
      const into = room ??= nextRoom()
      const length = libc.recvfrom(fd, into, longest, msgDontWait, address, addressLength)
      if (length < 0) return
      onDatagram(taken(into, length), senderOf(address.readUInt32BE(4), address.readUInt16BE(2)))
      if (n % 8 === 0 && enough()) return
    }
  }
}

/** Datagrams that the kernel had to drop since the sockets on each port were opened; those ports alone that have any socket. */
export function receiveDrops (file = '/proc/net/udp'): ReadonlyMap<number, number> {
  const found = new Map<number, number>()
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch {
    // No descriptor is left, or it is not there.
    return found
  }
  for (const line of text.split('\n').slice(1)) {
    const columns = line.trim().split(/ +/)
    const port = Number.parseInt(columns[1]?.split(':')[1] ?? '', 16)
    const drops = Number(columns.at(-1))
    if (!Number.isNaN(port) && columns.length >= 13) found.set(port, (found.get(port) ?? 0) + drops)
  }
  return found
}
