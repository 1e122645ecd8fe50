// What was seen of machines is told when nobody waits to be answered: in its order, all of it, and before anybody asks for the machine.
import t from 'tap'
import { MachineRegistry } from '../../src/machines/registry.js'
import { longestUntold, mostUntold, ToldLater } from '../../src/machines/told-later.js'
import type { Mac } from '../../src/net/mac.js'

const [one, other] = ['52:54:00:00:00:01', '52:54:00:00:00:02'] as Mac[] as [Mac, Mac]

function told () {
  const state = { behind: true, now: 0 }
  const turns: Array<() => void> = []
  const said: string[] = []
  const later = new ToldLater({ isBehind: () => state.behind, steady: () => state.now, nextTurn: next => { turns.push(next) } })
  return { state, said, later, turns, tell: (mac: Mac, what: string) => { later.later(mac, () => { said.push(what) }) }, turn: () => { turns.shift()?.() } }
}

t.test('at once when nobody waits, and after what was not told of the same machine', t => {
  const { state, said, tell, turn, turns } = told()
  state.behind = false
  tell(one, 'a')
  t.same([said, turns.length], [['a'], 0])
  state.behind = true
  tell(one, 'b')
  tell(other, 'c')
  tell(one, 'd')
  state.behind = false
  tell(one, 'e')
  t.same(said, ['a', 'b', 'd', 'e'])
  turn()
  t.same(said.slice(4), ['c'])
  t.equal(turns.length, 0, 'then nothing is left to do')
  t.end()
})

t.test('when everybody was answered, or after a quarter of a second', t => {
  const { state, said, tell, turn } = told()
  tell(one, 'a')
  state.now = longestUntold - 1
  tell(other, 'b')
  turn()
  t.same(said, [])
  state.now = longestUntold
  turn()
  t.same(said, ['a'])
  state.behind = false
  turn()
  t.same(said, ['a', 'b'])
  t.end()
})

t.test('a turn of the event loop is not held by it', t => {
  const { state, said, later, turn } = told()
  for (const mac of [one, other]) {
    later.later(mac, () => {
      said.push(mac)
      state.now += 4
    })
  }
  state.behind = false
  turn()
  t.same(said, [one])
  turn()
  t.same(said, [one, other])
  t.end()
})

t.test('with one more than may wait, those of the machine that waits longest are told', t => {
  const { said, later, tell } = told()
  tell(one, 'a')
  tell(one, 'b')
  for (let n = 2; n < mostUntold; n++) tell(other, 'c')
  t.same([said, later.waiting], [[], mostUntold])
  tell(other, 'c')
  t.same([said, later.waiting], [['a', 'b'], mostUntold - 1])
  t.end()
})

t.test('what throws takes no other machine along', t => {
  const { state, said, later, tell, turn } = told()
  later.later(one, () => { throw new Error('test') })
  tell(other, 'b')
  state.behind = false
  t.throws(turn, /test/)
  turn()
  t.same([said, later.waiting], [['b'], 0])
  t.end()
})

t.test('at the end all is told', t => {
  const { said, later, tell } = told()
  tell(one, 'a')
  tell(other, 'b')
  tell(one, 'c')
  later.close()
  t.same([said, later.waiting], [['a', 'c', 'b'], 0])
  t.end()
})

t.test('before a machine is asked for or recorded', t => {
  const { later } = told()
  const registry = new MachineRegistry([], { note: () => {}, catchUp: mac => { later.now(mac) } })
  const see = (mac: Mac, stage: 'discover' | 'offer', at: number): void => { later.later(mac, () => { registry.record({ mac, stage, at }) }) }
  see(one, 'discover', 1)
  see(other, 'discover', 2)
  see(one, 'offer', 3)
  t.equal(registry.size, 0)
  t.same(registry.get(one)?.timeline.map(({ stage, at }) => [stage, at]), [['discover', 1], ['offer', 3]])
  registry.record({ mac: other, stage: 'ack', at: 4 })
  t.same(registry.get(other)?.timeline.map(({ stage }) => stage), ['discover', 'ack'])
  t.end()
})
