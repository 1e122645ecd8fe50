// Where reservations come from, kept together and live: the configuration, the files of hosts.d, and groups that name both
// a hardware address and an IP address. An edit of any of them is in force within a second.
import { join } from 'node:path'
import type { Clock } from '../base/clock.js'
import { LoopShare } from '../base/loop-share.js'
import { HostsFolder } from '../config/hosts-folder.js'
import type { LoadedConfig } from '../config/load.js'
import type { ReservationEntry } from '../config/reservation-file.js'
import type { Reservation } from '../dhcp/reservations.js'
import { wireOptions } from './dhcp-settings.js'
import { messageOf } from '../base/errors.js'
import type { Logger } from '../base/log.js'
import { groupReservations } from '../matchbox/group-machines.js'
import type { Store } from '../matchbox/store.js'
import { FolderWatcher } from '../disk/folder-watch.js'
import { makeFolder } from '../disk/make-folder.js'

export interface FoundReservations {
  /** All entries, those of the configuration first. */
  readonly entries: readonly Reservation[]
  /** A line for each entry that could not be read. */
  readonly problems: readonly string[]
}

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

/** Reservations by key: in the order of the keys the earlier of two that contradict each other stays. */
export type ReservationChanges = ReadonlyMap<string, Reservation | undefined>

export interface ReservationWatchOptions {
  readonly loaded: LoadedConfig
  readonly store: Store
  readonly clock: Clock
  readonly log: Logger
  /** Is told of all entries at first, and from then on of those that came, changed or went (undefined); and of what could not be read. */
  readonly onChange: (changes: ReservationChanges, problems: readonly string[]) => void | Promise<void>
}

/** Rest after a reading: so many times what it took, and so many milliseconds at most, since an edit is to count within a second. */
const restFor = 4
const longestRest = 700
/** Milliseconds between two looks at the files themselves. */
const lookEvery = 3000

/** Those of the configuration come first, then those of hosts.d in their order, then those of groups by name. */
const keyOf = (source: 'configuration' | 'hosts' | 'group', name: string | number): string =>
  `${['configuration', 'hosts', 'group'].indexOf(source)} ${typeof name === 'number' ? String(name).padStart(10, '0') : name}`

/**
 * Tells of all, and of what changes in a file of hosts.d or in a group; resolves, with how to stop, when all are told and every edit is
 * seen.
 */
export async function watchReservations ({ loaded, store, clock, log, onChange }: ReservationWatchOptions): Promise<() => Promise<void>> {
  const root = hostsFolder(loaded)
  await makeFolder(root)
  const folder = new HostsFolder(root)
  let hosts: FoundReservations = { entries: [], problems: [] }
  let reading: Promise<void> = Promise.resolve()
  /** A reading has yet to begin, which sees every change until then: twenty thousand groups that are copied in take a few. */
  let queued = false
  let filesChanged = false
  /** Groups that changed since the last reading; undefined: all of them are to be read. */
  let groupsChanged: Set<string> | undefined
  let endRest = (): void => {}
  let ended = false
  /** The groups of which an entry was told. */
  const told = new Set<string>()

  /** Tells of what changed; gives how many milliseconds that took. */
  const read = async (): Promise<number> => {
    queued = false
    const began = clock.now()
    const changes = new Map<string, Reservation | undefined>()
    const names = [...groupsChanged ?? new Set([...told, ...store.snapshot.groups.keys()])]
    groupsChanged = new Set()
    if (filesChanged) {
      filesChanged = false
      const before = hosts.entries.length
      hosts = await readHosts(folder)
      for (let n = 0; n < Math.max(before, hosts.entries.length); n++) changes.set(keyOf('hosts', n), hosts.entries[n])
    }
    const share = new LoopShare()
    for (const name of names) {
      if (share.isOver) await share.next()
      const group = store.snapshot.groups.get(name)
      const [entry] = group === undefined ? [] : groupReservations([group])
      if (entry === undefined && !told.has(name)) continue
      changes.set(keyOf('group', name), entry)
      if (entry === undefined) told.delete(name)
      else told.add(name)
    }
    const putting = onChange(changes, hosts.problems)
    if (putting !== undefined) await putting
    return clock.now() - began
  }
  const reread = (): void => {
    if (queued) return
    queued = true
    reading = reading.then(async () => {
      const rest = Math.min(longestRest, restFor * await read())
      if (rest <= 0 || ended) return
      await new Promise<void>(resolve => {
        const timer = clock.after(rest, resolve)
        endRest = () => {
          timer.cancel()
          resolve()
        }
      })
    }).catch((error: unknown) => {
      log.warn({ error: messageOf(error) }, 'reservation.unread')
      // What was not told is told with the next change.
      filesChanged = true
      groupsChanged = undefined
    })
  }
  const rereadFiles = (): void => {
    filesChanged = true
    reread()
  }
  const stop = store.onChange(changes => {
    for (const { kind, name } of changes) {
      if (kind !== 'group') continue
      groupsChanged?.add(name)
      reread()
    }
  })
  const watcher = await FolderWatcher.start({
    root,
    // The files stand in the folder itself.
    folders: ['.'],
    clock,
    onEdit: rereadFiles,
    onError: error => { log.warn({ error: messageOf(error) }, 'reservation.watch') }
  })
  const close = async (): Promise<void> => {
    ended = true
    endRest()
    stop()
    await watcher.close()
    await reading
  }
  try {
    const first = ownReservations(loaded).map((entry, n) => [keyOf('configuration', n), entry] as const)
    await onChange(new Map(first), [])
    filesChanged = queued = true
    const firstRead = read()
    reading = firstRead.then(() => {}, () => {})
    await firstRead
  } catch (error) {
    await close()
    throw error
  }
  // Events are not enough where a link's target changes, a file is mounted over, or another machine writes to a shared folder.
  const looking = clock.every(lookEvery, () => {
    folder.hasChanged().then(changed => { if (changed && !ended) rereadFiles() })
      .catch((error: unknown) => { log.warn({ error: messageOf(error) }, 'reservation.unread') })
  })
  return async () => {
    looking.cancel()
    await close()
  }
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
