import t from 'tap'
import { createLog } from '../../src/base/log.js'
import { loadConfig } from '../../src/config/load.js'
import { watchReservations } from '../../src/wiring/reservation-sources.js'
import { FakeClock } from '../helpers/fake-clock.js'
import { logLines } from '../helpers/log-lines.js'
import { makeGroup, MemoryStore } from '../helpers/memory-store.js'

t.test('a thousand groups that change at once are read a few times, and the last of them counts', async t => {
  const folder = t.testdir()
  const store = new MemoryStore()
  let readings = 0
  let found = 0
  const close = await watchReservations({
    loaded: loadConfig({ file: undefined, env: {}, set: [`state_path=${folder}`] }),
    store,
    clock: new FakeClock(),
    log: createLog({ level: 'error', pretty: false, destination: logLines().stream }),
    onChange: ({ entries }) => {
      readings++
      found = entries.length
    }
  })
  t.teardown(close)
  for (let n = 0; n < 1000; n++) {
    await store.putGroup(makeGroup({ id: `g${n}`, selector: { mac: `52:54:00:00:${(n >> 8).toString(16).padStart(2, '0')}:${(n & 255).toString(16).padStart(2, '0')}` }, metadata: { ip: `10.0.${n >> 8}.${n & 255}` } }))
  }
  const all = (): boolean => found === 1000
  while (!all()) await new Promise(resolve => { setImmediate(resolve) })
  t.ok(readings < 100, `${readings} readings`)
})
