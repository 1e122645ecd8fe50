import t from 'tap'
import { createLog } from '../../src/base/log.js'
import { loadConfig } from '../../src/config/load.js'
import { followReservations } from '../../src/wiring/reservation-sources.js'
import { FakeClock } from '../helpers/fake-clock.js'
import { logLines } from '../helpers/log-lines.js'
import { makeGroup, MemoryStore } from '../helpers/memory-store.js'

t.test('a thousand groups that change at once are read a few times, and the last of them counts', async t => {
  const folder = t.testdir()
  const store = new MemoryStore()
  let readings = 0
  let told = 0
  const found = new Set<string>()
  const close = await followReservations({
    loaded: loadConfig({ file: undefined, env: {}, set: [`state_path=${folder}`] }),
    store,
    clock: new FakeClock(),
    log: createLog({ level: 'error', pretty: false, destination: logLines().stream }),
    onChange: changes => {
      readings++
      told += changes.size
      for (const [key, entry] of changes) if (entry !== undefined) found.add(key)
    }
  })
  t.teardown(close)
  for (let n = 0; n < 1000; n++) {
    await store.putGroup(makeGroup({ id: `g${n}`, selector: { mac: `52:54:00:00:${(n >> 8).toString(16).padStart(2, '0')}:${(n & 255).toString(16).padStart(2, '0')}` }, metadata: { ip: `10.0.${n >> 8}.${n & 255}` } }))
  }
  const all = (): boolean => found.size === 1000
  while (!all()) await new Promise(resolve => { setImmediate(resolve) })
  t.ok(told < 1500, `${told} entries told`)

  // A group that is written costs itself, however many there are.
  const before = { readings, told }
  await store.putGroup(makeGroup({ id: 'g7', selector: { mac: '52:54:00:00:00:07' }, metadata: { ip: '10.0.99.7' } }))
  await store.putGroup(makeGroup({ id: 'other', selector: { os: 'x' } }))
  while (readings === before.readings) await new Promise(resolve => { setImmediate(resolve) })
  t.equal(told - before.told, 1)
  await store.deleteGroup('g7')
  while (told - before.told < 2) await new Promise(resolve => { setImmediate(resolve) })
})

t.test('all that is there at the start is told before anybody is answered; where that fails, nothing is left behind', async t => {
  const folder = t.testdir({ 'hosts.d': { 'rack.yaml': '- { mac: "52:54:00:00:00:02", ip: 10.0.0.2 }\n' } })
  const set = [`state_path=${folder}`, 'dhcp.reservations=[{ mac: "52:54:00:00:00:01", ip: 10.0.0.1 }]']
  const store = new MemoryStore({ groups: [makeGroup({ id: 'g', selector: { mac: '52:54:00:00:00:03' }, metadata: { ip: '10.0.0.3' } })] })
  const found: number[] = []
  const clock = new FakeClock()
  const watching = (onChange: Parameters<typeof followReservations>[0]['onChange']): ReturnType<typeof followReservations> => followReservations({
    loaded: loadConfig({ file: undefined, env: {}, set }),
    store,
    clock,
    log: createLog({ level: 'error', pretty: false, destination: logLines().stream }),
    onChange
  })
  const close = await watching(changes => { found.push(...[...changes.values()].flatMap(entry => entry === undefined ? [] : [entry.ip & 255])) })
  t.same(found.sort(), [1, 2, 3])
  await close()
  t.equal(clock.pending, 0)
  let calls = 0
  await t.rejects(watching(() => { if (++calls === 2) throw new Error('not taken') }), { message: 'not taken' })
  t.equal(clock.pending, 0)
})
