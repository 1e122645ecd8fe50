// What a service tells the manager that started it, by systemd's protocol (sd_notify(3)): lines of NAME=value in one datagram
// to the Unix socket that NOTIFY_SOCKET names. Node's dgram knows no Unix sockets.
import { AppError } from '../base/errors.js'
import { constants, familyBytes, openLibc } from './libc.js'

export type Assignments = Readonly<Record<string, string | number>>

export interface NotifySocket {
  /** Sends the assignments; false when the manager does not take them now. */
  readonly send: (assignments: Assignments) => boolean
  /** As `send`, but a manager that is busy is waited for, one second at most: for a process that ends, on which no machine waits. */
  readonly sendLast: (assignments: Assignments) => boolean
  readonly close: () => void
}

/** sun_path of struct sockaddr_un. */
const longestPath = 108

/** `path` begins with `/`, or with `@` for a socket of Linux's abstract namespace. */
export function openNotifySocket (path: string): NotifySocket {
  const { afUnix, sockDgram, sockCloexec, solSocket, soSndtimeo, msgDontWait, msgNoSignal } = constants
  const name = Buffer.from(path)
  if (!/^[/@]./.test(path) || name.length >= longestPath) throw new AppError('socket_failed', `NOTIFY_SOCKET: expected a path or @name of at most ${longestPath - 1} bytes, not ${JSON.stringify(path)}`)
  const abstract = path.startsWith('@')
  if (abstract) name[0] = 0
  // An abstract name ends where the length says, a path with a NUL.
  const address = Buffer.concat([familyBytes(afUnix), name, Buffer.alloc(abstract ? 0 : 1)])

  const libc = openLibc()
  const fd = libc.socket(afUnix, sockDgram | sockCloexec, 0)
  if (fd < 0) throw new AppError('socket_failed', `cannot make a socket to tell the service manager: ${libc.errno()}`)
  // struct timeval, one second.
  const patience = Buffer.from(BigInt64Array.of(1n, 0n).buffer)
  libc.setsockopt(fd, solSocket, soSndtimeo, patience, patience.length)
  const put = (assignments: Assignments, flags: number): boolean => {
    const text = Buffer.from(Object.entries(assignments).map(([key, value]) => `${key}=${String(value).replaceAll('\n', ' ')}`).join('\n'))
    return libc.sendto(fd, text, text.length, msgNoSignal | flags, address, address.length) === text.length
  }
  return {
    send: assignments => put(assignments, msgDontWait),
    sendLast: assignments => put(assignments, 0),
    close: () => { libc.close(fd) }
  }
}
