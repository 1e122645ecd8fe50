import { mock } from 'node:test'
import t from 'tap'
import { systemClock } from '../../src/base/clock.js'

/** What a timer of Node waits at most. */
const longest = 2 ** 31 - 1

t.test('a wait that is longer than Node\'s timers can be does not end at once', t => {
  mock.timers.enable({ apis: ['setTimeout', 'setInterval'] })
  t.teardown(() => { mock.timers.reset() })
  for (const [wait, pieces] of [[1000, [1000]], [longest, [longest]], [longest + 1, [longest, 1]], [3 * longest, [longest, longest, longest]]] as const) {
    let fired = 0
    const count = (): void => { fired++ }
    systemClock.after(wait, count)
    const cancelled = systemClock.after(wait, () => { t.fail('cancelled') })
    const again = systemClock.every(wait, count)
    for (const [index, piece] of pieces.entries()) {
      t.equal(fired, 0, `${wait}: ${index}`)
      if (index === pieces.length - 1) cancelled.cancel()
      mock.timers.tick(piece)
    }
    t.equal(fired, 2, String(wait))
    for (const piece of pieces) mock.timers.tick(piece)
    t.equal(fired, 3, 'once more')
    again.cancel()
    for (const piece of pieces) mock.timers.tick(piece)
    t.equal(fired, 3)
  }
  t.end()
})
