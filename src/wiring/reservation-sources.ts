// Where reservations come from, kept together and live: the configuration, the files of hosts.d, and groups that name both
// a hardware address and an IP address. An edit of any of them is in force within a second.
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import type { Clock } from '../base/clock.js'
import { HostsFolder } from '../config/hosts-folder.js'
import type { LoadedConfig } from '../config/load.js'
import type { ReservationEntry } from '../config/reservation-file.js'
import type { Reservation } from '../dhcp/reservations.js'
import { wireOptions } from './dhcp-settings.js'
import { messageOf } from '../base/errors.js'
import type { Logger } from '../base/log.js'
import { groupReservations, knownMachines } from '../matchbox/group-machines.js'
import type { Store } from '../matchbox/store.js'
import { FolderWatcher } from '../disk/folder-watch.js'
import type { Mac } from '../net/mac.js'
import { makeFolder } from '../disk/make-folder.js'

export interface FoundReservations {
  /** All entries, those of the configuration first. */
  readonly entries: readonly Reservation[]
  /** A line for each entry that could not be read. */
  readonly problems: readonly string[]
  /** The machines that groups name, with an address or without. */
  readonly named: ReadonlySet<Mac>
}

/** Groups that are read in one turn of the event loop: some 5 ms when all are new. */
const groupsAtOnce = 1000

const hostsFolder = (loaded: LoadedConfig): string => join(loaded.config.state_path, 'hosts.d')

/** What stands in all three places now. */
export async function readReservations (
  loaded: LoadedConfig, store: Store, folder = new HostsFolder(hostsFolder(loaded))
): Promise<FoundReservations> {
  const { config, where } = loaded
  const own = config.dhcp.reservations.map((entry, index) => reservationOf({ ...entry, source: where(['dhcp', 'reservations', index]) }))
  const hosts = await readHosts(folder)
  const entries: Reservation[] = [...own, ...hosts.entries]
  const named = new Set<Mac>()
  const groups = [...store.snapshot.groups.values()]
  for (let from = 0; from < groups.length; from += groupsAtOnce) {
    if (from > 0) await setImmediate()
    const some = groups.slice(from, from + groupsAtOnce)
    for (const entry of groupReservations(some)) entries.push(entry)
    for (const mac of knownMachines(some)) named.add(mac)
  }
  return { entries, problems: hosts.problems, named }
}

export interface WatchOptions {
  readonly loaded: LoadedConfig
  readonly store: Store
  readonly clock: Clock
  readonly log: Logger
  readonly onChange: (found: FoundReservations) => void | Promise<void>
}

/** Rest after a reading: so many times what it took, and so many milliseconds at most, since an edit is to count within a second. */
const restFor = 4
const longestRest = 700
/** Milliseconds between two looks at the files themselves. */
const lookEvery = 3000

/** Reads again whenever a file of hosts.d or a group changes; resolves, with how to stop, when every edit from now on is seen. */
export async function watchReservations ({ loaded, store, clock, log, onChange }: WatchOptions): Promise<() => Promise<void>> {
  const root = hostsFolder(loaded)
  await makeFolder(root)
  const folder = new HostsFolder(root)
  await folder.read()
  let reading: Promise<void> = Promise.resolve()
  /** A reading has yet to begin, which sees every change until then: twenty thousand groups that are copied in take a few. */
  let queued = false
  let endRest = (): void => {}
  let ended = false
  const reread = (): void => {
    if (queued) return
    queued = true
    reading = reading.then(async () => {
      queued = false
      const began = clock.now()
      const putting = onChange(await readReservations(loaded, store, folder))
      if (putting !== undefined) await putting
      const rest = Math.min(longestRest, restFor * (clock.now() - began))
      if (rest <= 0 || ended) return
      await new Promise<void>(resolve => {
        const timer = clock.after(rest, resolve)
        endRest = () => {
          timer.cancel()
          resolve()
        }
      })
    }).catch((error: unknown) => { log.warn({ error: messageOf(error) }, 'reservation.unread') })
  }
  const watcher = await FolderWatcher.start({
    root,
    // The files stand in the folder itself.
    folders: ['.'],
    clock,
    onEdit: reread,
    onError: error => { log.warn({ error: messageOf(error) }, 'reservation.watch') }
  })
  // Events are not enough where a link's target changes, a file is mounted over, or another machine writes to a shared folder.
  const looking = clock.every(lookEvery, () => {
    folder.hasChanged().then(changed => { if (changed && !ended) reread() })
      .catch((error: unknown) => { log.warn({ error: messageOf(error) }, 'reservation.unread') })
  })
  const stop = store.onChange(changes => { if (changes.some(({ kind }) => kind === 'group')) reread() })
  return async () => {
    ended = true
    looking.cancel()
    endRest()
    stop()
    await watcher.close()
    await reading
  }
}

const reservationOf = ({ mac, ip, hostname, options, source }: ReservationEntry): Reservation =>
  ({ macs: [mac], ip, hostName: hostname, options: wireOptions(options, source), source })

/** What can't be put into DHCP's form is left out alone. */
async function readHosts (folder: HostsFolder): Promise<Omit<FoundReservations, 'named'>> {
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
