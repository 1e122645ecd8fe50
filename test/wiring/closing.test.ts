import t from 'tap'
import { createLog } from '../../src/base/log.js'
import { Closing, stageLimits } from '../../src/wiring/closing.js'
import { FakeClock } from '../helpers/fake-clock.js'
import { logLines } from '../helpers/log-lines.js'

const never = (): Promise<void> => new Promise(() => {})
/** Everything that was promised by now has had its turn. */
const turn = (): Promise<void> => new Promise(resolve => { setImmediate(resolve) })

t.test('listeners side by side, then what works by itself, then files', async t => {
  const closing = new Closing(new FakeClock(), createLog({ level: 'info', pretty: false, destination: logLines().stream }))
  const order: string[] = []
  const slow: Array<() => void> = []
  closing.onClose(async () => { order.push('journal') }, 'file')
  closing.onClose(async () => { order.push('watcher') })
  for (const name of ['http', 'tftp']) {
    closing.onCloseListener(name, 1000, async grace => {
      order.push(`${name} ${grace}`)
      await new Promise<void>(resolve => { slow.push(resolve) })
    })
  }
  const closed = closing.close()
  t.equal(closing.close(), closed, 'closing twice is closing once')
  await turn()
  t.same(order, ['tftp 1000', 'http 1000'], 'both at once')
  for (const resolve of slow) resolve()
  t.equal(await closed, true)
  t.same(order.slice(2), ['watcher', 'journal'])
})

t.test('what hangs or throws keeps nothing from being closed, and the whole has its limit', async t => {
  const clock = new FakeClock()
  const { stream, entries } = logLines()
  const closing = new Closing(clock, createLog({ level: 'info', pretty: false, destination: stream }))
  let kept = 0
  closing.onClose(async () => { kept++ }, 'file')
  closing.onClose(never, 'file')
  closing.onClose(never)
  closing.onClose(() => { throw new Error('already closed') })
  closing.onCloseListener('http', 1500, never)
  closing.onCloseListener('dhcp', 500, () => Promise.reject(new Error('no such socket')))
  const { listener, worker, file } = stageLimits
  t.equal(closing.patience, 1500 + listener + worker + file)
  const started = clock.now()
  const closed = closing.close()
  for (let step = 0; step < closing.patience / 100; step++) {
    await turn()
    clock.advance(100)
  }
  t.equal(await closed, false)
  t.equal(kept, 1)
  t.equal(clock.now() - started, closing.patience, 'not a step longer')
  t.match(entries().map(({ msg, part }) => `${String(msg)} ${String(part)}`),
    ['appliance.close dhcp', 'appliance.close_late http', 'appliance.close worker', 'appliance.close_late worker', 'appliance.close_late file'])
  t.equal(clock.pending, 0)
})

t.test('one that hangs alone, or fails alone, is told of by how the end came out', async t => {
  for (const [what, close, hangs] of [['fails', () => Promise.reject(new Error('no')), false], ['throws', () => { throw new Error('no') }, false], ['hangs', never, true], ['ends', async () => {}, undefined]] as const) {
    for (const stage of ['listener', 'worker', 'file'] as const) {
      const clock = new FakeClock()
      const closing = new Closing(clock, createLog({ level: 'info', pretty: false, destination: logLines().stream }))
      if (stage === 'listener') closing.onCloseListener('http', 500, close)
      else closing.onClose(close, stage)
      const closed = closing.close()
      await turn()
      t.equal(clock.pending, hangs === true ? 1 : 0)
      clock.advance(stageLimits[stage] + (stage === 'listener' ? 500 : 0))
      t.equal(await closed, what === 'ends', `${stage} ${what}`)
    }
  }
})
