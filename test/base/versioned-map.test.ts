import fc from 'fast-check'
import t from 'tap'
import { longestRun, VersionedMap } from '../../src/base/versioned-map.js'
import { cases } from '../helpers/property.js'

const nameOf = (n: number): string => `node-${String(n).padStart(6, '0')}`

t.test('it holds what a Map would, and each version stays what it was', t => {
  const step = fc.record({ what: fc.constantFrom('set', 'set', 'set', 'delete', 'read'), name: fc.nat(700).map(nameOf), value: fc.nat() })
  fc.assert(fc.property(fc.array(step, { maxLength: 1500, size: 'max' }), steps => {
    const map = new VersionedMap<number>()
    const model = new Map<string, number>()
    const held: Array<readonly [ReadonlyMap<string, number>, ReadonlyArray<readonly [string, number]>]> = []
    for (const { what, name, value } of steps) {
      if (what === 'set') {
        map.set(name, value)
        model.set(name, value)
      } else if (what === 'delete') {
        if (map.delete(name) !== model.delete(name)) return false
      } else held.push([map.version, [...model].sort(([a], [b]) => a < b ? -1 : 1)])
    }
    return held.every(([version, was]) => version.size === was.length && JSON.stringify([...version]) === JSON.stringify(was) &&
      was.every(([name, value]) => version.get(name) === value && version.has(name)) && version.get('elsewhere') === undefined && !version.has(''))
  }), cases(t, 60))
  t.end()
})

t.test('a run that becomes empty goes, and its neighbours stay', t => {
  const map = new VersionedMap<number>()
  const names = Array.from({ length: 4 * longestRun }, (_, n) => nameOf(n))
  for (const [n, name] of names.entries()) map.set(name, n)
  const left = new Set(names)
  for (const from of [longestRun, 0, 2 * longestRun]) {
    for (const name of names.slice(from, from + longestRun)) {
      if (!map.delete(name) || !left.delete(name) || map.version.size !== left.size || [...map.version.keys()].length !== left.size) t.fail(`${name} was not there, or took others along`)
    }
    t.same([...map.version.keys()], [...left])
  }
  t.end()
})

t.test('it is read as any map is', t => {
  const map = new VersionedMap<number>()
  for (const name of ['b', 'a', 'c']) map.set(name, name.charCodeAt(0))
  const { version } = map
  t.equal(map.version, version, 'the same one while nothing changes')
  t.same([...version.keys()], ['a', 'b', 'c'])
  t.same([...version.values()], [97, 98, 99])
  t.same([...version.entries()], [['a', 97], ['b', 98], ['c', 99]])
  const seen: unknown[] = []
  version.forEach((value, name, of) => { seen.push([name, value, of === version]) })
  t.same(seen, [['a', 97, true], ['b', 98, true], ['c', 99, true]])
  t.equal(map.delete('d'), false)
  t.equal(map.version, version, 'what changes nothing makes no version')
  t.end()
})

/** Entries and runs copied for one change between two looks, of so many entries. */
const costOf = (entries: number): number => {
  const map = new VersionedMap<number>()
  for (let n = 0; n < entries; n++) map.set(nameOf((n * 7919) % entries), n)
  const changes = 1000
  const before = map.copied
  for (let n = 0; n < changes; n++) {
    map.set(nameOf((n * 104_729) % entries), -n)
    if (map.version.size !== entries) throw new Error('an entry was lost')
  }
  return (map.copied - before) / changes
}

t.test('a change costs no more among a hundred thousand than among some hundred', t => {
  const [few, many] = [costOf(2 * longestRun), costOf(100_000)]
  t.ok(many < 8 * few, `${many.toFixed(0)} copied of 100,000, ${few.toFixed(0)} of ${2 * longestRun}`)
  t.ok(many < 1500, 'pointers, of 100,000 entries')
  t.end()
})

t.test('what nobody looked at between two changes is not copied', t => {
  const map = new VersionedMap<number>()
  for (let n = 0; n < 10_000; n++) map.set(nameOf(n), n)
  t.equal(map.copied, 0)
  t.end()
})
