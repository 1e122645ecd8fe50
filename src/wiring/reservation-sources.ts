// The three sources of reservations, handed to dhcp/reservation-watch: the configuration, the lists of hosts.d, and groups that name both a
// hardware address and an IP address. An edit of any of them is in force within a second.
import { join } from 'node:path'
import type { Clock } from '../base/clock.js'
import { messageOf } from '../base/errors.js'
import type { Logger } from '../base/log.js'
import { LoopShare } from '../base/loop-share.js'
import { HostsFolder } from '../config/hosts-folder.js'
import type { LoadedConfig } from '../config/load.js'
import type { ReservationEntry } from '../config/reservation-file.js'
import { type FoundReservations, type ReservationWatchOptions, watchReservations } from '../dhcp/reservation-watch.js'
import type { Reservation } from '../dhcp/reservations.js'
import { groupReservations } from '../matchbox/group-machines.js'
import type { Store } from '../matchbox/store.js'
import { wireOptions } from './dhcp-settings.js'

interface AllReservations extends FoundReservations {
  /** Those of the configuration and of hosts.d. */
  readonly outsideGroups: readonly Reservation[]
}

const hostsFolder = (loaded: LoadedConfig): string => join(loaded.config.state_path, 'hosts.d')

/** What stands in all three places now. */
export async function readReservations (loaded: LoadedConfig, store: Store): Promise<AllReservations> {
  const hosts = await readHosts(new HostsFolder(hostsFolder(loaded)))
  const outsideGroups = [...ownReservations(loaded), ...hosts.entries]
  const entries: Reservation[] = [...outsideGroups]
  const share = new LoopShare()
  for (const group of store.snapshot.groups.values()) {
    if (share.isOver) await share.next()
    for (const entry of groupReservations([group])) entries.push(entry)
  }
  return { entries, outsideGroups, problems: hosts.problems }
}

export interface ReservationParts extends Pick<ReservationWatchOptions, 'onChange'> {
  readonly loaded: LoadedConfig
  readonly store: Store
  readonly clock: Clock
  readonly log: Logger
}

/** Resolves, with how to stop, when all are told and every edit is seen. AppError names an option of the configuration that can't be. */
export async function followReservations ({ loaded, store, clock, log, onChange }: ReservationParts): Promise<() => Promise<void>> {
  const folder = new HostsFolder(hostsFolder(loaded))
  return await watchReservations({
    configured: ownReservations(loaded),
    lists: {
      read: () => readHosts(folder),
      watch: onEdit => folder.watch({ clock, onEdit, onError: error => { log.warn({ error: messageOf(error) }, 'reservation.watch') } })
    },
    groups: {
      names: () => store.snapshot.groups.keys(),
      of: name => {
        const group = store.snapshot.groups.get(name)
        return group === undefined ? undefined : groupReservations([group])[0]
      },
      watch: onChange => store.onChange(changes => {
        const names = changes.filter(({ kind }) => kind === 'group').map(({ name }) => name)
        if (names.length > 0) onChange(names)
      })
    },
    clock,
    log,
    onChange
  })
}

/** AppError names the option that can't be. */
const ownReservations = ({ config, where }: LoadedConfig): readonly Reservation[] =>
  config.dhcp.reservations.map((entry, index) => reservationOf({ ...entry, source: where(['dhcp', 'reservations', index]) }))

const reservationOf = ({ mac, ip, hostname, options, source }: ReservationEntry): Reservation =>
  ({ macs: [mac], ip, hostName: hostname, options: wireOptions(options, source), source })

/** What can't be put into DHCP's form is left out alone. */
async function readHosts (folder: HostsFolder): Promise<FoundReservations> {
  const found = await folder.read()
  const entries: Reservation[] = []
  const problems = [...found.problems]
  for (const entry of found.entries) {
    try {
      entries.push(reservationOf(entry))
    } catch (error) {
      problems.push(messageOf(error))
    }
  }
  return { entries, problems }
}
