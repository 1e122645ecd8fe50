import t from 'tap'
import { findMachine } from '../../src/machines/find-machine.js'
import { lifeStateOf } from '../../src/machines/lifecycle.js'
import type { Observation } from '../../src/machines/machine.js'
import { MachineRegistry } from '../../src/machines/registry.js'
import { fromDisk } from '../../src/machines/timeline.js'
import { mac } from '../helpers/dhcp.js'

const card = (n: number) => mac(`52:54:00:00:00:0${n}`)

t.test('a machine by its address, its name, and what a group calls it', t => {
  const registry = new MachineRegistry([], { note: () => {}, kindOf: ({ mac, group }) => group !== undefined ? 'known' : mac === card(8) ? 'leased' : 'stranger' })
  registry.record({ mac: card(1), stage: 'script', at: 1, address: '10.0.0.1', name: 'node-1.lab.example', group: 'g' })
  registry.record({ mac: card(2), stage: 'ack', at: 2, name: 'node-1', program: 'pxe' })
  registry.record({ mac: card(3), stage: 'ack', at: 3, name: '\u001b[2J', program: 'pxe' })
  registry.record({ mac: card(4), stage: 'ack', at: 4, name: 'twin', program: 'pxe' })
  registry.record({ mac: card(5), stage: 'ack', at: 4, name: 'twin', program: 'pxe' })
  registry.record({ mac: card(8), stage: 'ack', at: 5, name: 'node-1', program: 'pxe' })
  const named = [{ macs: [card(6), card(7)], name: 'node-6', group: 'rack-6' }, { macs: [card(1)], name: 'node-1', group: 'g' }]
  const find = (text: string): unknown => findMachine(text, registry, named)
  t.same(find('52-54-00-00-00-09'), { mac: '52:54:00:00:00:09' }, 'seen or not')
  t.same(find('10.0.0.1'), { mac: card(1) })
  t.match(find('10.0.0.9'), { problem: /no machine has been seen at 10\.0\.0\.9/ })
  t.same(find('Node-1'), { mac: card(1) }, 'a stranger of the same name does not stand in the way')
  t.same(find('node-1.lab.example'), { mac: card(1) })
  t.match(find('node-1.lab'), { problem: /no machine of that name/ })
  t.same(find('node-6'), { mac: card(6) }, 'not seen yet')
  t.same(find('rack-6'), { mac: card(6) })
  registry.record({ mac: card(8), stage: 'ack', at: 6, name: 'guest', program: 'pxe' })
  registry.record({ mac: card(9), stage: 'ack', at: 6, name: 'guest', program: 'pxe' })
  t.same(find('guest'), { mac: card(8) }, 'who holds a lease goes before who does not')
  t.match(find('twin'), { problem: /2 machines are called "twin"/, several: [card(4), card(5)] })
  for (let n = 1; n <= 5; n++) registry.record({ mac: mac(`52:54:00:00:01:0${n}`), stage: 'ack', at: 7, name: 'many', program: 'pxe' })
  t.match(find('many'), { problem: '5 machines are called "many": 52:54:00:00:01:01, 52:54:00:00:01:02, 52:54:00:00:01:03, 52:54:00:00:01:04' })
  for (const nobody of ['', 'node', '1', '\u001b[3J', 'x'.repeat(5000)]) t.match(find(nobody), { problem: /no machine of that name/ }, nobody.slice(0, 20))
  t.end()
})

t.test('states of a life', t => {
  const registry = new MachineRegistry([], { note: () => {} })
  let at = 0
  const after = (...seen: ReadonlyArray<Omit<Observation, 'mac' | 'at'>>): string => {
    for (const observation of seen) registry.record({ mac: card(1), at: at++, ...observation })
    return lifeStateOf(registry.get(card(1))!, true)
  }
  t.equal(after({ stage: 'discover', program: 'pxe' }, { stage: 'script', detail: '/ipxe' }), 'configured')
  t.equal(lifeStateOf(registry.get(card(1))!, false), 'unknown')
  t.equal(after({ stage: 'kernel' }), 'installing')
  t.equal(after({ stage: 'ignition' }), 'installing')
  t.equal(after({ stage: 'installed' }), 'installed')
  t.equal(after({ stage: 'ack', program: 'other' }), 'running')
  t.equal(after({ stage: 'discover', program: 'pxe' }), 'installed')
  t.equal(after({ stage: 'script', detail: fromDisk }), 'installed')
  t.equal(after({ stage: 'ack', program: 'other' }), 'running')
  registry.reset(card(1))
  t.equal(lifeStateOf(registry.get(card(1))!, true), 'configured')
  t.equal(after({ stage: 'discover', program: 'pxe' }, { stage: 'kernel' }, { stage: 'ignition', detail: fromDisk }), 'configured', 'what it did last counts')
  t.end()
})
