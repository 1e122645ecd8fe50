import t from 'tap'
import { groupLoaders, groupReservations, machinesOf } from '../../src/matchbox/group-machines.js'
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
    makeGroup({ id: 'd', selector: { mac: one } })
  ]), [{ macs: [one], ip: 0x0a000001, hostName: 'a', source: 'group a' }])
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
