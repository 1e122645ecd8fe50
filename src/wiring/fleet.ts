// The figures of the fleet page, read from the metrics once a minute.
import { unwaited } from '../base/errors.js'
import { isActive } from '../dhcp/leases.js'
import { Fleet, type FleetCounts } from '../ui/fleet.js'
import type { RunningParts } from './running-parts.js'

/** Milliseconds. */
const every = 60_000

export interface FleetWatch { readonly fleet: Fleet, readonly close: () => void }

type FleetParts = Pick<RunningParts, 'metrics' | 'leases' | 'clock'>

export function watchFleet (parts: FleetParts): FleetWatch {
  const fleet = new Fleet()
  const look = (): void => { unwaited(countsOf(parts).then(counts => { fleet.add(counts, parts.clock.now()) })) }
  look()
  const looking = parts.clock.every(every, look)
  return { fleet, close: () => { looking.cancel() } }
}

async function countsOf ({ metrics, leases, clock }: FleetParts): Promise<FleetCounts> {
  const { boots, httpBytes, tftpBytes, tftpResent } = metrics
  const [http, tftp, resent] = await Promise.all([httpBytes.get(), tftpBytes.get(), tftpResent.get()])
  const sum = (values: ReadonlyArray<{ readonly value: number }>): number => values.reduce((all, { value }) => all + value, 0)
  const of = (wanted: string): number => boots.counts.reduce((all, [{ result }, { count }]) => result === wanted ? all + count : all, 0)
  const now = clock.now()
  let active = 0
  for (const lease of leases.table.values()) if (isActive(lease, now)) active++
  return {
    finished: of('finished'),
    disk: of('disk'),
    failed: of('failed'),
    octets: sum(http.values) + sum(tftp.values),
    resent: sum(resent.values),
    leases: active
  }
}
