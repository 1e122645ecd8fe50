// Connections of many that come at once. libuv takes one a turn of the event loop for each handle that listens (since 1.45), and under
// load a turn lasts milliseconds: the thousandth machine would wait for a thousand of them, and the kernel, which holds 511 that nobody
// has taken yet where Node has its way, makes the others ask again after a second or three. So several handles listen on the one
// descriptor, and more may wait.
import { createServer, type Server } from 'node:net'
import { constants, openLibc } from './libc.js'

/** Connections that may wait to be taken; net.core.somaxconn is the kernel's own bound, 4,096 unless somebody changed it. */
const backlog = 4096
/** Handles beside the server's own. More cost each lone connection a call that finds nothing. */
const handles = 15

export interface Acceptors {
  /** Takes no more; resolves when those that were taken here are over. To be called before the server's own. */
  readonly close: () => Promise<void>
}

/** For a server that listens on the descriptor already, whose own it is: connections come to it as to any other. */
export function acceptInNumbers (server: Server, fd: number): Acceptors {
  const libc = openLibc()
  const open: Server[] = []
  for (let n = 0; n < handles; n++) {
    const copy = libc.fcntl(fd, constants.dupCloexec, 0)
    // No descriptor is left: those that there are do as well, only slower.
    if (copy < 0) break
    // As node:http has its own.
    const acceptor = createServer({ allowHalfOpen: true, noDelay: true }, socket => { server.emit('connection', socket) })
    acceptor.on('error', error => { server.emit('error', error) })
    acceptor.listen({ fd: copy })
    open.push(acceptor)
  }
  // Each of them said 511 meanwhile.
  libc.listen(fd, backlog)
  return {
    close: async () => {
      await Promise.all(open.map(acceptor => new Promise(resolve => { acceptor.close(resolve) })))
    }
  }
}
