// The turns of the event loop, shared out: turns and time are the test's.
import t from 'tap'
import { Pace } from '../../src/base/pace.js'

function stage () {
  let now = 0
  const turns: Array<() => void> = []
  const errors: unknown[] = []
  const done: string[] = []
  const pace = new Pace({ budget: 8, steady: () => now, nextTurn: next => { turns.push(next) }, onError: error => { errors.push(error) } })
  const task = (name: string, takes: number) => () => {
    done.push(name)
    now += takes
  }
  const turn = (): readonly string[] => {
    done.length = 0
    for (const next of turns.splice(0)) next()
    return [...done]
  }
  return { pace, task, turn, done, errors, turns }
}

t.test('at once while the turn has time, then in order in the turns that follow', t => {
  const { pace, task, turn, done, turns } = stage()
  for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) pace.run(task(name, 5))
  t.same(done, ['a', 'b'])
  t.equal(pace.waiting, 4)
  t.same(turn(), ['c', 'd'])
  pace.run(task('g', 1))
  t.same(done, ['c', 'd'], 'whoever comes later does not go first')
  t.same(turn(), ['e', 'f'])
  t.same(turn(), ['g'])
  turn()
  t.equal(turns.length, 0, 'nothing is left that wakes it')
  pace.run(task('h', 1))
  t.same(done, ['h'])
  t.end()
})

t.test('what it causes elsewhere counts too', t => {
  const { pace, task, turn, done } = stage()
  for (const name of ['a', 'b', 'c']) pace.run(task(name, 0), 4)
  t.same(done, ['a', 'b'])
  t.same(turn(), ['c'])
  t.end()
})

t.test('an error is the caller\'s, or ends where errors end, and the others go on', async t => {
  const { pace, task, turn, errors } = stage()
  t.throws(() => { pace.run(() => { throw new Error('now') }) }, { message: 'now' })
  pace.run(task('long', 20))
  pace.run(() => { throw new Error('later') })
  const work = pace.work(() => { throw new Error('work') })
  const value = pace.work(() => 42)
  pace.run(task('last', 0))
  t.same(turn(), ['last'])
  t.match(errors, [{ message: 'later' }])
  await t.rejects(work, { message: 'work' })
  t.equal(await value, 42)
})

t.test('an error that nobody takes holds up nothing that waits', t => {
  let now = 0
  const turns: Array<() => void> = []
  const pace = new Pace({ budget: 8, steady: () => now, nextTurn: next => { turns.push(next) } })
  const done: string[] = []
  pace.run(() => { now += 10 })
  pace.run(() => { throw new Error('of a timer') })
  pace.run(() => { done.push('after it') })
  t.throws(() => { turns.shift()!() }, /of a timer/)
  for (let next = turns.shift(); next !== undefined; next = turns.shift()) next()
  t.same([done, pace.waiting], [['after it'], 0])
  t.end()
})
