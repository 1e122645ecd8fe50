// Sockets as a service manager opens them: bound, listening, served by nobody here, and there whatever becomes of the process
// that they are handed to.
import koffi from 'koffi'
import { constants, familyBytes, openLibc } from '../../src/net/libc.js'

export interface HandedSocket {
  readonly fd: number
  readonly port: number
  readonly close: () => void
}

/** On `address`, at any free port unless one is named. */
export function handedSocket (transport: 'udp' | 'tcp', { address = '127.0.0.1', port = 0 } = {}): HandedSocket {
  const { afInet, sockDgram, sockStream, sockCloexec } = constants
  const libc = openLibc()
  const name = Buffer.alloc(16)
  const written = Buffer.alloc(4)
  name.set(familyBytes(afInet))
  name.writeUInt16BE(port, 2)
  name.set(address.split('.').map(Number), 4)
  written.set(Buffer.from(Int32Array.of(name.length).buffer))
  const fd = libc.socket(afInet, (transport === 'udp' ? sockDgram : sockStream) | sockCloexec, 0)
  if (libc.bind(fd, name, name.length) !== 0) throw new Error(`cannot bind ${address}:${port}: ${libc.errno()}`)
  if (transport === 'tcp') (koffi.load('libc.so.6').func('int listen(int fd, int backlog)') as (fd: number, backlog: number) => number)(fd, 128)
  libc.getsockname(fd, name, written)
  return { fd, port: name.readUInt16BE(2), close: () => { libc.close(fd) } }
}
