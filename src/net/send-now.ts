// Datagrams sent by a call of their own, without Node's object for each: its memory is the sender's again at once.
//
// Several that lie behind one another, all as long as the first but the last, go in one call: udp(7), UDP_SEGMENT. The kernel, or the
// network card, cuts them apart; a window of TFTP goes through the network stack once instead of eight times.
import type { Endpoint } from './endpoint.js'
import { parseIpv4 } from './ipv4.js'
import { constants, intBuffer, openLibc, sockaddrIn } from './libc.js'

/** null when the kernel took it, undefined when it has no room now. */
export type SendNow = (data: Uint8Array, to: Endpoint) => Error | null | undefined

/** Hears of each datagram that the kernel refuses. */
export type OnRefused = (error: Error) => void

export interface ImmediateSender {
  readonly send: SendNow
  /** Hands over as many of the datagrams as the kernel takes, in their order, and gives how many those are; refused ones are lost. */
  readonly sendAll: (datagrams: readonly Uint8Array[], to: Endpoint, refused?: OnRefused) => number
}

/** Places that datagrams went to; a server answers the same few again and again. */
const remembered = 1024
/** Of one call: fewer than any kernel takes (64), and no more octets than a datagram may have. */
const mostSegments = 60
const mostOctets = 65_000

/** Sends from the descriptor, which stays its owner's. */
export function immediateSender (fd: number): ImmediateSender {
  const libc = openLibc()
  const { msgDontWait, msgNoSignal, solUdp, udpSegment } = constants
  const known = new Map<string, Buffer>()
  const addressOf = ({ address, port }: Endpoint): Buffer | undefined => {
    const key = `${address}:${port}`
    const before = known.get(key)
    if (before !== undefined) return before
    const ip = parseIpv4(address)
    if (ip === undefined) return undefined
    const made = sockaddrIn(ip, port)
    if (known.size >= remembered) known.clear()
    known.set(key, made)
    return made
  }
  /** How long the pieces are that the kernel cuts what is sent into; 0 for not at all. */
  let segment = 0
  let mayCut = true
  const cutInto = (octets: number): boolean => {
    if (segment === octets) return true
    const value = intBuffer(octets)
    if (libc.setsockopt(fd, solUdp, udpSegment, value, value.length) !== 0) return false
    segment = octets
    return true
  }
  const put = (data: Uint8Array, to: Endpoint): Error | null | undefined => {
    const where = addressOf(to)
    if (where === undefined) return new Error(`${to.address} is no IPv4 address`)
    if (libc.sendto(fd, data, data.length, msgDontWait | msgNoSignal, where, where.length) >= 0) return null
    const errno = libc.errno()
    return errno === 'EAGAIN' || errno === 'ENOBUFS' ? undefined : new Error(`send ${errno}`)
  }
  const send: SendNow = (data, to) => {
    if (data.length > segment && segment > 0) cutInto(0)
    return put(data, to)
  }
  /** False when the way there does not do it (a device without checksums of its own): then each goes by itself from now on. */
  const sendRun = (run: Uint8Array, each: number, to: Endpoint): Error | null | undefined | false => {
    if (!cutInto(each)) return false
    const result = put(run, to)
    return result instanceof Error ? false : result
  }
  return {
    send,
    sendAll: (datagrams, to, refused) => {
      for (let at = 0; at < datagrams.length;) {
        const count = mayCut ? runLength(datagrams, at) : 1
        const first = datagrams[at]!
        const result = count === 1 ? send(first, to) : sendRun(joined(first, datagrams[at + count - 1]!), first.length, to)
        if (result === undefined) return at
        if (result instanceof Error) refused?.(result)
        if (result === false) mayCut = false
        else at += count
      }
      return datagrams.length
    }
  }
}

/** How many datagrams from `at` on lie behind one another and are as long as the first; the last may be shorter. */
function runLength (datagrams: readonly Uint8Array[], at: number): number {
  const first = datagrams[at]!
  let [count, octets] = [1, first.length]
  while (at + count < datagrams.length && count < mostSegments) {
    const next = datagrams[at + count]!
    octets += next.length
    const follows = next.buffer === first.buffer && next.byteOffset === first.byteOffset + count * first.length
    if (!follows || next.length === 0 || next.length > first.length || octets > mostOctets) break
    count++
    if (next.length < first.length) break
  }
  return count
}

const joined = (first: Uint8Array, last: Uint8Array): Uint8Array =>
  new Uint8Array(first.buffer, first.byteOffset, last.byteOffset + last.length - first.byteOffset)
