// What provisioners share, on a played etcd and clock: what etcd has is known here when that is said, what was missed is made up for, and of an
// etcd that is away or another fleet's nothing is taken.
import { Buffer } from 'node:buffer'
import t, { type Test } from 'tap'
import type { EntryChange } from '../../src/cluster/entries.js'
import type { SharedState } from '../../src/cluster/shared-state.js'
import { PlayedFleet, type Sharing } from '../helpers/fleet/played-fleet.js'

const second = 1000
const text = (state: SharedState, key: string): string | undefined => state.get(key)?.value.toString()
const wordsOf = ({ key, before, after }: EntryChange): string => `${key} ${before?.value.toString() ?? '-'} ${after?.value.toString() ?? '-'}`

/** One that heard of two keys, and of what comes now by `lateness` later. */
async function late (t: Test, lateness: number): Promise<{ readonly fleet: PlayedFleet, readonly state: SharedState }> {
  const fleet = new PlayedFleet(t)
  let by = 0
  const { state } = await fleet.share({ lateness: () => by })
  fleet.put('groups/changed', 'old')
  fleet.put('groups/removed', 'old')
  await fleet.wait(second)
  by = lateness
  return { fleet, state }
}

const changes: ReadonlyArray<readonly [what: string, key: string, make: (fleet: PlayedFleet) => void, is: string | undefined]> = [
  ['made', 'groups/made', fleet => { fleet.put('groups/made', 'new') }, 'new'],
  ['changed', 'groups/changed', fleet => { fleet.put('groups/changed', 'new') }, 'new'],
  ['changed twice', 'groups/changed', fleet => {
    fleet.put('groups/changed', 'between')
    fleet.put('groups/changed', 'new')
  }, 'new'],
  ['removed', 'groups/removed', fleet => { fleet.remove('groups/removed') }, undefined],
  ['made and removed', 'groups/made', fleet => {
    fleet.put('groups/made', 'new')
    fleet.remove('groups/made')
  }, undefined]
]
const waits: ReadonlyArray<readonly [what: string, wait: (state: SharedState, key: string, revision: number) => Promise<void>]> = [
  ['the key', (state, key) => state.settle(key)],
  ['its folder', state => state.settleAll('groups')],
  ['the revision', (state, _, revision) => state.applied(revision)]
]

t.test('what waits for news that is late ends when it is here, and not before', async t => {
  for (const [what, key, make, is] of changes) {
    for (const [which, wait] of waits) {
      const { fleet, state } = await late(t, 3 * second)
      make(fleet)
      let isDone = false
      const done = wait(state, key, fleet.etcd.revision).then(() => { isDone = true })
      await fleet.wait(2 * second)
      // Nobody can tell what was never here from what is gone again.
      const isNone = what === 'made and removed' && which !== 'the revision'
      t.equal(isDone, isNone, `${what}: ${which}`)
      if (!isNone) t.not(text(state, key), is ?? '-', 'the old')
      await fleet.meanwhile(done)
      t.equal(text(state, key), is)
    }
  }
})

t.test('what does not arrive within five seconds is told as etcd being away; what ends here ends', async t => {
  for (const [which, wait] of waits) {
    const { fleet, state } = await late(t, 60 * second)
    fleet.put('groups/changed', 'new')
    const outcome: string[] = []
    wait(state, 'groups/changed', fleet.etcd.revision).catch((error: unknown) => { outcome.push(String(error)) })
    await fleet.wait(4900)
    t.same(outcome, [], which)
    await fleet.wait(200)
    t.match(outcome, [/does not arrive here/])
    const ended = t.rejects(wait(state, 'groups/changed', fleet.etcd.revision), { code: 'etcd_away', message: 'this provisioner ends' })
    await fleet.wait(100)
    await fleet.meanwhile(state.close())
    await ended
  }
})

t.test('listeners hear what changed in their folder, of one revision at once, until they do not want to', async t => {
  const fleet = new PlayedFleet(t)
  const { state } = await fleet.share()
  const heard: string[][] = []
  const stop = state.onChange('groups', changes => { heard.push(changes.map(wordsOf)) })
  fleet.put('groups/a', '1')
  fleet.put('profiles/a', '1')
  fleet.etcd.carryOut('Txn', {
    compare: [], failure: [], success: ['b', 'c'].map(name => ({ request_put: { key: Buffer.from(`/f/groups/${name}`), value: Buffer.from('2') } }))
  })
  fleet.put('groups/a', '3')
  fleet.remove('groups/a')
  await fleet.wait(second)
  t.same(heard, [['groups/a - 1'], ['groups/b - 2', 'groups/c - 2'], ['groups/a 1 3'], ['groups/a 3 -']])
  t.same([...state.under('groups').keys()], ['groups/b', 'groups/c'])
  stop()
  fleet.put('groups/b', '4')
  await fleet.wait(second)
  t.equal(heard.length, 4)
  t.equal(text(state, 'groups/b'), '4')
})

t.test('away: what is known stays, nothing is asked, and what was missed is told when it is back', async t => {
  for (const compacted of [false, true]) {
    const fleet = new PlayedFleet(t)
    const { state, said } = await fleet.share()
    for (const name of ['changed', 'removed', 'same']) fleet.put(`groups/${name}`, 'old')
    await fleet.wait(second)
    const standings: boolean[] = []
    state.onStanding(({ inStep }) => { standings.push(inStep) })
    const heard: string[] = []
    state.onChange('groups', changes => { heard.push(...changes.map(wordsOf)) })
    fleet.become('stopped')
    await fleet.wait(30 * second)
    t.match(state.standing, { inStep: false, reason: 'etcd does not answer' })
    t.ok(state.standing.age! >= 30 * second && state.standing.age! < 32.1 * second, `in step ${state.standing.age} ms ago, of which two seconds are between looks`)
    const { now } = fleet.time
    const asked = [state.read('groups/same'), state.settle('groups/same'), state.settleAll('groups'), state.transact({ compare: [], success: [] })]
    for (const one of asked.map(async answer => { await answer })) {
      await t.rejects(one, { code: 'etcd_away', message: 'etcd does not answer' })
    }
    t.equal(fleet.time.now, now, 'nobody waits for it')
    t.equal(text(state, 'groups/removed'), 'old')
    fleet.put('groups/changed', 'new')
    fleet.remove('groups/removed')
    fleet.put('groups/made', 'new')
    if (compacted) fleet.etcd.compact()
    fleet.become('up')
    await fleet.wait(10 * second)
    t.match(state.standing, { inStep: true, age: 0, reason: '' })
    t.same(standings, [false, true])
    t.same(heard.sort(), ['groups/changed old new', 'groups/made - new', 'groups/removed old -'], compacted ? 'read whole' : 'followed')
    for (const line of ['cluster.away', 'cluster.in_step']) t.equal(said.filter(one => one === line).length, line === 'cluster.away' ? 1 : 2, line)
  }
})

t.test('it is read whole every ten minutes, and is no other for that where nothing changed', async t => {
  const fleet = new PlayedFleet(t)
  const { state, said } = await fleet.share()
  fleet.put('groups/a', '1')
  await fleet.wait(second)
  const told: unknown[] = []
  state.onStanding(standing => { told.push(standing) })
  state.onRestored(() => { told.push('restored') })
  state.onChange('groups', changes => { told.push(...changes.map(wordsOf)) })
  await fleet.wait(1500 * second)
  t.same(told, [])
  t.notOk(said.includes('cluster.restored'))
})

t.test('a member that is back is found in a moment, and one that stays away is not asked all the time', async t => {
  const fleet = new PlayedFleet(t)
  let asked = 0
  let isThere = true
  const { state } = await fleet.share({
    reaches: () => {
      asked++
      return isThere
    }
  })
  fleet.become('down')
  while (state.standing.inStep) await fleet.wait(50)
  fleet.become('up')
  const back = fleet.time.now
  while (!state.standing.inStep) await fleet.wait(50)
  t.ok(fleet.time.now - back < second, `${fleet.time.now - back} ms`)
  isThere = false
  await fleet.wait(120 * second)
  t.equal(state.standing.inStep, false)
  asked = 0
  await fleet.wait(60 * second)
  t.ok(asked > 20 && asked < 300, `${asked} times a minute`)
})

t.test('a start without etcd has what the copy says, and is in step once etcd is there', async t => {
  const fleet = new PlayedFleet(t)
  const first = await fleet.share()
  fleet.put('groups/a', 'new')
  fleet.put('groups/b', 'same')
  await fleet.wait(second)
  const record = first.state.get('fleet')!.value
  const asOf = fleet.time.now - 3600 * second
  const values = new Map([['fleet', record], ['groups/a', Buffer.from('old')], ['groups/b', Buffer.from('same')], ['groups/c', Buffer.from('gone')]])
  fleet.become('down')
  const { state } = await fleet.share({ copied: { values, asOf } })
  t.match(state.standing, { inStep: false, reason: 'etcd does not answer' })
  t.ok(state.standing.age! >= 3600 * second)
  t.same(['a', 'b', 'c'].map(name => text(state, `groups/${name}`)), ['old', 'same', 'gone'])
  const heard: string[] = []
  state.onChange('groups', changes => { heard.push(...changes.map(wordsOf)) })
  fleet.become('up')
  await fleet.wait(10 * second)
  t.equal(state.standing.inStep, true)
  t.same(heard.sort(), ['groups/a old new', 'groups/c gone -'], 'what is as it was is told no second time')
})

t.test('what is another fleet\'s, of a newer program, or nothing, is not taken', async t => {
  const values = (id: string): ReadonlyMap<string, Buffer> => new Map([['fleet', Buffer.from(JSON.stringify({ format: 1, id }))]])
  for (const [what, there, options, code] of [
    ['another fleet', '{"format":1,"id":"b"}', { copied: { values: values('a'), asOf: 1 } }, 'etcd_foreign'],
    ['nothing, where there was a fleet', undefined, { copied: { values: values('a'), asOf: 1 } }, 'etcd_foreign'],
    ['nothing, for who only looks', undefined, { readOnly: true }, 'etcd_foreign'],
    ['a newer format', '{"format":2,"id":"a"}', {}, 'state_newer'],
    ['no record', '{"format":1,"id":""}', {}, 'etcd_foreign']
  ] as const) {
    const fleet = new PlayedFleet(t)
    if (there !== undefined) fleet.put('fleet', there)
    const before = fleet.etcd.revision
    await t.rejects(fleet.share(options), { code }, what)
    t.equal(fleet.etcd.revision, before, 'nothing is written')
  }
  const fleet = new PlayedFleet(t)
  fleet.put('fleet', '{"format":1,"id":"a"}')
  const sharings: Sharing[] = [await fleet.share({ copied: { values: values('a'), asOf: 1 } }), await fleet.share(), await fleet.share({ readOnly: true })]
  for (const { state } of sharings) t.equal(state.standing.inStep, true)
})
