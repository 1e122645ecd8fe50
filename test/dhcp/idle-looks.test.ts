// Which address is looked at while nobody comes, and what is believed of what is heard.
import t from 'tap'
import { idleEvery, mostIdle, nextIdleLook } from '../../src/dhcp/idle-looks.js'
import { isBelievable } from '../../src/dhcp/probe-trust.js'
import { freeLately } from '../../src/dhcp/looks-ahead.js'
import { ip } from '../helpers/dhcp.js'

const first = ip('10.0.0.10')
const upcoming = Array.from({ length: 100 }, (_, n) => first + n)

t.test('of an hour without machines: one look at a time, all of them found free lately, and no other address', t => {
  const begun = new Map<number, number>()
  const counted = new Map<number, number>()
  for (let now = 0; now < 3_600_000; now += idleEvery) {
    const next = nextIdleLook(upcoming, address => begun.get(address), now)
    if (next !== undefined) {
      begun.set(next, now)
      counted.set(next, (counted.get(next) ?? 0) + 1)
    }
    if (now < mostIdle * idleEvery) continue
    if (!upcoming.slice(0, mostIdle).every(address => now - (begun.get(address) ?? -Infinity) < freeLately)) t.fail(`after ${now} ms`)
  }
  t.equal(counted.size, mostIdle)
  t.ok([...counted.values()].every(looks => looks <= 15), 'and each once in four minutes')
  t.end()
})

t.test('in the order in which they are given, as soon as it has to be', t => {
  const at = (ages: Readonly<Record<number, number>>) => (address: number): number | undefined => {
    const age = ages[address - first]
    return age === undefined ? undefined : 1_000_000 - age
  }
  const fresh = Object.fromEntries(upcoming.map((_, n) => [n, 1000]))
  for (const [what, ages, next] of [
    ['nothing is known', {}, 0],
    ['the first is known', { 0: 1000 }, 1],
    ['all are known', fresh, undefined],
    ['one is old', { ...fresh, 3: 240_000 }, 3],
    ['not yet', { ...fresh, 3: 239_999 }, undefined],
    ['the oldest of them', { ...fresh, 3: 240_000, 5: 240_001 }, 5],
    ['the clock was set back', { ...fresh, 7: -1 }, 7],
    ['the last', { ...fresh, [mostIdle - 1]: 240_000 }, mostIdle - 1],
    ['the one behind it is nobody\'s affair', { ...fresh, [mostIdle]: 290_000 }, undefined]
  ] as const) t.equal(nextIdleLook(upcoming, at(ages), 1_000_000), next === undefined ? undefined : first + next, what)
  t.equal(nextIdleLook([], () => undefined, 0), undefined, 'a full range')
  t.end()
})

t.test('that addresses are in use is believed where most are free', t => {
  const heard = (used: number, free: number) => [...Array<boolean>(used).fill(true), ...Array<boolean>(free).fill(false)].map(inUse => ({ answer: { inUse } }))
  for (const [used, free, believed] of [[0, 0, false], [1, 0, false], [1, 1, false], [1, 2, true], [7, 8, true], [8, 8, false], [16, 2, false]] as const) {
    t.equal(isBelievable(heard(used, free)), believed, `${used} of ${used + free}`)
  }
  t.end()
})
