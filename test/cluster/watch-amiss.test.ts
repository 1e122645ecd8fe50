// What is amiss with etcd is looked for again: a member that was too busy to answer is asked later, and what begins later is found.
import { setImmediate as turn } from 'node:timers/promises'
import { pino } from 'pino'
import t from 'tap'
import type { Logger } from '../../src/base/log.js'
import type { Standing } from '../../src/cluster/standing.js'
import { type MembersHealth, watchAmiss } from '../../src/cluster/watch-amiss.js'
import { FakeClock } from '../helpers/fake-clock.js'

const inStep: Standing = { inStep: true, age: 0, reason: '' }
const away: Standing = { inStep: false, age: 0, reason: 'away' }
const fine: MembersHealth = { amiss: [], isComplete: true }

function watching () {
  const clock = new FakeClock()
  const said: string[] = []
  const log = pino({}, { write: (line: string) => { said.push((JSON.parse(line) as { error: string }).error) } }) as Logger
  const listeners = new Set<(standing: Standing) => void>()
  const asked: Array<{ resolve: (look: MembersHealth) => void, reject: (error: Error) => void }> = []
  const state = { standing: inStep, onStanding: (listener: (standing: Standing) => void) => { listeners.add(listener); return () => { listeners.delete(listener) } } }
  const watched = watchAmiss({ state, clock, log, look: () => new Promise((resolve, reject) => { asked.push({ resolve, reject }) }) })
  return {
    ...watched,
    asked,
    said,
    stand: (standing: Standing) => { state.standing = standing; for (const listener of listeners) listener(standing) },
    answer: async (look: MembersHealth | Error) => {
      const last = asked.at(-1)
      if (look instanceof Error) last?.reject(look)
      else last?.resolve(look)
      await turn()
    },
    pass: (milliseconds: number) => { clock.advance(milliseconds) },
    listeners
  }
}

t.test('a member that did not answer is asked again, less often each time', async t => {
  const { asked, said, answer, pass, amiss } = watching()
  await answer({ amiss: [], isComplete: false })
  pass(4999)
  t.equal(asked.length, 1)
  pass(1)
  t.equal(asked.length, 2)
  await answer(new Error('the files of TLS are gone'))
  pass(9999)
  t.equal(asked.length, 2)
  pass(1)
  t.equal(asked.length, 3)
  await answer({ amiss: ['two clusters'], isComplete: true })
  t.same(amiss(), ['two clusters'])
  t.same(said, ['the files of TLS are gone', 'two clusters'])
})

t.test('what begins later is found, what is over is forgotten, and each is told once', async t => {
  const { said, answer, pass, amiss } = watching()
  await answer(fine)
  pass(600_000)
  await answer({ amiss: ['no space'], isComplete: true })
  pass(600_000)
  await answer({ amiss: [], isComplete: false })
  t.same(amiss(), ['no space'], 'a member that does not answer says nothing of it')
  pass(600_000)
  await answer({ amiss: ['no space'], isComplete: true })
  t.same(said, ['no space'])
  pass(600_000)
  await answer(fine)
  t.same(amiss(), [])
})

t.test('while etcd is away nobody is asked, and as soon as it is back all are', async t => {
  const { asked, answer, pass, stand } = watching()
  await answer(fine)
  stand(away)
  pass(6_000_000)
  t.equal(asked.length, 1)
  stand(inStep)
  t.equal(asked.length, 2)
  stand(away)
  stand(inStep)
  t.equal(asked.length, 2, 'not twice at once')
  await answer(fine)
  t.equal(asked.length, 3, 'what it saw was from before')
})

t.test('its end waits for the look under way, and there is no other', async t => {
  const { asked, answer, pass, close, listeners } = watching()
  let isClosed = false
  const closing = close().then(() => { isClosed = true })
  await turn()
  t.notOk(isClosed)
  await answer({ amiss: [], isComplete: false })
  await closing
  pass(6_000_000)
  t.equal(asked.length, 1)
  t.equal(listeners.size, 0)
})
