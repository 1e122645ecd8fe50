import { setImmediate } from 'node:timers/promises'
import t from 'tap'
import { AppError } from '../../src/base/errors.js'
import { longestHiccup, overHiccup } from '../../src/cluster/hiccup.js'
import type { Standing } from '../../src/cluster/standing.js'
import { FakeClock } from '../helpers/fake-clock.js'

/** An etcd whose answers are played: `away` throws, and is known. */
function played (inStep = true) {
  const [clock, listeners] = [new FakeClock(), new Set<(standing: Standing) => void>()]
  const standing = (): Standing => ({ inStep, age: 0, reason: '' })
  const state = {
    get standing () { return standing() },
    onStanding: (listener: (standing: Standing) => void) => {
      listeners.add(listener)
      return () => { listeners.delete(listener) }
    }
  }
  const step = (is: boolean): void => {
    inStep = is
    for (const listener of [...listeners]) listener(standing())
  }
  let tries = 0
  const work = async (fails: number, code: 'etcd_away' | 'store_changed' = 'etcd_away') => await overHiccup(state, clock, async () => {
    if (tries++ >= fails) return 'done'
    step(code !== 'etcd_away')
    throw new AppError(code, 'no answer')
  })
  return { clock, listeners, step, work, tries: () => tries }
}

t.test('once more as soon as it answers again', async t => {
  const { clock, listeners, step, work, tries } = played()
  const done = work(1)
  await setImmediate()
  t.equal(tries(), 1)
  step(false)
  step(true)
  t.equal(await done, 'done')
  t.same([tries(), listeners.size, clock.pending], [2, 0, 0])
})

t.test('nobody waits longer than a hiccup, for one that was away before, for another reason, or a second time', async t => {
  const late = played()
  const done = t.rejects(late.work(1), { code: 'etcd_away' })
  await setImmediate()
  late.clock.advance(longestHiccup)
  await done
  t.same([late.tries(), late.listeners.size, late.clock.pending], [1, 0, 0])

  const away = played(false)
  await t.rejects(away.work(1), { code: 'etcd_away' })
  const other = played()
  await t.rejects(other.work(1, 'store_changed'), { code: 'store_changed' })
  t.same([away.tries(), other.tries()], [1, 1])

  const twice = played()
  const again = t.rejects(twice.work(2), { code: 'etcd_away' })
  await setImmediate()
  twice.step(true)
  await again
  t.equal(twice.tries(), 2)
})
