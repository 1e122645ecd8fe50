import t from 'tap'
import { explainSelection } from '../../src/matchbox/explain.js'
import { makeGroup } from '../helpers/memory-store.js'

const labels = new Map([['role', 'worker'], ['zone', 'a'], ['mac', '52:54:00:00:00:01']])
const byRole = makeGroup({ id: 'role', selector: { role: 'worker' } })
const groups = [
  makeGroup({ id: 'far', selector: { role: 'controller', zone: 'b', rack: '7' } }),
  makeGroup({ id: 'default' }),
  byRole,
  makeGroup({ id: 'near', profile: 'other', selector: { role: 'worker', rack: '7' } }),
  makeGroup({ id: 'other-card', selector: { mac: '52-54-00-00-00-02,52-54-00-00-00-03' } }),
  makeGroup({ id: 'equal', selector: { zone: 'a' } })
]

t.test('the chosen one, then what matches too, then what fails by least', t => {
  t.same(explainSelection(groups, labels, byRole).map(({ id, chosen, why }) => [id, chosen, why]), [
    ['role', true, 'its 1 label matches'],
    ['equal', false, 'it matches as well; of equals the one whose selector is later in the alphabet is taken'],
    ['default', false, 'it matches too, by 0 labels where the chosen one matches by 1'],
    ['near', false, 'rack has to be 7, and is not sent'],
    ['other-card', false, 'mac has to be 52:54:00:00:00:02 or 52:54:00:00:00:03, and is 52:54:00:00:00:01'],
    ['far', false, 'role has to be controller, and is worker; zone has to be b, and is a; rack has to be 7, and is not sent']
  ])
  t.match(explainSelection(groups, labels, undefined).map(({ id }) => id), ['role', 'equal', 'default', 'near', 'other-card', 'far'])
  t.equal(explainSelection(groups, labels, byRole)[3]?.profile, 'other')
  t.end()
})

t.test('by how many labels the chosen one is chosen', t => {
  const chosen = (selector: Record<string, string>): string | undefined => {
    const group = makeGroup({ id: 'g', selector })
    return explainSelection([makeGroup({ id: 'a', selector: { role: 'worker' } }), group], labels, group)[0]?.why
  }
  t.equal(chosen({}), 'it has no selector, and no group with one matches')
  t.equal(chosen({ role: 'worker' }), 'its 1 label matches')
  t.equal(chosen({ role: 'worker', zone: 'a' }), 'all of its 2 labels match')
  const two = makeGroup({ id: 'two', selector: { role: 'worker', zone: 'a' } })
  t.equal(explainSelection([byRole, two], labels, two)[1]?.why, 'it matches too, by 1 label where the chosen one matches by 2')
  t.end()
})

t.test('twenty of them, or as many as are wanted', t => {
  const many = Array.from({ length: 30 }, (_, n) => makeGroup({ id: `g${n}`, selector: { rack: `${n}` } }))
  t.equal(explainSelection(many, labels, undefined).length, 20)
  t.same(explainSelection([...many, byRole], labels, byRole, 1).map(({ id }) => id), ['role'])
  t.end()
})
