// The record of installed machines: who is who, what a group's figures are, and room for so many.
import t from 'tap'
import { parseMac } from '../../src/net/mac.js'
import type { Instance } from '../../src/updates/instance.js'
import { Instances, mostPerAddress } from '../../src/updates/instances.js'
import { group } from '../helpers/update-store.js'

const card = parseMac('52:54:00:00:00:01')!
const other = parseMac('52:54:00:00:00:02')!

const instance = (more: Partial<Instance> = {}): Instance =>
  ({ id: 'a', group: 'workers', address: '10.0.0.1', version: '1', status: 'idle', lastSeen: 0, ...more }) as Instance
const granted = (at: number, more: Partial<Instance> = {}): Instance => instance({ status: 'granted', granted: { version: '2', at }, ...more } as Partial<Instance>)

t.test('an id is one machine, and two when two come with it', t => {
  const instances = new Instances()
  t.equal(instances.keyOf('a', undefined, '10.0.0.1'), 'a')
  instances.put('a', instance())
  t.equal(instances.keyOf('a', other, '10.0.0.2'), 'a', 'whose hardware address was not known')
  instances.put('a', instance({ mac: card }))
  for (const [mac, address, key] of [
    [card, '10.0.0.9', 'a'], [undefined, '10.0.0.1', 'a'], [undefined, '10.0.0.2', 'a 10.0.0.2'], [other, '10.0.0.1', `a ${other}`]
  ] as const) t.equal(instances.keyOf('a', mac, address), key, `${mac} ${address}`)
  t.end()
})

t.test('who was seen last of a machine', t => {
  const instances = new Instances()
  instances.put('a', instance({ mac: card }))
  instances.put('b', instance({ id: 'b', address: '10.0.0.2' }))
  t.match([instances.latest(card, undefined), instances.latest(other, '10.0.0.2')], [{ id: 'a' }, { id: 'b' }])
  t.same([instances.latest(other, undefined), instances.latest(other, '10.0.0.1')], [undefined, undefined])
  instances.put('c', instance({ id: 'c', mac: card }))
  instances.delete('a')
  t.match(instances.latest(card, undefined), { id: 'c' }, 'the one before does not take it along')
  instances.delete('c')
  instances.delete('c')
  t.equal(instances.latest(card, undefined), undefined)
  t.end()
})

t.test('figures of a group', t => {
  const instances = new Instances()
  const rules = group({ period: 100, timeout: 50 })
  const figures = (now: number, without?: string) => {
    const { grantedInPeriod, underWay, timedOut, completed } = instances.figures(rules, now, without)
    return [grantedInPeriod, underWay, timedOut, completed.get('2') ?? 0]
  }
  instances.put('a', granted(1000))
  instances.put('b', granted(990, { id: 'b' }))
  instances.put('x', granted(1000, { id: 'x', group: 'others' }))
  t.same([figures(1000), figures(1000, 'a'), instances.underWay('workers')], [[2, 2, 0, 0], [2, 1, 0, 0], ['a', 'b']])
  t.same([figures(1039), figures(1040), figures(1049), figures(1050)], [[2, 2, 0, 0], [2, 1, 1, 0], [2, 1, 1, 0], [2, 0, 2, 0]])
  instances.put('a', granted(1000, { status: 'complete', version: '2' }))
  t.same(figures(1050), [2, 0, 1, 1], 'a grant is counted once')
  t.same([figures(1089), figures(1090), figures(1099), figures(1100)], [[2, 0, 1, 1], [1, 0, 1, 1], [1, 0, 1, 1], [0, 0, 1, 1]], 'a period ends')
  instances.put('c', granted(2000, { id: 'c' }))
  t.same([figures(1900)[0], figures(1899)[0]], [1, 0], 'a grant of the future, after a clock that was set back')
  instances.delete('a')
  t.same(figures(3000), [0, 0, 2, 0])
  t.end()
})

t.test('what could not be kept is as it was', t => {
  const instances = new Instances()
  const rules = group()
  instances.put('a', instance())
  instances.put('a', granted(10))
  instances.revert('a', instance())
  t.same([instances.figures(rules, 10).grantedInPeriod, instances.underWay('workers'), instances.all.get('a')], [0, [], instance()])
  instances.put('b', granted(10, { id: 'b' }))
  instances.put('b', granted(10, { id: 'b', status: 'complete' }))
  instances.revert('b', granted(10, { id: 'b' }))
  t.equal(instances.figures(rules, 10).grantedInPeriod, 1, 'a grant that was there before is one still')
  instances.put('c', granted(10, { id: 'c' }))
  instances.revert('c', undefined)
  t.same([instances.figures(rules, 10).grantedInPeriod, instances.all.has('c')], [1, false])
  instances.revert('nobody', undefined)
  t.end()
})

t.test('so many of one address, and in all: then who is not under way and was not seen for longest gives way', t => {
  const instances = new Instances()
  for (let n = 0; n < mostPerAddress - 1; n++) instances.put(`m${n}`, instance())
  t.same(instances.hasRoom('10.0.0.1'), { room: true })
  instances.put('last', instance())
  t.same([instances.hasRoom('10.0.0.1'), instances.hasRoom('10.0.0.2')], [{ room: false }, { room: true }])
  instances.delete('last')
  t.same(instances.hasRoom('10.0.0.1'), { room: true })

  const crowd = new Instances()
  for (let n = 0; n < 19_999; n++) crowd.put(`m${n}`, n === 1 ? instance({ address: `${n}` }) : granted(0, { address: `${n}` }))
  t.same(crowd.hasRoom('x'), { room: true })
  crowd.put('last', granted(0, { address: '19999' }))
  t.same(crowd.hasRoom('x'), { room: true, forget: 'm1' })
  crowd.put('m1', granted(0, { address: '1' }))
  t.same(crowd.hasRoom('x'), { room: false })
  t.end()
})
