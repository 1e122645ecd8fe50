// A UDP socket bound to one network interface (SO_BINDTODEVICE), which Node's dgram can't make: only so does a DHCP server
// hear the broadcasts of its own network and of no other, and send a broadcast out of that interface whatever the routing
// table says. Needs CAP_NET_RAW (root) and, below port 1024, CAP_NET_BIND_SERVICE; under systemd the service gets such a
// socket instead (BindToDevice=, net/inherited-sockets).
import { AppError } from '../base/errors.js'
import { unspecified } from './ipv4.js'
import { constants, intBuffer, openLibc, sockaddrIn } from './libc.js'

/**
 * A bound descriptor for `port` on all addresses of the interface; the caller owns it and closes it (a dgram socket does). A
 * `shared` one is bound beside others that allow it, as systemd's do, and hears broadcasts as they do.
 */
export function openDeviceSocket (interfaceName: string, port: number, { shared = false }: { readonly shared?: boolean } = {}): number {
  const where = sockaddrIn(unspecified, port)
  const { afInet, sockDgram, sockCloexec, sockNonblock, solSocket, soBindToDevice, soBroadcast, soReuseaddr } = constants
  const libc = openLibc()
  const fd = libc.socket(afInet, sockDgram | sockCloexec | sockNonblock, 0)
  if (fd < 0) throw failure('socket', libc.errno(), interfaceName, port)
  const check = (call: string, result: number): void => {
    if (result === 0) return
    const error = failure(call, libc.errno(), interfaceName, port)
    libc.close(fd)
    throw error
  }
  const on = intBuffer(1)
  const device = Buffer.from(`${interfaceName}\0`)
  check('SO_BINDTODEVICE', libc.setsockopt(fd, solSocket, soBindToDevice, device, device.length))
  check('SO_BROADCAST', libc.setsockopt(fd, solSocket, soBroadcast, on, on.length))
  // No SO_REUSEADDR for a server: with it a second one on the port would bind in silence and take half of the packets.
  if (shared) check('SO_REUSEADDR', libc.setsockopt(fd, solSocket, soReuseaddr, on, on.length))
  check('bind', libc.bind(fd, where, where.length))
  return fd
}

function failure (call: string, errno: string, interfaceName: string, port: number): AppError {
  const where = `cannot listen on ${interfaceName}:${port}/udp`
  if (errno === 'EADDRINUSE') return new AppError('address_in_use', `${where}: another program listens there`, { port: { port, transport: 'udp' } })
  if (errno === 'ENODEV') return new AppError('interface_missing', `${where}: this machine has no interface ${interfaceName}`)
  if (errno === 'EACCES' || errno === 'EPERM') {
    return new AppError('permission_denied', `${where}: start the service through its systemd socket, or as root`)
  }
  return new AppError('socket_failed', `${where}: ${call} failed with ${errno}`)
}
