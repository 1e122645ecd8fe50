// A read request that may be served, from its arrival on until its transfer is over.
import type { Endpoint } from '../net/endpoint.js'
import type { UdpSocket } from '../net/udp.js'

/** From where a transfer goes on that gave way. */
export interface Resumption {
  /** The only one whose packets its client takes, and which file it has been given a part of (servedFile). */
  readonly socket: UdpSocket
  readonly file: string
  /** Blocks that the client has. */
  readonly confirmed: number
}

export interface WantedTransfer {
  /** The client's address and port and our address: the transfer identifiers of RFC 1350. */
  readonly key: string
  /** The client's. */
  readonly address: string
  readonly client: Endpoint
  /** As it came. */
  readonly bytes: Buffer
  readonly mode: 'octet' | 'netascii'
  /** The normalised name. */
  readonly name: string
  /** Where it came to. */
  readonly listener: UdpSocket
  /** Its client has been answered before, and goes on from there. */
  readonly resumption?: Resumption | undefined
}
