// Which of this machine's addresses the kernel's routing sends from to another one.
import type { Ipv4 } from './ipv4.js'
import { constants, familyBytes, intBuffer, openLibc } from './libc.js'

const sockaddrInLength = 16

/** Asked by connecting a UDP socket, which sends nothing; undefined without a way there, or a descriptor. */
export function sourceAddressFor (ip: Ipv4): Ipv4 | undefined {
  const { afInet, sockDgram, sockCloexec } = constants
  const libc = openLibc()
  const fd = libc.socket(afInet, sockDgram | sockCloexec, 0)
  if (fd < 0) return undefined
  try {
    const address = Buffer.alloc(sockaddrInLength)
    address.set(familyBytes(afInet))
    address.writeUInt16BE(9, 2)
    address.writeUInt32BE(ip, 4)
    if (libc.connect(fd, address, address.length) !== 0) return undefined
    return libc.getsockname(fd, address, intBuffer(address.length)) === 0 ? address.readUInt32BE(4) : undefined
  } finally {
    libc.close(fd)
  }
}
