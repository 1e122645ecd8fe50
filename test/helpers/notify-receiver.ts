// The service manager's end of sd_notify: a Unix datagram socket, which Node has none of.
import koffi from 'koffi'
import { constants, familyBytes, openLibc } from '../../src/net/libc.js'

export interface NotifyReceiver {
  /** The assignments of the next datagram; rejects when none comes in ten seconds. */
  readonly next: () => Promise<Readonly<Record<string, string>>>
  readonly close: () => void
}

/** At a path, or at `@name`. */
export function notifyReceiver (path: string): NotifyReceiver {
  const libc = openLibc()
  const name = Buffer.from(path.startsWith('@') ? `\0${path.slice(1)}` : `${path}\0`)
  const address = Buffer.concat([familyBytes(constants.afUnix), name])
  const fd = libc.socket(constants.afUnix, constants.sockDgram | constants.sockCloexec, 0)
  if (libc.bind(fd, address, address.length) !== 0) throw new Error(`cannot bind ${path}: ${libc.errno()}`)
  const patience = Buffer.from(BigInt64Array.of(10n, 0n).buffer)
  const soRcvtimeo = 20
  libc.setsockopt(fd, constants.solSocket, soRcvtimeo, patience, patience.length)
  const recv = koffi.load('libc.so.6').func('int64_t recv(int fd, void *data, size_t length, int flags)')
  const next = async (): Promise<Readonly<Record<string, string>>> => {
    const data = Buffer.alloc(4096)
    // In a thread of the pool, so that it may wait.
    const length = await new Promise<number>((resolve, reject) => {
      recv.async(fd, data, data.length, 0, (error: Error | null, count: number) => { if (error === null) resolve(Number(count)); else reject(error) })
    })
    if (length < 0) throw new Error('nothing was told in ten seconds')
    return Object.fromEntries(data.toString('utf8', 0, length).split('\n').map(line => line.split(/=(.*)/s).slice(0, 2) as [string, string]))
  }
  return { next, close: () => { libc.close(fd) } }
}
