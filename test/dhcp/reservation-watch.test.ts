import t from 'tap'
import { createLog } from '../../src/base/log.js'
import { type ReservationChanges, type ReservationWatchOptions, watchReservations } from '../../src/dhcp/reservation-watch.js'
import type { Reservation } from '../../src/dhcp/reservations.js'
import { FakeClock } from '../helpers/fake-clock.js'
import { logLines } from '../helpers/log-lines.js'
import { mac } from '../helpers/dhcp.js'

const entry = (n: number, source: string): Reservation => ({ macs: [mac(`52:54:00:00:00:0${n}`)], ip: n, hostName: undefined, source })

/** Sources in memory: `edit` and `change` say that lists and groups are others. */
function world () {
  const clock = new FakeClock()
  const groups = new Map<string, Reservation>()
  const lines = logLines()
  const own = {
    clock,
    groups,
    lines,
    lists: [] as Reservation[],
    fails: false,
    edit: (): void => {},
    change: (_: readonly string[]): void => {},
    readings: 0,
    stopped: [] as string[]
  }
  const options: Omit<ReservationWatchOptions, 'onChange'> = {
    configured: [entry(1, 'configuration')],
    lists: {
      read: async () => {
        own.readings++
        if (own.fails) throw new Error('no list can be read')
        return { entries: [...own.lists], problems: [] }
      },
      watch: async onEdit => {
        own.edit = onEdit
        return async () => { own.stopped.push('lists') }
      }
    },
    groups: {
      names: () => groups.keys(),
      of: name => groups.get(name),
      watch: onChange => {
        own.change = onChange
        return () => { own.stopped.push('groups') }
      }
    },
    clock,
    log: createLog({ level: 'warn', pretty: false, destination: lines.stream })
  }
  return Object.assign(own, { options })
}

/** What is in force, and the next time something is told. */
function listener () {
  const entries = new Map<string, Reservation>()
  let heard = (): void => {}
  return {
    onChange: (changes: ReservationChanges): void => {
      for (const [key, one] of changes) {
        if (one === undefined) entries.delete(key)
        else entries.set(key, one)
      }
      heard()
    },
    /** In the order of their keys. */
    told: () => [...entries].sort(([a], [b]) => a < b ? -1 : 1).map(([, { source }]) => source),
    next: (): Promise<void> => new Promise(resolve => { heard = resolve })
  }
}

t.test('the configuration comes first, then lists in their order, however many, then groups by name', async t => {
  const { options, groups, lists } = world()
  for (const n of [2, 3, 4, 5, 6, 7, 8, 9, 1, 2, 3]) lists.push(entry(n, `list ${lists.length}`))
  groups.set('b', entry(5, 'group b')).set('a', entry(6, 'group a'))
  const heard = listener()
  t.teardown(await watchReservations({ ...options, onChange: heard.onChange }))
  t.same(heard.told(), ['configuration', ...lists.map(({ source }) => source), 'group a', 'group b'])
})

t.test('what goes is told: the end of a list, and a group', async t => {
  const own = world()
  own.lists.push(entry(2, 'list 0'), entry(3, 'list 1'))
  own.groups.set('a', entry(4, 'group a'))
  const heard = listener()
  t.teardown(await watchReservations({ ...own.options, onChange: heard.onChange }))
  own.lists.pop()
  let told = heard.next()
  own.edit()
  await told
  t.same(heard.told(), ['configuration', 'list 0', 'group a'])
  own.groups.delete('a')
  told = heard.next()
  own.change(['a'])
  await told
  t.same(heard.told(), ['configuration', 'list 0'])
  t.equal(own.readings, 2, 'a group that changes has no list read')
})

t.test('what could not be read is told with the next change', async t => {
  const own = world()
  const heard = listener()
  t.teardown(await watchReservations({ ...own.options, onChange: heard.onChange }))
  own.fails = true
  own.lists.push(entry(2, 'list 0'))
  own.edit()
  while (!own.lines.text().includes('no list can be read')) await new Promise(resolve => { setImmediate(resolve) })
  own.fails = false
  const told = heard.next()
  own.groups.set('a', entry(3, 'group a'))
  own.change([])
  await told
  t.same(heard.told(), ['configuration', 'list 0', 'group a'])
})

t.test('after a reading that took long it rests, and to close it ends the rest', async t => {
  const own = world()
  const heard = listener()
  const slow = { is: false }
  const close = await watchReservations({
    ...own.options,
    onChange: changes => {
      if (slow.is) own.clock.advance(100)
      heard.onChange(changes)
    }
  })
  slow.is = true
  const told = heard.next()
  own.edit()
  await told
  while (own.clock.pending === 0) await new Promise(resolve => { setImmediate(resolve) })
  own.edit()
  await new Promise(resolve => { setImmediate(resolve) })
  t.equal(own.readings, 2, 'the next reading waits')
  const again = heard.next()
  own.clock.advance(400)
  await again
  t.equal(own.readings, 3)
  while (own.clock.pending === 0) await new Promise(resolve => { setImmediate(resolve) })
  await close()
  t.equal(own.clock.pending, 0)
  t.same(own.stopped, ['groups', 'lists'])
  own.edit()
  await new Promise(resolve => { setImmediate(resolve) })
  t.equal(own.readings, 3, 'an edit that is heard late is nobody\'s')
})
