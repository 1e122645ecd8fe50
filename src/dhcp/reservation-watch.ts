// Reservations of three sources, told as they come, change and go: the configuration's, which stay, then those of lists in their order,
// then those of groups by name. What changes at once is read together.
import type { Clock } from '../base/clock.js'
import { messageOf } from '../base/errors.js'
import type { Logger } from '../base/log.js'
import { LoopShare } from '../base/loop-share.js'
import type { Reservation } from './reservations.js'

export interface FoundReservations {
  /** All entries, in the order in which they count. */
  readonly entries: readonly Reservation[]
  /** A line for each entry that could not be read. */
  readonly problems: readonly string[]
}

export interface ReservationLists {
  /** What stands in all of them now. */
  readonly read: () => Promise<FoundReservations>
  /** Resolves, with how to stop, when every edit is told from now on. */
  readonly watch: (onEdit: () => void) => Promise<() => Promise<void>>
}

export interface ReservingGroups {
  readonly names: () => Iterable<string>
  /** What the group of that name reserves now: nothing when it is gone. */
  readonly of: (name: string) => Reservation | undefined
  /** Tells the names of those that come, change or go; gives how to stop. */
  readonly watch: (onChange: (names: readonly string[]) => void) => () => void
}

/** Reservations by key: in the order of the keys the earlier of two that contradict each other stays. */
export type ReservationChanges = ReadonlyMap<string, Reservation | undefined>

export interface ReservationWatchOptions {
  readonly configured: readonly Reservation[]
  readonly lists: ReservationLists
  readonly groups: ReservingGroups
  readonly clock: Clock
  readonly log: Logger
  /** Is told of all entries at first, and from then on of those that came, changed or went (undefined); and of what could not be read. */
  readonly onChange: (changes: ReservationChanges, problems: readonly string[]) => void | Promise<void>
}

/** Rest after a reading: so many times what it took, and so many milliseconds at most, since an edit is to count within a second. */
const restFor = 4
const longestRest = 700

const keyOf = (source: 'configuration' | 'list' | 'group', name: string | number): string =>
  `${['configuration', 'list', 'group'].indexOf(source)} ${typeof name === 'number' ? String(name).padStart(10, '0') : name}`

/** Resolves, with how to stop, when all are told and every edit is seen. */
export async function watchReservations (options: ReservationWatchOptions): Promise<() => Promise<void>> {
  const { configured, lists, groups, clock, log, onChange } = options
  let listed: FoundReservations = { entries: [], problems: [] }
  let reading: Promise<void> = Promise.resolve()
  /** A reading has yet to begin, which sees every change until then: twenty thousand groups that are copied in take a few. */
  let queued = false
  let listsChanged = false
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
    const names = [...groupsChanged ?? new Set([...told, ...groups.names()])]
    groupsChanged = new Set()
    if (listsChanged) {
      listsChanged = false
      const before = listed.entries.length
      listed = await lists.read()
      for (let n = 0; n < Math.max(before, listed.entries.length); n++) changes.set(keyOf('list', n), listed.entries[n])
    }
    const share = new LoopShare()
    for (const name of names) {
      if (share.isOver) await share.next()
      const entry = groups.of(name)
      if (entry === undefined && !told.has(name)) continue
      changes.set(keyOf('group', name), entry)
      if (entry === undefined) told.delete(name)
      else told.add(name)
    }
    const putting = onChange(changes, listed.problems)
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
      listsChanged = true
      groupsChanged = undefined
    })
  }
  const stopGroups = groups.watch(names => {
    for (const name of names) groupsChanged?.add(name)
    reread()
  })
  let stopLists = async (): Promise<void> => {}
  const close = async (): Promise<void> => {
    ended = true
    endRest()
    stopGroups()
    await stopLists()
    await reading
  }
  try {
    stopLists = await lists.watch(() => {
      if (ended) return
      listsChanged = true
      reread()
    })
    await onChange(new Map(configured.map((entry, n) => [keyOf('configuration', n), entry] as const)), [])
    listsChanged = queued = true
    const firstRead = read()
    reading = firstRead.then(() => {}, () => {})
    await firstRead
  } catch (error) {
    await close()
    throw error
  }
  return close
}
