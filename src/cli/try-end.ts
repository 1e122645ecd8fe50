// What ends a first boot beside Ctrl-C: the terminal was closed, nobody reads what it prints, or whoever started it (sudo, a script) is
// gone and cannot end it any more.
import type { Io } from './command.js'

/** Milliseconds between two looks at who started this process. */
const look = 1000

/** The same surroundings, whose `stop` is fulfilled by these as well; `close` lets go of them. */
export function endedByMore (io: Io): { readonly io: Io, readonly close: () => void } {
  let end = (_reason: string): void => {}
  const stop = new Promise<string>(resolve => { end = resolve })
  void io.stop.then(end)
  io.onHangup(() => { end('SIGHUP') })
  const { parent } = io
  const first = parent?.()
  const looking = setInterval(() => { if (parent?.() !== first) end('parent') }, look)
  return { io: { ...io, stop }, close: () => { clearInterval(looking) } }
}
