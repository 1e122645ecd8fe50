import t from 'tap'
import { Fence, placeOf } from '../../src/base/fence.js'
import { createLog } from '../../src/base/log.js'
import { FakeClock } from '../helpers/fake-clock.js'
import { logLines } from '../helpers/log-lines.js'

t.test('an error in a timer or a handler ends there, is counted and told with its place', async t => {
  const { stream, entries } = logLines()
  const told: string[] = []
  const fence = new Fence({ log: createLog({ level: 'info', pretty: false, destination: stream }), onError: place => { told.push(place) } })
  const clock = new FakeClock()
  const fenced = fence.clock(clock)
  let fired = 0
  fenced.every(1000, () => {
    fired++
    throw new Error(`EMFILE ${fired}`)
  })
  for (let second = 0; second < 10; second++) clock.advance(1000)
  t.equal(fired, 10, 'the timer goes on')
  fence.around('handler', async () => { throw Object.assign(new Error('rejected'), { stack: 'Error: rejected\n    at f (/x/src/a/b.ts:7:1)' }) })()
  fence.around('handler', () => { throw 'no error at all' })() // eslint-disable-line no-throw-literal
  await new Promise(resolve => setImmediate(resolve))
  t.equal(told.length, 12)
  t.same(entries().map(({ msg, count, part, error }) => [msg, count, part, error]), [
    ['error.fenced', 1, 'timer', 'EMFILE 1'], ['error.fenced', 2, 'timer', 'EMFILE 2'], ['error.fenced', 4, 'timer', 'EMFILE 4'], ['error.fenced', 8, 'timer', 'EMFILE 8'],
    ['error.fenced', 1, 'handler', 'no error at all'], ['error.fenced', 1, 'handler', 'rejected']
  ])
  t.ok([...fence.counts.values()].includes(10))
  t.equal(fence.counts.get('a/b:7'), 1)
})

t.test('the place is the first line of ours', t => {
  const error = new Error('x')
  error.stack = 'Error: x\n    at Object.f (node:os:1:1)\n    at g (/a/node_modules/b/dist/c.js:3:4)\n    at h (file:///opt/core-provisioner/dist/tftp/listeners.js:78:9)'
  t.equal(placeOf(error), 'tftp/listeners:78')
  error.stack = 'Error: x\n    at f (node:os:1:1)'
  t.equal(placeOf(error), 'f (node:os:1:1)')
  t.equal(placeOf('x'), 'unknown')
  t.end()
})
