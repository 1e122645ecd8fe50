import t from 'tap'
import { AppError } from '../../src/base/errors.js'
import type { Mac } from '../../src/net/mac.js'
import { type RebootEvent, type RebootGroup, Reboots } from '../../src/updates/reboots.js'
import { parseWindow } from '../../src/updates/window.js'
import { FakeClock } from '../helpers/fake-clock.js'
import { MemoryUpdateStore } from '../helpers/update-store.js'

function bench (group: Partial<RebootGroup> = {}): { store: MemoryUpdateStore, clock: FakeClock, events: RebootEvent[], open: () => Reboots } {
  const [store, clock, events]: [MemoryUpdateStore, FakeClock, RebootEvent[]] = [new MemoryUpdateStore(), new FakeClock(Date.parse('2026-11-27T10:00:00Z')), []]
  return {
    store,
    clock,
    events,
    open: () => new Reboots({
      groups: [{ name: 'workers', slots: 1, staleAfter: undefined, window: undefined, ...group }], store, before: store.state.holders, macOf: address => macs.get(address), clock, onEvent: event => { events.push(event) }
    })
  }
}

const macs = new Map<string, Mac>()

const full = { kind: 'failed_lock_semaphore_full' }

t.test('as many as there are slots, whoever asks at once', async t => {
  const { open } = bench({ slots: 3 })
  const reboots = open()
  const answers = await Promise.all(Array.from({ length: 50 }, (_, i) => reboots.lock('workers', `m${i}`, '10.0.0.1')))
  t.equal(answers.filter(answer => answer === undefined).length, 3)
  t.match(answers.filter(answer => answer !== undefined), Array.from({ length: 47 }, () => full))
})

t.test('whoever holds a slot and asks again holds that one', async t => {
  const { open, events } = bench({ slots: 2 })
  const reboots = open()
  for (let i = 0; i < 20; i++) t.equal(await reboots.lock('workers', 'a', '10.0.0.1'), undefined)
  t.equal(reboots.holders.get('workers')?.length, 1)
  t.equal(await reboots.lock('workers', 'A', '10.0.0.1'), undefined, 'letter case counts')
  t.match(await reboots.lock('workers', 'b', '10.0.0.1'), full)
  t.same(events.map(({ kind, id }) => `${kind} ${id}`), ['lock a', 'lock A', 'full b'])
})

t.test('only a holder gives back, and who holds none has given back', async t => {
  const { open } = bench()
  const reboots = open()
  await reboots.lock('workers', 'a', '10.0.0.1')
  t.equal(await reboots.unlock('workers', 'b', '10.0.0.2'), false)
  t.equal(await reboots.unlock('nobody', 'a', '10.0.0.2'), false)
  t.match(await reboots.lock('workers', 'b', '10.0.0.2'), full)
  t.equal(await reboots.unlock('workers', 'a', '10.0.0.1'), true)
  t.equal(await reboots.lock('workers', 'b', '10.0.0.2'), undefined)
})

t.test('a slot is kept before it is told, and over a restart', async t => {
  const { open, store } = bench()
  await open().lock('workers', 'a', '10.0.0.1')
  const again = open()
  t.match(await again.lock('workers', 'b', '10.0.0.2'), full)
  t.equal(await again.lock('workers', 'a', '10.0.0.1'), undefined)
  store.isFull = true
  await t.rejects(again.unlock('workers', 'a', '10.0.0.1'), AppError)
  t.match(await again.lock('workers', 'b', '10.0.0.2'), full, 'what could not be given back is held')
  store.isFull = false
  await again.unlock('workers', 'a', '10.0.0.1')
  store.isFull = true
  await t.rejects(again.lock('workers', 'b', '10.0.0.2'), AppError)
  store.isFull = false
  t.equal(await again.lock('workers', 'c', '10.0.0.3'), undefined, 'what could not be kept is free')
})

t.test('groups, windows and holders that never came back', async t => {
  const { open, clock } = bench({ window: parseWindow('Fri 12:00-13:00 UTC'), staleAfter: 600_000 })
  const reboots = open()
  t.match(await reboots.lock('others', 'a', '10.0.0.1'), { kind: 'unknown_group' })
  t.match(await reboots.lock('workers', 'a', '10.0.0.1'), { kind: 'outside_window', opens: Date.parse('2026-11-27T12:00:00Z') })
  clock.advance(2 * 3_600_000)
  t.equal(await reboots.lock('workers', 'a', '10.0.0.1'), undefined)
  clock.advance(599_999)
  t.match(await reboots.lock('workers', 'b', '10.0.0.2'), full)
  clock.advance(1)
  t.equal(await reboots.lock('workers', 'b', '10.0.0.2'), undefined)
  t.same(reboots.holders.get('workers')?.map(({ id }) => id), ['b'])
  clock.advance(3_600_000)
  t.equal(await reboots.lock('workers', 'b', '10.0.0.2'), undefined, 'a holder holds it outside of the window too')
})

t.test('a slot is given back by the machine that holds it, or taken by a person', async t => {
  const { open, store } = bench()
  const reboots = open()
  macs.set('10.0.0.1', '52:54:00:00:00:01' as Mac)
  macs.set('10.0.0.66', '52:54:00:00:00:66' as Mac)
  await reboots.lock('workers', 'a', '10.0.0.1')
  for (const stranger of ['10.0.0.66', '10.0.0.67']) t.equal(await reboots.unlock('workers', 'a', stranger), false, stranger)
  t.match(store.state.holders.get('workers'), [{ id: 'a', mac: '52:54:00:00:00:01' }])
  macs.set('10.0.0.9', '52:54:00:00:00:01' as Mac)
  t.equal(await reboots.unlock('workers', 'a', '10.0.0.9'), true, 'with another address after its reboot')
  await reboots.lock('workers', 'a', '10.0.0.1')
  t.equal(await reboots.release('workers', 'a'), true)
  macs.clear()
})
