// The rules of a rollout, one by one, as a machine meets them.
import { setImmediate as turn } from 'node:timers/promises'
import t from 'tap'
import { AppError } from '../../src/base/errors.js'
import type { Mac } from '../../src/net/mac.js'
import { mostPerAddress } from '../../src/updates/instances.js'
import { parseWindow } from '../../src/updates/window.js'
import { group, UpdateBench } from '../helpers/update-store.js'

const [old, next, newest] = ['4230.2.1', '4230.2.2', '4230.2.3']

t.test('newer is offered, the same and older never', async t => {
  const bench = new UpdateBench([group()], [next])
  t.equal(await bench.offered('a', next), 'noupdate')
  t.equal(await bench.offered('b', '4593.1.0'), 'noupdate', 'a downgrade')
  t.equal(await bench.offered('c', old), next)
  t.match(await bench.ask('c', old), { updateCheck: { codebase: `http://192.168.100.2:8080/assets/flatcar/${next}/` } })
})

t.test('a grant is repeated until it is taken, over a restart, and counted once', async t => {
  const bench = new UpdateBench([group()], [next])
  t.equal(await bench.offered('a', old), next)
  t.equal(await bench.offered('b', old), 'noupdate', 'the period has one')
  bench.restart()
  t.equal(await bench.offered('a', old), next, 'its answer may have been lost')
  t.equal(await bench.offered('b', old), 'noupdate')
  t.equal(bench.events.filter(({ kind }) => kind === 'granted').length, 1)
  bench.releases.push(newest)
  t.equal(await bench.offered('a', old), next, 'and not another one half-way')
})

t.test('an update from the grant to the new version', async t => {
  const bench = new UpdateBench([group()], [next])
  await bench.offered('a', old)
  for (const [type, status] of [[13, 'downloading'], [14, 'downloaded'], [3, 'installed']] as const) {
    await bench.say('a', old, type, 1)
    t.equal(bench.updates.state.instances.get('a')?.status, status)
  }
  await bench.ask('a', next, { events: [{ type: 3, result: 2, errorCode: 0, previousVersion: old }] })
  t.match(bench.updates.state.instances.get('a'), { status: 'complete', version: next, previousVersion: old })
  bench.restart()
  t.match(bench.updates.state.instances.get('a'), { status: 'complete', version: next, previousVersion: old }, 'it is known after a restart')
  bench.clock.advance(900_001)
  t.equal(await bench.offered('b', old), next, 'the next one')
})

t.test('a boot that tells nothing changes nothing', async t => {
  const bench = new UpdateBench([group()], [next])
  await bench.offered('a', old)
  await bench.ask('a', old, { events: [{ type: 3, result: 2, errorCode: 0, previousVersion: '0.0.0.0' }] })
  t.equal(bench.updates.state.instances.get('a')?.status, 'granted')
})

t.test('lost events: who comes back with the version has it', async t => {
  const bench = new UpdateBench([group()], [next])
  await bench.offered('a', old)
  t.equal(await bench.offered('a', next), 'noupdate')
  t.match(bench.updates.state.instances.get('a'), { status: 'complete', previousVersion: old })
})

t.test('who says that he updates, and was granted nothing, holds nobody up and proves nothing', async t => {
  for (const [type, status] of [[13, 'downloading'], [14, 'downloaded'], [3, 'installed']] as const) {
    const bench = new UpdateBench([group()], [next])
    bench.releases.length = 0
    await bench.say('invented', old, type, 1)
    t.equal(bench.updates.state.instances.get('invented')?.status, status)
    bench.releases.push(next)
    t.equal(await bench.offered('a', old), next, status)
  }
  const safe = new UpdateBench([group({ safeMode: true, maxPerPeriod: 10 })], [next])
  await safe.ask('invented', next, { events: [{ type: 3, result: 2, errorCode: 0, previousVersion: old }] })
  t.equal(await safe.offered('a', old), next)
  t.equal(await safe.offered('b', old), 'noupdate', 'the first one goes alone still')
})

t.test('so many in a period, however many ask', async t => {
  const bench = new UpdateBench([group({ maxPerPeriod: 10 })], [next])
  const answers = []
  for (let i = 0; i < 1000; i++) {
    if (i === 500) bench.restart()
    answers.push(await bench.offered(`m${i}`, old, {}, `10.0.${i >> 6}.${i & 63}`))
    bench.clock.advance(60)
  }
  t.equal(answers.filter(answer => answer === next).length, 10)
  const together = new UpdateBench([group({ maxPerPeriod: 10 })], [next])
  const all = await Promise.all(Array.from({ length: 200 }, (_, i) => together.offered(`m${i}`, old)))
  t.equal(all.filter(answer => answer === next).length, 10, 'also at once')
})

t.test('machines that began and are not heard of hold up the group', async t => {
  const bench = new UpdateBench([group({ maxPerPeriod: 2 })], [next])
  await bench.offered('a', old)
  await bench.offered('b', old)
  bench.clock.advance(3_600_001)
  t.equal(await bench.offered('c', old), 'noupdate')
  t.equal(await bench.offered('a', old), next, 'one that is back may try again')
  await bench.updates.resume('workers')
  bench.clock.advance(900_001)
  t.match(bench.updates.state.instances.get('b'), { status: 'error', error: 'not heard of in time' }, 'given up by a person')
  t.equal(await bench.offered('c', old), next)
})

t.test('safe mode: one first, and all stop when it fails', async t => {
  const bench = new UpdateBench([group({ maxPerPeriod: 10, safeMode: true })], [next])
  t.equal(await bench.offered('a', old), next)
  t.equal(await bench.offered('b', old), 'noupdate')
  await bench.say('a', old, 3, 0, { errorCode: 5 })
  t.match(bench.updates.groupState('workers'), { stopped: { version: next, reason: /^a was the first to try 4230.2.2, and it failed: error 5/ } })
  bench.clock.advance(86_400_000)
  bench.restart()
  t.equal(await bench.offered('b', old), 'noupdate', 'for good')
  await bench.updates.resume('workers')
  t.equal(await bench.offered('b', old), next, 'until a person lets it go on')
  await bench.offered('b', next)
  t.equal(await bench.offered('c', old), next, 'and when the first one came up, so many as may')
  t.equal(await bench.offered('d', old), next)
  await bench.say('c', old, 3, 0, { errorCode: 9 })
  t.equal(bench.updates.groupState('workers').stopped, undefined, 'a later one that fails is its own affair')
})

t.test('safe mode: the first one that is not heard of stops the group by itself', async t => {
  const bench = new UpdateBench([group({ safeMode: true })], [next])
  await bench.offered('a', old, { machineAlias: 'rack1-n7' })
  bench.clock.advance(3_600_000 + 30_000)
  await turn()
  t.match(bench.updates.groupState('workers').stopped, { reason: 'rack1-n7 was the first to try 4230.2.2, and was not heard of in time' })
  t.match(bench.events.at(-1), { kind: 'stopped' })
})

t.test('a window, and when it opens', async t => {
  const bench = new UpdateBench([group({ window: parseWindow('Sat 00:00-06:00 UTC') })], [next])
  t.equal(await bench.offered('a', old), 'noupdate')
  bench.clock.advance(14 * 3_600_000)
  t.equal(await bench.offered('a', old), next)
})

t.test('a floor is gone through, one at a time', async t => {
  const bench = new UpdateBench([group({ floors: ['4000.1.0', '4100.0.0'], maxPerPeriod: 100 })], ['4000.1.0', newest])
  t.equal(await bench.offered('a', '3900.0.0'), '4000.1.0')
  t.equal(await bench.offered('a', '4000.1.0'), 'noupdate', 'the next floor is not mirrored, and is not left out')
  bench.releases.push('4100.0.0')
  t.equal(await bench.offered('a', '4000.1.0'), '4100.0.0')
  t.equal(await bench.offered('a', '4100.0.0'), newest)
})

t.test('pinned, paused, approved', async t => {
  const pinned = new UpdateBench([group({ version: next, channel: undefined })], [next, newest])
  t.equal(await pinned.offered('a', old), next)
  const bench = new UpdateBench([group({ approval: true })], [next])
  t.equal(await bench.offered('a', old), 'noupdate')
  await bench.updates.approve('workers', next)
  await bench.updates.pause('workers')
  bench.restart()
  t.equal(await bench.offered('a', old), 'noupdate')
  await bench.updates.resume('workers')
  t.equal(await bench.offered('a', old), next)
  t.equal(await bench.updates.pause('nobody'), undefined)
})

t.test('who is not known by its group, application or id', async t => {
  const bench = new UpdateBench([group()], [next])
  t.equal(await bench.offered('a', old, { track: 'stable' }), 'error-unknownApplicationOrGroup')
  t.equal(await bench.offered('a', old, { appId: '{d89342dc-9214-441d-a4af-bdd837a3b239}' }), 'error-unknownApplication')
  t.equal(await bench.offered('a', old, { appId: 'E96281A6-D1AF-4BDE-9A0A-97B76E56DC57' }), next, 'without braces, in any case')
  t.equal(await bench.offered('', old), 'error-invalidMachineId')
  t.equal(await bench.offered('<script>', old), 'error-invalidMachineId')
  t.equal(await bench.offered('a', 'latest'), 'error-invalidMachineId')
  t.equal(await bench.offered('b', old, { board: 'arm64-usr' }), 'noupdate', 'the period has one')
  t.equal(bench.updates.state.instances.size, 2)
})

t.test('a stranger speaks for nobody, and is held to a share', async t => {
  const bench = new UpdateBench([group({ maxPerPeriod: 5 })], [next])
  bench.macs.set('192.168.100.9', '52:54:00:00:00:01' as Mac)
  bench.macs.set('192.168.100.66', '52:54:00:00:00:66' as Mac)
  await bench.offered('a', old)
  await bench.ask('a', '9999.0.0', {}, '192.168.100.66')
  t.match(bench.updates.state.instances.get('a'), { version: old, status: 'granted' }, 'the id of another machine is a machine of its own')
  t.match(bench.updates.instanceOf('52:54:00:00:00:01' as Mac, undefined), { id: 'a', status: 'granted' }, 'shown with the machine that it is')
  t.match(bench.updates.instanceOf('52:54:00:00:00:66' as Mac, undefined), { id: 'a', version: '9999.0.0' })
  await bench.say('a', old, 3, 0, { errorCode: 5 }, '192.168.100.99')
  t.match(bench.updates.state.instances.get('a'), { version: old, status: 'granted' }, 'nor from an address that is nobody\'s')
  t.equal(bench.updates.instanceOf('52:54:00:00:00:77' as Mac, '192.168.100.9'), undefined)
  for (let i = 0; i < 2 * mostPerAddress; i++) await bench.ask(`invented${i}`, next, {}, '192.168.100.67')
  t.equal([...bench.updates.state.instances.values()].filter(({ address }) => address === '192.168.100.67').length, mostPerAddress)
  t.equal(await bench.offered('a', old), next)
})

t.test('what can not be kept is not told', async t => {
  const bench = new UpdateBench([group()], [next])
  bench.store.isFull = true
  await t.rejects(bench.ask('a', old), AppError)
  t.equal(bench.updates.state.instances.size, 0, 'nor remembered')
  bench.store.isFull = false
  t.equal(await bench.offered('b', old), next, 'nor counted')
})

t.test('what an operator says is kept before it is answered', async t => {
  const bench = new UpdateBench([group()], [next])
  t.teardown(() => { bench.updates.close() })
  for (const [what, say] of [
    ['pause', () => bench.updates.pause('workers')], ['approve', () => bench.updates.approve('workers', next)], ['resume', () => bench.updates.resume('workers')]
  ] as const) {
    bench.store.isFull = true
    const before = bench.store.changes.length
    await t.rejects(say(), { code: 'disk_full' }, what)
    t.equal(bench.store.changes.length, before)
    bench.store.isFull = false
    t.match(await say(), { name: 'workers' }, what)
    t.equal(bench.store.changes.length, before + 1)
  }
  t.equal(await bench.updates.pause('nobody'), undefined)
})
