// What leases need beside DHCP: their file where it belongs, whatever happens to it, and times that mean what they meant when
// the clock is set.
import type { Clock } from '../base/clock.js'
import { messageOf } from '../base/errors.js'
import type { Logger } from '../base/log.js'
import { ClockJump } from '../dhcp/clock-jump.js'
import type { LeaseFile } from '../dhcp/lease-file.js'
import type { LeaseTable } from '../dhcp/leases.js'
import type { OnClose } from './closing.js'

/** Milliseconds. */
const lookAtClock = 1000
const lookAtFile = 5000

export interface LeaseUpkeep {
  readonly clock: Clock
  readonly log: Logger
  readonly leases: LeaseTable
  readonly onClose: OnClose
}

/** `steady` is a clock that nobody sets, in milliseconds. */
export function keepLeases (
  { clock, log, leases, onClose }: LeaseUpkeep, file: Pick<LeaseFile, 'rewrite' | 'verify'>, steady = () => performance.now()
): void {
  const failed = (error: unknown): void => { log.error({ error: messageOf(error) }, 'lease.upkeep') }
  const jumps = new ClockJump(clock.now(), steady())
  const timers = [
    clock.every(lookAtClock, () => {
      const jump = jumps.look(clock.now(), steady())
      if (jump === 0) return
      log.warn({ seconds: Math.round(jump / 1000), leases: leases.size }, 'clock.set')
      leases.shift(jump)
      file.rewrite().catch(failed)
    }),
    clock.every(lookAtFile, () => { file.verify().catch(failed) })
  ]
  onClose(async () => { for (const timer of timers) timer.cancel() })
}
