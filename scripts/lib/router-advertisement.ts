// The one word of IPv6 on the sandbox's network: a Router Advertisement (RFC 4861 section 4.2) that says there is nothing to
// be had. iPXE goes on from DHCP only when IPv6 is settled too; on a network where no router speaks it asks for 16 seconds.
import koffi from 'koffi'

const afInet6 = 10
const sockRaw = 3
const sockCloexec = 0o2000000
const ipprotoIcmpv6 = 58
const ipprotoIpv6 = 41
const ipv6MulticastIf = 17
const ipv6MulticastHops = 18
const sockaddrLength = 28

type Call = (...args: unknown[]) => number

/** Type 134, code 0; the kernel fills in the checksum. Hop limit 64, no managed addresses, a router lifetime of 0, no prefix. */
const advertisement = Buffer.from('8600000040000000'.padEnd(32, '0'), 'hex')
const allNodes = Buffer.from('ff020000000000000000000000000001', 'hex')

/**
 * Advertises once a second on an interface until the returned function is called. On a machine without IPv6 it does
 * nothing: all works there too, only later. Needs CAP_NET_RAW.
 */
export function advertiseNothing (interfaceIndex: number): () => void {
  const libc = koffi.load('libc.so.6')
  const socket = libc.func('int socket(int domain, int type, int protocol)') as Call
  const setsockopt = libc.func('int setsockopt(int fd, int level, int name, const void *value, uint32_t length)') as Call
  const sendto = libc.func('int64_t sendto(int fd, const void *data, size_t length, int flags, const void *address, uint32_t size)') as Call
  const close = libc.func('int close(int fd)') as Call

  const fd = socket(afInet6, sockRaw | sockCloexec, ipprotoIcmpv6)
  if (fd < 0) return () => {}
  const int = (value: number): Buffer => Buffer.from(Int32Array.of(value).buffer)
  setsockopt(fd, ipprotoIpv6, ipv6MulticastIf, int(interfaceIndex), 4)
  // A neighbour takes no advertisement that a router could have passed on (RFC 4861 section 6.1.2).
  setsockopt(fd, ipprotoIpv6, ipv6MulticastHops, int(255), 4)
  const address = Buffer.alloc(sockaddrLength)
  address.set(new Uint8Array(Uint16Array.of(afInet6).buffer))
  address.set(allNodes, 8)
  address.writeUInt32LE(interfaceIndex, 24)
  const timer = setInterval(() => { sendto(fd, advertisement, advertisement.length, 0, address, address.length) }, 1000)
  return () => {
    clearInterval(timer)
    close(fd)
  }
}
