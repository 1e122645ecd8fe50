import fc from 'fast-check'
import t from 'tap'
import { compareStrings } from '../../src/go/string.js'
import { type Group, matcherOf, selectorText } from '../../src/matchbox/group.js'
import { GroupIndex, type Labels } from '../../src/matchbox/select.js'
import { makeGroup } from '../helpers/memory-store.js'
import { cases } from '../helpers/property.js'

const indexOf = (...groups: Group[]): GroupIndex => {
  const index = new GroupIndex()
  index.sync(new Map(groups.map(g => [g.id, g])))
  return index
}
const select = (index: GroupIndex, labels: Record<string, string>): string | undefined => index.select(new Map(Object.entries(labels)))?.id

t.test('most selectors first, then the greater key=value text, then the first file', t => {
  const index = indexOf(
    makeGroup({ id: 'default' }),
    makeGroup({ id: 'default-2' }),
    makeGroup({ id: 'role', selector: { role: 'worker' } }),
    makeGroup({ id: 'role-zone', selector: { role: 'worker', zone: 'a' } }),
    makeGroup({ id: 'alpha', selector: { alpha: '1' } }),
    makeGroup({ id: 'beta', selector: { beta: '1' } }),
    makeGroup({ id: 'astral', selector: { '😀': '1' } }),
    makeGroup({ id: 'basic', selector: { '￮': '1' } }),
    makeGroup({ id: 'twin-b', selector: { twin: '1' } }),
    makeGroup({ id: 'twin-a', selector: { twin: '1' } })
  )
  t.equal(select(index, {}), 'default')
  t.equal(select(index, { role: 'Worker' }), 'default')
  t.equal(select(index, { role: 'worker', x: 'y' }), 'role')
  t.equal(select(index, { zone: 'a', role: 'worker', alpha: '1' }), 'role-zone')
  t.equal(select(index, { alpha: '1', beta: '1' }), 'beta')
  t.equal(select(index, { '￮': '1', '😀': '1' }), 'astral', 'by UTF-8, not by UTF-16')
  t.equal(select(index, { twin: '1' }), 'twin-a')
  t.end()
})

t.test('an empty value matches an absent label', t => {
  const index = indexOf(makeGroup({ id: 'e', selector: { grp: 'x', opt: '' } }), makeGroup({ id: 'only', selector: { nothing: '' } }))
  t.equal(select(index, { grp: 'x' }), 'e')
  t.equal(select(index, { grp: 'x', opt: '1' }), 'only')
  t.equal(select(index, { nothing: '1' }), undefined)
  t.end()
})

t.test('any address of a list', t => {
  const index = indexOf(makeGroup({ id: 'm', selector: { mac: '52:54:00:00:00:01,52-54-00-00-00-02' } }))
  t.equal(select(index, { mac: '52:54:00:00:00:01' }), 'm')
  t.equal(select(index, { mac: '52:54:00:00:00:02' }), 'm')
  t.equal(select(index, { mac: '52:54:00:00:00:03' }), undefined)
  t.equal(select(index, {}), undefined)
  t.end()
})

t.test('a live group goes before a deleted one that matches alike', t => {
  const index = indexOf({ ...makeGroup({ id: 'a', selector: { k: '1' } }), tombstone: true }, makeGroup({ id: 'b', selector: { k: '1' } }))
  t.equal(select(index, { k: '1' }), 'b')
  t.end()
})

// Matchbox sorts all groups and takes the first that matches: the index has to find the same one.
function plainSelect (groups: ReadonlyMap<string, Group>, labels: Labels): Group | undefined {
  const entries = [...groups].map(([file, group]) => ({ file, group, matcher: matcherOf(group.selector) }))
  entries.sort((a, b) => b.matcher.size - a.matcher.size ||
    compareStrings(selectorText(b.matcher), selectorText(a.matcher)) || compareStrings(a.file, b.file))
  return entries.find(({ matcher }) => [...matcher].every(([key, values]) => values.includes(labels.get(key) ?? '')))?.group
}

t.test('the index finds what sorting finds, whatever was added, changed and removed', t => {
  const key = fc.constantFrom('a', 'b', 'c', 'mac')
  const value = (k: string): fc.Arbitrary<string> => k === 'mac'
    ? fc.constantFrom('52:54:00:00:00:01', '52:54:00:00:00:02', '52-54-00-00-00-01,52:54:00:00:00:03')
    : fc.constantFrom('', '1', '2')
  const selector = fc.uniqueArray(key, { maxLength: 3 }).chain(keys => fc.tuple(...keys.map(k => value(k).map(v => [k, v] as const))))
  const label = fc.uniqueArray(key, { maxLength: 4 }).chain(keys => fc.tuple(...keys.map(k =>
    (k === 'mac' ? fc.constantFrom('52:54:00:00:00:01', '52:54:00:00:00:03') : fc.constantFrom('', '1', '2')).map(v => [k, v] as const))))
  const step = fc.record({ id: fc.constantFrom('g1', 'g2', 'g3', 'g4', 'g5', 'g6'), selector: fc.option(selector) })
  const rounds = fc.array(fc.array(step, { maxLength: 8 }), { maxLength: 4 })
  fc.assert(fc.property(rounds, fc.array(label, { maxLength: 6 }), (rounds, labels) => {
    const index = new GroupIndex()
    let groups = new Map<string, Group>()
    for (const round of rounds) {
      groups = new Map(groups)
      for (const { id, selector } of round) {
        if (selector === null) groups.delete(id)
        else groups.set(id, makeGroup({ id, selector: Object.fromEntries(selector) }))
      }
      index.sync(groups)
      for (const l of labels) {
        const asked = new Map(l)
        if (index.select(asked) !== plainSelect(groups, asked)) return false
      }
    }
    return true
  }), cases(t, 500))
  t.end()
})
