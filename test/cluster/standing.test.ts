// Whether a provisioner is in step: told once, to who has to know and in the log, with each reason that is new.
import t from 'tap'
import { AppError } from '../../src/base/errors.js'
import { createLog } from '../../src/base/log.js'
import { type Standing, StandingKeeper } from '../../src/cluster/standing.js'
import { FakeClock } from '../helpers/fake-clock.js'
import { logLines } from '../helpers/log-lines.js'

function site () {
  const [clock, lines] = [new FakeClock(), logLines()]
  const [proven, told]: [number[], Standing[]] = [[], []]
  const keeper = new StandingKeeper({ clock, log: createLog({ level: 'info', pretty: false, destination: lines.stream }), onProven: asOf => { proven.push(asOf - began) } })
  const began = clock.now()
  const stop = keeper.onStanding(standing => { told.push(standing) })
  return { clock, keeper, proven, told, stop, lines: () => lines.entries().map(({ level, msg, error }) => `${level} ${msg}${error === undefined ? '' : ` ${error}`}`) }
}
const at = { endpoint: 'http://e:1', revision: 7 }
const away = (why: string): AppError => new AppError('etcd_away', why)

t.test('from the beginning to the end', t => {
  const { clock, keeper, proven, told, stop, lines } = site()
  t.match(keeper.standing, { inStep: false, age: undefined, reason: 'etcd has not answered yet', cause: undefined })
  keeper.take(at)
  t.same(keeper.standing, { inStep: true, age: 0, reason: '' })
  t.equal(keeper.isIn, true)
  clock.advance(10)
  keeper.take(at)
  t.equal(told.length, 1, 'once')
  clock.advance(5)
  t.equal(keeper.standing.age, 0)
  const cause = away('no answer')
  keeper.away(cause)
  clock.advance(7)
  t.same(keeper.standing, { inStep: false, age: 12, reason: 'no answer', cause })
  t.same(proven, [0, 10], 'as of the last answer')
  t.match(told, [{ inStep: true }, { inStep: false, reason: 'no answer' }])
  clock.advance(-100)
  keeper.away(away('no answer'))
  t.equal(told.length, 2)
  keeper.take(at)
  stop()
  keeper.away(cause)
  t.equal(told.length, 3, 'who stopped hears no more')
  t.same(lines(), ['info cluster.in_step', 'warn cluster.away no answer', 'info cluster.in_step', 'warn cluster.away no answer'])
  t.end()
})

t.test('one that was never in step tells why at once only where waiting does not help', t => {
  const { keeper, proven, told, lines } = site()
  keeper.away(away('one'))
  t.same(lines(), [])
  keeper.away(away('two'))
  keeper.away(away('one'))
  keeper.away(new AppError('etcd_refused', 'who is this'))
  keeper.away(new AppError('etcd_refused', 'who is this'))
  keeper.away(new RangeError('a mistake'))
  t.same(lines(), ['warn cluster.still_away two', 'error cluster.refused who is this', 'warn cluster.still_away a mistake'])
  t.same([proven, told, keeper.standing.reason], [[], [], 'a mistake'])
  for (let n = 0; n < 20; n++) keeper.away(away(`member ${n}`))
  t.equal(lines().length, 3 + 4, 'eight reasons of one time away, the first among them')
  keeper.take(at)
  keeper.away(away('member 3'))
  keeper.away(away('member 19'))
  t.same(lines().slice(-2), ['warn cluster.away member 3', 'warn cluster.still_away member 19'], 'of the next time anew')
  t.end()
})

t.test('after its end nobody hears', t => {
  const { keeper, told, lines } = site()
  keeper.take(at)
  keeper.close()
  keeper.away(away('closed'))
  t.same([told.length, lines()], [1, ['info cluster.in_step']])
  t.end()
})
