import t from 'tap'
import { enrolledMacKey, groupLoaders, groupReservations, machinesOf, namedMachines } from '../../src/matchbox/group-machines.js'
import { makeGroup } from '../helpers/memory-store.js'

const one = '52:54:00:00:00:01'

t.test('the machines that a selector names, several with commas, in every spelling', t => {
  t.same(machinesOf(new Map([['mac', '52-54-00-00-00-01, 52:54:00:00:00:02'], ['os', 'installed']])), [one, '52:54:00:00:00:02'])
  t.same(machinesOf(new Map([['mac', 'all'], ['uuid', one]])), [])
  t.end()
})

t.test('an address for machines that are named, and for no others', t => {
  t.same(groupReservations([
    makeGroup({ id: 'a', selector: { mac: one }, metadata: { ip: '10.0.0.1', hostname: 'a' } }),
    makeGroup({ id: 'b', selector: { mac: one }, metadata: { ip: '10.0.0', hostname: 'b' } }),
    makeGroup({ id: 'c', metadata: { ip: '10.0.0.3' } }),
    makeGroup({ id: 'd', selector: { mac: one } }),
    makeGroup({ id: 'e', selector: { mac: one }, metadata: { ip: '10.0.0.5', hostname: '' } }),
    makeGroup({ id: 'f', selector: { mac: one }, metadata: { ip: 7, hostname: 'f' } }),
    makeGroup({ id: 'g', selector: { uuid: 'u' }, metadata: { ip: '10.0.0.7', hostname: 7, [enrolledMacKey]: '52-54-00-00-00-07' } }),
    makeGroup({ id: 'h', selector: { mac: one }, metadata: { ip: '10.0.0.8', [enrolledMacKey]: '52-54-00-00-00-07' } })
  ]), [
    { macs: [one], ip: 0x0a000001, hostName: 'a', source: 'group a' },
    { macs: [one], ip: 0x0a000005, hostName: undefined, source: 'group e' },
    { macs: ['52:54:00:00:00:07'], ip: 0x0a000007, hostName: undefined, source: 'group g' },
    { macs: [one], ip: 0x0a000008, hostName: undefined, source: 'group h' }
  ])
  t.end()
})

t.test('loaders: what can be none is told of and left out', t => {
  const { loaders, problems } = groupLoaders([
    makeGroup({ id: 'a', selector: { mac: one }, metadata: { boot_file: 'ipxe.efi' } }),
    makeGroup({ id: 'b', selector: { mac: one }, metadata: { boot_file: '../etc' } }),
    makeGroup({ id: 'c', metadata: { boot_file: 'ipxe.efi' } }),
    makeGroup({ id: 'd', selector: { mac: one }, metadata: { boot_file: 7 } })
  ], name => !name.includes('..'))
  t.same(loaders, [{ mac: one, loader: 'ipxe.efi' }])
  t.match(problems, [/^group b: .*no file name/, /^group c: .*names no mac/, /^group d: .*no file name/])
  t.end()
})

t.test('each machine once, by the name that its group gives it', t => {
  const two = '52:54:00:00:00:02'
  t.same([...namedMachines([
    makeGroup({ id: 'a', name: 'A', selector: { mac: one }, metadata: { hostname: 'node-1' } }),
    makeGroup({ id: 'b', name: 'B', selector: { mac: one, os: 'installed' } }),
    makeGroup({ id: 'c', name: 'C', selector: { mac: `${one},${two}` }, metadata: { hostname: '' } }),
    makeGroup({ id: 'd', selector: { mac: two }, metadata: { hostname: 7 } }),
    makeGroup({ id: 'e', name: 'E' })
  ])], [
    { macs: [one], name: 'node-1', group: 'a' }, { macs: [one, two], name: 'C', group: 'c' }, { macs: [two], name: 'd', group: 'd' }
  ])
  t.end()
})
