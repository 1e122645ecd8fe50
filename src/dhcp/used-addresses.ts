// Addresses of a range that somebody uses unasked, found by looks ahead (looks-ahead.ts): set aside before a machine would get them.
import type { Clock } from '../base/clock.js'
import type { Logger } from '../base/log.js'
import { byWhom, type ConflictAnswer } from '../net/conflict-probe.js'
import { formatIpv4, type Ipv4 } from '../net/ipv4.js'
import type { DhcpEvent } from './dhcp-event.js'
import type { LeaseKeeper } from './lease-keeper.js'
import { isActive, type LeaseTable, nobody } from './leases.js'
import type { LooksAhead } from './looks-ahead.js'
import { setAside } from './server-decision.js'

export interface UsedAddressesOptions {
  readonly looks: LooksAhead<ConflictAnswer>
  readonly table: LeaseTable
  readonly keeper: LeaseKeeper
  readonly clock: Clock
  readonly log: Logger
  readonly onEvent: (event: DhcpEvent) => void
}

/** So many may be set aside before looks ahead set aside no more: a network that plays tricks takes no more of a range. */
export const mostSetAside = 16

/** Sets aside those that are in use, for whoever comes. */
export function leaveUsed (
  answers: ReadonlyArray<{ readonly ip: Ipv4, readonly answer: ConflictAnswer }>, options: UsedAddressesOptions
): void {
  const { looks, table, keeper, clock, log, onEvent } = options
  const mayLeave = (): boolean => table.ofMac(nobody).filter(lease => isActive(lease, clock.now())).length < mostSetAside
  for (const { ip, answer } of answers) {
    // Who had the address last and has it still is to get it again when it asks.
    if (!answer.inUse || (answer.by !== undefined && table.get(ip)?.mac === answer.by) || !mayLeave()) continue
    // While the disk is full it is tried again with the next look at it, and told when it is kept.
    looks.drop(ip)
    keeper.keep(setAside(table.get(ip) ?? { ip }, nobody, clock.now())).then(({ kind }) => {
      // Another provisioner gave it to a machine meanwhile, which is who answers there.
      if (kind !== 'kept') return
      log.warn({ ip: formatIpv4(ip), by: byWhom(answer) }, 'dhcp.conflict')
      onEvent({ kind: 'lease', change: 'conflict', mac: answer.by ?? nobody, ip })
    }).catch(() => {})
  }
}
