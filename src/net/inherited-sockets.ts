// Sockets that a service manager opened for this process, by systemd's protocol (sd_listen_fds(3)): descriptors from 3 on,
// as many as LISTEN_FDS says, meant for the process that LISTEN_PID names, and since systemd 227 with their names in
// LISTEN_FDNAMES. Older ones (CentOS 7 has 219) name nothing, so each socket is asked what it is.
import { AppError } from '../base/errors.js'
import { constants, familyOf, intBuffer, intOf, type Libc, openLibc } from './libc.js'

export interface InheritedSocket {
  readonly fd: number
  /** FileDescriptorName=, or the name of the socket's unit; '' where nothing is said. */
  readonly name: string
  readonly transport: 'udp' | 'tcp' | 'other'
  /** `0.0.0.0`, `::`; '' for what is no Internet socket. */
  readonly address: string
  readonly port: number
  /** The interface it is bound to; '' for none. */
  readonly device: string
}

const firstDescriptor = 3

/** The sockets for the process `pid`; AppError `socket_failed` when what was handed down is no socket. */
export function inheritedSockets (env: Readonly<Record<string, string | undefined>>, pid: number): readonly InheritedSocket[] {
  const { LISTEN_PID, LISTEN_FDS, LISTEN_FDNAMES } = env
  if (LISTEN_PID !== String(pid) || !/^\d{1,3}$/.test(LISTEN_FDS ?? '')) return []
  const names = (LISTEN_FDNAMES ?? '').split(':')
  const libc = openLibc()
  return Array.from({ length: Number(LISTEN_FDS) }, (_, index) => describe(libc, firstDescriptor + index, names[index] ?? ''))
}

function describe (libc: Libc, fd: number, name: string): InheritedSocket {
  const type = intOf(option(libc, fd, name, constants.soType, 4))
  const device = option(libc, fd, name, constants.soBindToDevice, interfaceNameLength).toString()
  const address = Buffer.alloc(sockaddrStorageLength)
  if (libc.getsockname(fd, address, intBuffer(address.length)) !== 0) throw failure(libc, fd, name)
  const family = familyOf(address)
  const internet = family === constants.afInet || family === constants.afInet6
  const transport = !internet ? 'other' : type === constants.sockDgram ? 'udp' : type === constants.sockStream ? 'tcp' : 'other'
  return {
    fd,
    name,
    transport,
    address: family === constants.afInet ? ipv4Text(address) : family === constants.afInet6 ? ipv6Text(address) : '',
    port: internet ? address.readUInt16BE(2) : 0,
    device: device.slice(0, device.indexOf('\0'))
  }
}

/** IFNAMSIZ, and struct sockaddr_storage. */
const interfaceNameLength = 16
const sockaddrStorageLength = 128

function option (libc: Libc, fd: number, name: string, number: number, length: number): Buffer {
  const value = Buffer.alloc(length)
  if (libc.getsockopt(fd, constants.solSocket, number, value, intBuffer(length)) !== 0) throw failure(libc, fd, name)
  return value
}

const failure = (libc: Libc, fd: number, name: string): AppError => new AppError('socket_failed',
  `descriptor ${fd}${name === '' ? '' : ` (${name})`}, which LISTEN_FDS says the service manager opened, is no socket: ${libc.errno()}`)

const ipv4Text = (address: Buffer): string => [...address.subarray(4, 8)].join('.')

function ipv6Text (address: Buffer): string {
  const groups = Array.from({ length: 8 }, (_, index) => address.readUInt16BE(8 + index * 2).toString(16))
  return groups.every(group => group === '0') ? '::' : groups.join(':')
}
