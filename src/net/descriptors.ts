// How many descriptors this process may have open (getrlimit(2), RLIMIT_NOFILE), and how the listeners share them. Node raises
// the soft limit to the hard one when it starts.
import { readFileSync } from 'node:fs'
import type { ShareLimits } from './shares.js'

/** What stands open without anybody asking: the log, the store's watcher, leases, the listening sockets, libuv's own. */
const own = 64

/** A socket and a file of each TFTP transfer. */
const transfers = 2 * 1024

/** Whoever has no /proc has what systems usually give. */
const usual = 1024

export function descriptorLimit (): number {
  try {
    const [, soft] = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? []
    return soft === undefined ? usual : Number(soft)
  } catch {
    return usual
  }
}

export interface ConnectionShares {
  /** For HTTP and HTTPS together; each may have a file open too. */
  readonly http: ShareLimits
  /** Connections beyond these, which wait for a place: what all others leave, TFTP among them. */
  readonly waiting: ShareLimits
  /** Files that a thread sends on such a connection: a second descriptor of it each. */
  readonly sent: number
  readonly grpc: ShareLimits
  readonly ui: ShareLimits
  /** Whoever asks over a Unix socket has no address. */
  readonly control: ShareLimits
}

/** Connections that `descriptors` allow: never so many that none is left for a file, a TFTP transfer or the next DHCP socket. */
export function connectionShares (descriptors: number): ConnectionShares {
  const free = Math.max(16, descriptors - own)
  const limits = (most: number, share: number, addresses = 2): ShareLimits => {
    const all = Math.min(most, Math.floor(free * share))
    return { all, perAddress: Math.ceil(all / addresses) }
  }
  const shares = {
    http: limits(4096, 3 / 8),
    grpc: limits(1000, 1 / 8),
    ui: limits(200, 1 / 16),
    control: limits(600, 1 / 16, 1)
  }
  const left = free - 2 * shares.http.all - shares.grpc.all - shares.ui.all - shares.control.all - transfers
  const leastSent = limits(1024, 1 / 64).all
  const waiting = Math.min(6000, Math.max(0, left - leastSent))
  // As many as there are connections, where nobody else has a use for them: a file that leaves otherwise takes memory.
  const sent = Math.max(leastSent, Math.min(shares.http.all, left - waiting))
  return { ...shares, sent, waiting: { all: waiting, perAddress: Math.ceil(waiting / 2) } }
}
