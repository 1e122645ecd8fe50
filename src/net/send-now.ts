// Datagrams sent by a call of their own, without Node's object for each: its memory is the sender's again at once.
import { parseIpv4 } from './ipv4.js'
import { constants, familyBytes, openLibc } from './libc.js'

interface Endpoint { readonly address: string, readonly port: number }

export type SendNow = (data: Uint8Array, to: Endpoint) => Error | null | undefined

const sockaddrLength = 16
/** Places that datagrams went to; a server answers the same few again and again (everybody, its relay agents). */
const remembered = 64

/** Sends from the descriptor, which stays its owner's. */
export function immediateSender (fd: number): SendNow {
  const libc = openLibc()
  const { msgDontWait, msgNoSignal } = constants
  const known = new Map<string, Buffer>()
  const addressOf = ({ address, port }: Endpoint): Buffer | undefined => {
    const key = `${address}:${port}`
    const before = known.get(key)
    if (before !== undefined) return before
    const ip = parseIpv4(address)
    if (ip === undefined) return undefined
    const made = Buffer.alloc(sockaddrLength)
    made.set(familyBytes(constants.afInet))
    made.writeUInt16BE(port, 2)
    made.writeUInt32BE(ip, 4)
    if (known.size >= remembered) known.clear()
    known.set(key, made)
    return made
  }
  return (data, to) => {
    const where = addressOf(to)
    if (where === undefined) return new Error(`${to.address} is no IPv4 address`)
    if (libc.sendto(fd, data, data.length, msgDontWait | msgNoSignal, where, sockaddrLength) >= 0) return null
    const errno = libc.errno()
    return errno === 'EAGAIN' || errno === 'ENOBUFS' ? undefined : new Error(`send ${errno}`)
  }
}
