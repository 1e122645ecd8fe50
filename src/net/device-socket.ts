// A UDP socket bound to one network interface (SO_BINDTODEVICE), which Node's dgram can't make: only so does a DHCP server
// hear the broadcasts of its own network and of no other, and send a broadcast out of that interface whatever the routing
// table says. Made with libc's own calls through koffi; the only user of koffi. Needs CAP_NET_RAW (root) and, below port
// 1024, CAP_NET_BIND_SERVICE; under systemd the service gets such a socket instead (BindToDevice=).
import koffi from 'koffi'
import { AppError } from '../errors.js'

const afInet = 2
const sockDgram = 2
const sockCloexec = 0o2000000
const sockNonblock = 0o4000
const solSocket = 1
const soBroadcast = 6
const soBindToDevice = 25
const sockaddrLength = 16

type Call = (...args: unknown[]) => number

/** A bound descriptor for `port` on all addresses of the interface; the caller owns it and closes it (a dgram socket does). */
export function openDeviceSocket (interfaceName: string, port: number): number {
  const libc = koffi.load('libc.so.6')
  const socket = libc.func('int socket(int domain, int type, int protocol)') as Call
  const setsockopt = libc.func('int setsockopt(int fd, int level, int name, const void *value, uint32_t length)') as Call
  const bind = libc.func('int bind(int fd, const void *address, uint32_t length)') as Call
  const close = libc.func('int close(int fd)') as Call

  const fd = socket(afInet, sockDgram | sockCloexec | sockNonblock, 0)
  if (fd < 0) throw failure('socket', interfaceName, port)
  const check = (call: string, result: number): void => {
    if (result === 0) return
    const error = failure(call, interfaceName, port)
    close(fd)
    throw error
  }
  const on = Buffer.from(Int32Array.of(1).buffer)
  const device = Buffer.from(`${interfaceName}\0`)
  check('SO_BINDTODEVICE', setsockopt(fd, solSocket, soBindToDevice, device, device.length))
  check('SO_BROADCAST', setsockopt(fd, solSocket, soBroadcast, on, on.length))
  // No SO_REUSEADDR: with it a second server on the port would bind in silence and take half of the packets.
  check('bind', bind(fd, socketAddress(port), sockaddrLength))
  return fd
}

/** struct sockaddr_in: the family in host order, port and address in network order. */
function socketAddress (port: number): Buffer {
  const address = Buffer.alloc(sockaddrLength)
  address.set(new Uint8Array(Uint16Array.of(afInet).buffer))
  address.writeUInt16BE(port, 2)
  return address
}

function failure (call: string, interfaceName: string, port: number): AppError {
  const { EACCES, EPERM, EADDRINUSE, ENODEV } = koffi.os.errno
  const errno = koffi.errno()
  const where = `cannot listen on ${interfaceName}:${port}/udp`
  if (errno === EADDRINUSE) return new AppError('address_in_use', `${where}: another program listens there`)
  if (errno === ENODEV) return new AppError('interface_missing', `${where}: this machine has no interface ${interfaceName}`)
  if (errno === EACCES || errno === EPERM) {
    return new AppError('permission_denied', `${where}: start the service through its systemd socket, or as root`)
  }
  return new AppError('socket_failed', `${where}: ${call} failed with errno ${errno ?? 'unknown'}`)
}
