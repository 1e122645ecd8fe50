// What a service manager hands down, and what it is told: that the service is ready (Type=notify), what it does (`systemctl
// status`), that it reads files again or ends, and as long as the event loop turns that it lives (WatchdogSec=). Started by
// hand there is nobody.
import type { Clock } from '../base/clock.js'
import { type InheritedSocket, inheritedSockets } from '../net/inherited-sockets.js'
import { openNotifySocket } from '../net/notify-socket.js'

export interface ServiceManager {
  /** What it listens on for this process already. */
  readonly sockets: readonly InheritedSocket[]
  /** The service answers; `status` is asked again with each sign of life. */
  readonly ready: (status: () => string) => void
  readonly reloading: () => void
  readonly reloaded: () => void
  readonly stopping: () => void
  /** It does not start, or not go on. */
  readonly failed: (why: string) => void
}

export interface ServiceManagerOptions {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly pid: number
  readonly clock: Clock
}

/** How often the status is told where no watchdog asks for signs of life, in milliseconds. */
const statusEvery = 30_000

/** AppError `socket_failed` when what it hands down is no socket. */
export function openServiceManager ({ env, pid, clock }: ServiceManagerOptions): ServiceManager {
  const { NOTIFY_SOCKET: path = '', WATCHDOG_USEC: watchdog, WATCHDOG_PID: watched = String(pid) } = env
  const sockets = inheritedSockets(env, pid)
  if (path === '') return { ...silent, sockets }
  const socket = openNotifySocket(path)
  // Half of the time allowed, in milliseconds (sd_watchdog_enabled(3)).
  const deadline = watched === String(pid) && /^\d{1,15}$/.test(watchdog ?? '') ? Number(watchdog) / 1000 : 0
  return {
    sockets,
    ready: status => {
      let told = status()
      socket.send({ READY: 1, STATUS: told })
      clock.every(deadline > 0 ? Math.max(1, deadline / 2) : statusEvery, () => {
        const now = status()
        if (deadline > 0 || now !== told) socket.send({ ...deadline > 0 && { WATCHDOG: 1 }, STATUS: now })
        told = now
      })
    },
    reloading: () => { socket.send({ RELOADING: 1 }) },
    reloaded: () => { socket.send({ READY: 1 }) },
    stopping: () => { socket.send({ STOPPING: 1, STATUS: 'finishes what is under way' }) },
    failed: why => { socket.send({ STATUS: why }) }
  }
}

const silent: Omit<ServiceManager, 'sockets'> = { ready: () => {}, reloading: () => {}, reloaded: () => {}, stopping: () => {}, failed: () => {} }
