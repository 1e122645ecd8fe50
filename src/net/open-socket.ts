// A UDP socket on one address, made here rather than by Node, so that its descriptor is known: for sending and reading by calls of
// their own (send-now.ts, receive-queue.ts).
import { parseIpv4, unspecified } from './ipv4.js'
import { constants, openLibc, sockaddrIn } from './libc.js'

/** A bound descriptor, which the caller closes (a dgram socket does). Throws an error with `code`, as Node's own bind does. */
export function openSocket (address: string, port: number): number {
  const { afInet, sockDgram, sockCloexec, sockNonblock } = constants
  const libc = openLibc()
  const failed = (call: string): Error => {
    const code = libc.errno()
    return Object.assign(new Error(`${call} ${code} ${address}:${port}`), { code })
  }
  const fd = libc.socket(afInet, sockDgram | sockCloexec | sockNonblock, 0)
  if (fd < 0) throw failed('socket')
  const where = sockaddrIn(parseIpv4(address) ?? unspecified, port)
  if (libc.bind(fd, where, where.length) === 0) return fd
  const error = failed('bind')
  libc.close(fd)
  throw error
}
