// Transfers that gave way to others, or whose clients were not heard for too long. Those may not have noticed: a slow firmware confirms
// late, and what was lost is repeated after seconds, by some after half a minute. What such a client says then is no packet of a stranger
// (RFC 1350 section 4), whose ERROR 5 ends a boot: its transfer is taken up again where it stood, from the port that its client knows.
//
// Bounded, of one address and in all, as requests that wait are: a stranger makes one of these by a request that is never confirmed.
import type { OpenFile } from '../disk/open-file.js'
import type { UdpSocket } from '../net/udp.js'
import type { TransferProgress } from './read-transfer.js'
import { mostWaiting, WaitingLine } from './waiting-line.js'
import type { Resumption, WantedTransfer } from './wanted-transfer.js'

/** Milliseconds in which such a client may come back. Pauses of clients double, few have one that is longer. */
export const returnsWithin = 60_000

/** A word for a file as it is served, which another one, or the same after a change, does not have. */
export const servedFile = ({ path, size, modified, identity }: OpenFile): string => `${path} ${size} ${identity ?? modified ?? ''}`

/**
 * Whether a client may have the rest from this file. What is made for who asks may be made otherwise the next time, and blocks of netascii
 * begin anywhere in a file: of these only the beginning is the same.
 */
export const goesOn = ({ file, confirmed }: Resumption, found: OpenFile, mode: WantedTransfer['mode']): boolean =>
  file === servedFile(found) && (confirmed === 0 || (mode === 'octet' && found.identity !== undefined))

/** How far a client got with which file on which socket. */
type Stand = Pick<LeftTransfer, 'socket' | 'file' | 'progress'>

interface Remembered {
  readonly key: string
  readonly address: string
  readonly asked: WantedTransfer
  /** The last of them last: more than one when the request came once more, which may have been sent before the first was answered. */
  readonly stands: readonly Stand[]
}

/** Of one request; as many as it has ports to be served from. */
const mostStands = 8

export interface LeftTransfer {
  readonly asked: WantedTransfer
  readonly socket: UdpSocket
  readonly file: string
  readonly progress: TransferProgress
  /** Its client has hardly been given time. */
  readonly isExpected: boolean
}

export class LeftTransfers {
  #line = new WaitingLine<Remembered>({ forgottenAfter: returnsWithin })
  /** By address, when one of it was last dropped for another, in epoch milliseconds: the first dropped first, as many as are remembered. */
  readonly #dropped = new Map<string, number>()
  #expectedUntil = -Infinity

  /** Whether one that is expected may still come. */
  expectsAnybody (now: number): boolean { return now < this.#expectedUntil }

  /** Whether one of that client's is remembered; `key` is its address and port, and the address that it asked. */
  has (key: string): boolean { return this.#line.get(key) !== undefined }

  /** Whether it was answered from there. */
  isOn (key: string, socket: UdpSocket): boolean { return this.#line.get(key)?.stands.some(stand => stand.socket === socket) === true }

  /** Whether none of that address was dropped that may come back still. */
  isComplete (address: string): boolean { return !this.#dropped.has(address) }

  remember ({ asked, file, progress, socket, isExpected }: LeftTransfer, isKnown: boolean, now: number): void {
    const { key, address, bytes } = asked
    const before = this.#line.get(key)
    const others = before?.asked.bytes.equals(bytes) === true ? before.stands.filter(stand => stand.socket !== socket) : []
    const stands = [...others, { socket, file, progress }].slice(-mostStands)
    // A piece of its own, as of those that wait.
    const kept = { ...asked, bytes: Buffer.from(bytes), resumption: undefined }
    if (isExpected) this.#expectedUntil = now + returnsWithin
    const dropped = this.#line.put({ key, address, asked: kept, stands }, isKnown, now)
    if (dropped === undefined) return
    this.#dropped.delete(dropped.address)
    this.#dropped.set(dropped.address, now)
    const [eldest = ''] = this.#dropped.keys()
    if (this.#dropped.size > mostWaiting.all) this.#dropped.delete(eldest)
  }

  /** The transfer that goes on when its client confirms `block` on that socket, undefined when none does. */
  resumed (key: string, socket: UdpSocket, block: number): WantedTransfer | undefined {
    const found = this.#line.get(key)
    const stand = found?.stands.find(stand => stand.socket === socket)
    if (found === undefined || stand === undefined) return undefined
    const { asked } = found
    const { file, progress: { confirmed, sent } } = stand
    const advance = block - confirmed & 0xffff
    return advance > sent ? undefined : { ...asked, resumption: { socket, file, confirmed: confirmed + advance } }
  }

  /** The client has something else from that address and port, has given up, or has all. */
  remove (key: string): void {
    const found = this.#line.get(key)
    if (found !== undefined) this.#line.remove(found)
  }

  /** Forgets it unless it is the request `bytes`. */
  removeOther (key: string, bytes: Buffer): void {
    if (this.#line.get(key)?.asked.bytes.equals(bytes) === false) this.remove(key)
  }

  forget (now: number): void {
    this.#line.forget(now)
    for (const [address, at] of this.#dropped) {
      if (Math.abs(now - at) < returnsWithin) break
      this.#dropped.delete(address)
    }
  }

  clear (): void {
    this.#line = new WaitingLine({ forgottenAfter: returnsWithin })
    this.#dropped.clear()
  }
}
