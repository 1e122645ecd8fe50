// What the kernel dropped before anybody could read it: a socket's queue was full. As a metric, and in the log while it goes on.
import { receiveDrops } from '../net/receive-queue.js'
import type { RunningParts } from './running-parts.js'

/** Milliseconds between looks: the kernel writes down every UDP socket of the machine for each. */
const every = 10_000
/** Milliseconds for which one look serves all ports. */
const fresh = 1000

const hint = 'more datagrams arrive than can be read: sysctl net.core.rmem_max, or ReceiveBuffer= of the socket unit, lets more wait'

type DropParts = Pick<RunningParts, 'metrics' | 'clock' | 'log' | 'onClose'>

/** `read` gives the drops of all sockets of the machine so far, by port. */
export function watchReceiveDrops (ports: readonly number[], { metrics, clock, log, onClose }: DropParts, read = receiveDrops): void {
  let last = { at: -Infinity, drops: new Map<number, number>() as ReadonlyMap<number, number> }
  const look = (): ReadonlyMap<number, number> => {
    const now = clock.now()
    if (Math.abs(now - last.at) > fresh) last = { at: now, drops: read() }
    return last.drops
  }
  const of = (port: number): number => look().get(port) ?? 0
  metrics.counters('udp_receive_dropped_total', 'Datagrams that the kernel dropped because the queue of a socket was full, by port', 'port',
    () => ports.map(port => [String(port), of(port)] as const))
  const told = new Map(ports.map(port => [port, of(port)]))
  const timer = clock.every(every, () => {
    for (const port of ports) {
      const [before, now] = [told.get(port) ?? 0, of(port)]
      told.set(port, now)
      if (now > before) log.warn({ port, dropped: now - before, hint }, 'udp.dropped')
    }
  })
  onClose(async () => { timer.cancel() })
}
