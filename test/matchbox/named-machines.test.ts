import t from 'tap'
import type { Group } from '../../src/matchbox/group.js'
import { cardsOfOne, NamedMachines } from '../../src/matchbox/named-machines.js'
import { macFromBytes, type Mac } from '../../src/net/mac.js'

const card = (i: number): Mac => macFromBytes(Buffer.from([2, 0, 0, 0, i >> 8, i & 255])) as Mac
const group = (id: string, selector: Record<string, string>): [string, Group] =>
  [id, { id, name: '', profile: 'p', selector: new Map(Object.entries(selector)), metadata: undefined }]

t.test('a group names a machine by its address, its UUID or its serial number, and by nothing else', t => {
  const groups = new Map([group('mac', { MAC: '02:00:00:00:00:01' }), group('uuid', { uuid: 'u' }), group('serial', { serial: 's', os: 'installed' }), group('all', {}), group('os', { os: 'installed' })])
  const named = new NamedMachines(() => groups)
  for (const id of ['mac', 'uuid', 'serial']) t.equal(named.has(id, card(1)), true, id)
  for (const id of ['all', 'os', 'gone', undefined]) t.equal(named.has(id, card(1)), false, String(id))
  t.end()
})

t.test('a stranger who says a machine\'s serial number a thousand times makes a few known', t => {
  let groups = new Map([group('node', { serial: 's' })])
  const named = new NamedMachines(() => groups)
  t.equal(named.has('node', card(0)), true)
  t.equal(Array.from({ length: 1000 }, (_, i) => named.has('node', card(1 + i))).filter(known => known).length, cardsOfOne - 1)
  t.equal(named.has('node', card(0)), true, 'and the machine stays')
  groups = new Map([group('other', { serial: 's' })])
  t.equal(named.has('node', card(0)), false, 'its group was removed')
  t.equal(named.has('other', card(900)), true)
  groups = new Map([group('node', { serial: 's' })])
  t.equal(named.has('node', card(901)), true, 'a group of that name which comes anew knows no cards yet')
  t.end()
})
