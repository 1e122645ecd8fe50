// Whether somebody listens on a Unix socket: the file alone may be left from a process that is gone.
import { connect } from 'node:net'

/** Never rejects: what can't be asked does not answer. */
export const isSocketAnswered = async (path: string): Promise<boolean> => await new Promise(resolve => {
  const socket = connect(path)
  socket.once('connect', () => {
    socket.destroy()
    resolve(true)
  })
  socket.once('error', () => { resolve(false) })
})
