// Addresses that come as fast as leases do: a machine has its own once a local route leads to it (ip route add local ADDRESS dev lo), and
// then answers for it, binds to it and sends from it. By rtnetlink(7), since a process for each of ten thousand would be the load.
import { openLibc } from '../../../src/net/libc.js'

const afNetlink = 16
const sockRaw = 3
const sockCloexec = 0o2000000
const rtmNewRoute = 24
/** NLM_F_REQUEST, NLM_F_ACK, NLM_F_CREATE, NLM_F_REPLACE */
const flags = 0x1 | 0x4 | 0x400 | 0x100
const rtaDst = 1
const rtaOif = 4
const loopback = 1

export interface LocalRoutes {
  /** @param ip  as a number; throws when the kernel refuses */
  readonly add: (ip: number) => void
  readonly close: () => void
}

/** In the network namespace of this process. */
export function openLocalRoutes (): LocalRoutes {
  const libc = openLibc()
  const fd = libc.socket(afNetlink, sockRaw | sockCloexec, 0)
  if (fd < 0) throw new Error(`no netlink socket: ${libc.errno()}`)
  // nlmsghdr (16 octets), rtmsg (12), and two attributes of 8.
  const request = Buffer.alloc(44)
  request.writeUInt32LE(request.length, 0)
  request.writeUInt16LE(rtmNewRoute, 4)
  request.writeUInt16LE(flags, 6)
  // AF_INET, /32, table local (255), protocol boot (3), scope host (254), type local (2)
  request.set([2, 32, 0, 0, 255, 3, 254, 2], 16)
  request.writeUInt16LE(8, 28)
  request.writeUInt16LE(rtaDst, 30)
  request.writeUInt16LE(8, 36)
  request.writeUInt16LE(rtaOif, 38)
  request.writeUInt32LE(loopback, 40)
  const answer = Buffer.alloc(256)
  return {
    add: ip => {
      request.writeUInt32BE(ip, 32)
      if (libc.sendto(fd, request, request.length, 0, null, 0) < 0) throw new Error(`no route was made: ${libc.errno()}`)
      const length = Number(libc.recvfrom(fd, answer, answer.length, 0, null, null))
      const error = length < 20 ? -1 : answer.readInt32LE(16)
      if (error !== 0) throw new Error(`the kernel refuses a route: ${-error}`)
    },
    close: () => { libc.close(fd) }
  }
}
