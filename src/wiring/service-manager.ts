// What a service manager hands down, and what it is told: that the service is ready (Type=notify), what it does (`systemctl
// status`), that it reads files again or ends, and as long as the event loop turns that it lives (WatchdogSec=). Started by
// hand there is nobody.
import type { Clock, Timer } from '../base/clock.js'
import { type InheritedSocket, inheritedSockets } from '../net/inherited-sockets.js'
import { type Assignments, type NotifySocket, openNotifySocket } from '../net/notify-socket.js'

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

/** Milliseconds until what the manager did not take is told once more: it is busy with other services, or does not come to itself. */
const toldAgain = 250

/** AppError `socket_failed` when what it hands down is no socket. */
export function openServiceManager ({ env, pid, clock }: ServiceManagerOptions): ServiceManager {
  const { NOTIFY_SOCKET: path = '', WATCHDOG_USEC: watchdog, WATCHDOG_PID: watched = String(pid) } = env
  const sockets = inheritedSockets(env, pid)
  if (path === '') return { ...silent, sockets }
  const socket = openNotifySocket(path)
  const tell = teller(socket, clock)
  // Half of the time allowed, in milliseconds (sd_watchdog_enabled(3)).
  const deadline = watched === String(pid) && /^\d{1,15}$/.test(watchdog ?? '') ? Number(watchdog) / 1000 : 0
  return {
    sockets,
    ready: status => {
      let told = status()
      tell({ READY: 1, STATUS: told })
      clock.every(deadline > 0 ? Math.max(1, deadline / 2) : statusEvery, () => {
        const now = status()
        if (deadline > 0 || now !== told) tell({ ...deadline > 0 && { WATCHDOG: 1 }, STATUS: now })
        told = now
      })
    },
    reloading: () => { tell({ RELOADING: 1 }) },
    reloaded: () => { tell({ READY: 1 }) },
    stopping: () => { tell({ STOPPING: 1, STATUS: 'finishes what is under way' }) },
    failed: why => { socket.sendLast({ STATUS: why }) }
  }
}

/** Tells it without waiting, and what it does not take then a moment later, together with what is to be told by then. */
function teller (socket: NotifySocket, clock: Clock): (assignments: Assignments) => void {
  let untold: Assignments = {}
  let again: Timer | undefined
  const tell = (assignments: Assignments): void => {
    // READY and RELOADING contradict each other: the later one holds.
    const { READY: _ready, RELOADING: _reloading, ...others } = untold
    untold = 'READY' in assignments || 'RELOADING' in assignments ? { ...others, ...assignments } : { ...untold, ...assignments }
    again?.cancel()
    again = undefined
    if (socket.send(untold)) untold = {}
    else again = clock.after(toldAgain, () => { tell({}) })
  }
  return tell
}

const silent: Omit<ServiceManager, 'sockets'> = { ready: () => {}, reloading: () => {}, reloaded: () => {}, stopping: () => {}, failed: () => {} }
