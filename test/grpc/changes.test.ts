// What a call changed, in words for the log, and what messages make of groups and profiles.
import t from 'tap'
import { changeTold, isChange } from '../../src/grpc/changes.js'
import { groupMessage, groupOf, profileMessage, profileOf } from '../../src/grpc/convert.js'
import type { Snapshot } from '../../src/matchbox/store.js'
import { makeGroup, makeProfile, MemoryStore } from '../helpers/memory-store.js'

const holding = (store: ConstructorParameters<typeof MemoryStore>[0] = {}): Snapshot => new MemoryStore(store).snapshot

t.test('created, changed in what, deleted, or nothing', t => {
  const nothing = holding()
  const group = { groups: [makeGroup({ id: 'a', selector: { os: 'x' } })] }
  const other = { groups: [makeGroup({ id: 'a', profile: 'q', selector: { os: 'y' }, metadata: { b: 1 } })] }
  const profile = { profiles: [makeProfile({ id: 'a', boot: { kernel: 'k', initrd: [], args: [] } })] }
  const configs = (text: string) => ({ configs: { ignition: { a: text } } })
  for (const [call, before, after, object, change] of [
    ['GroupPut', nothing, holding(group), 'group a', 'created'], ['GroupPut', holding(group), holding(group), 'group a', 'unchanged'],
    ['GroupPut', holding(group), holding(other), 'group a', 'profile, selector, metadata'], ['GroupPut', holding(group), nothing, 'group a', 'created'],
    ['GroupDelete', holding(group), nothing, 'group a', 'deleted'], ['GroupDelete', nothing, nothing, 'group a', 'was not there'],
    ['ProfilePut', nothing, holding(profile), 'profile a', 'created'], ['ProfilePut', holding(profile), holding({ profiles: [makeProfile({ id: 'a', cloudId: 'c' })] }), 'profile a', 'boot, cloud_id'],
    ['ProfileDelete', holding(profile), nothing, 'profile a', 'deleted'],
    ['IgnitionPut', nothing, holding(configs('x')), 'ignition a', 'created'], ['IgnitionPut', holding(configs('xx')), holding(configs('yyy')), 'ignition a', '2 -> 3 bytes'],
    ['IgnitionPut', holding(configs('x')), holding(configs('x')), 'ignition a', 'unchanged'], ['IgnitionPut', holding(configs('x')), nothing, 'ignition a', 'created'],
    ['IgnitionDelete', holding(configs('x')), nothing, 'ignition a', 'deleted'], ['GenericDelete', holding(configs('x')), nothing, 'generic a', 'was not there'],
    ['GenericPut', holding(configs('x')), holding({ configs: { generic: { a: '' } } }), 'generic a', 'created']
  ] as const) t.same(changeTold(call, 'a', before, after), { object, change }, `${call}: ${change}`)
  t.same(['GroupPut', 'GenericDelete', 'GroupGet', 'SelectGroup', 'GroupPutX', 'XGroupPut'].map(isChange), [true, true, false, false, false, false])
  t.end()
})

t.test('messages: what is not there is empty, and what they have no field for stays', t => {
  t.same(groupOf({}), makeGroup({ id: '', profile: '' }))
  t.throws(() => groupOf({ id: 'g', metadata: Buffer.alloc(0) }), { code: 'group_invalid', message: /there but empty/ })
  t.throws(() => groupOf({ id: 'g', metadata: Buffer.from('[]') }), { code: 'group_invalid' })
  const group = groupOf({ id: 'g', name: 'n', profile: 'p', selector: new Map([['os', 'x']]), metadata: Buffer.from('{"b":1,"a":2}') })
  t.match(groupMessage(group), { id: 'g', name: 'n', profile: 'p', selector: { os: 'x' } })
  t.equal(groupMessage(group).metadata?.toString(), '{"a":2,"b":1}')

  t.same(profileOf({}, undefined), makeProfile({ id: '' }))
  t.same(profileOf({ boot: {} }, undefined).boot, { kernel: '', initrd: [], args: [] })
  const before = makeProfile({ id: 'p', boot: { kernel: 'k', initrd: [], args: [], resilient: false, shim: '/s' } })
  const message = { id: 'p', boot: { kernel: 'l', initrd: ['i'], args: ['a'] } }
  t.same(profileOf(message, before).boot, { kernel: 'l', initrd: ['i'], args: ['a'], resilient: false, shim: '/s' })
  t.equal(profileOf({ id: 'p' }, before).boot, undefined)
  t.same(profileMessage(makeProfile({ id: 'p' })).boot, { kernel: '', initrd: [], args: [] })
  t.same(profileMessage(profileOf(message, before)).boot, message.boot)
  t.end()
})
