// Which of this machine's addresses the kernel's routing sends from to another one.
import type { Ipv4 } from './ipv4.js'
import { constants, intBuffer, openLibc, sockaddrIn } from './libc.js'

/** RFC 863 discard: any port would do. */
const anyPort = 9

/** Asked by connecting a UDP socket, which sends nothing; undefined without a way there, or a descriptor. */
export function sourceAddressFor (ip: Ipv4): Ipv4 | undefined {
  const { afInet, sockDgram, sockCloexec } = constants
  const libc = openLibc()
  const fd = libc.socket(afInet, sockDgram | sockCloexec, 0)
  if (fd < 0) return undefined
  try {
    const address = sockaddrIn(ip, anyPort)
    if (libc.connect(fd, address, address.length) !== 0) return undefined
    return libc.getsockname(fd, address, intBuffer(address.length)) === 0 ? address.readUInt32BE(4) : undefined
  } finally {
    libc.close(fd)
  }
}
