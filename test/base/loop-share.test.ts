// Long work shared out over turns of the event loop: turns and time are the test's.
import t from 'tap'
import { LoopShare } from '../../src/base/loop-share.js'

t.test('so many milliseconds of a turn, however much is done in them', async t => {
  let now = 0
  const done: string[] = []
  const share = new LoopShare({
    budget: 5,
    steady: () => now,
    nextTurn: async () => {
      done.push('turn')
      now += 100
    }
  })
  for (const takes of [1, 2, 1, 3, 9, 0, 1]) {
    if (share.isOver) await share.next()
    now += takes
    done.push(String(takes))
  }
  t.same(done, ['1', '2', '1', '3', 'turn', '9', 'turn', '0', '1'], 'what others take of a turn does not count')
})

t.test('others come between', async t => {
  const share = new LoopShare({ budget: 0 })
  let others = 0
  const other = (): void => { if (++others < 3) setImmediate(other) }
  setImmediate(other)
  for (let n = 0; n < 3; n++) {
    t.equal(share.isOver, true)
    await share.next()
  }
  t.equal(others, 3)
})
