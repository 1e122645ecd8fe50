// Variables of pxe_coreos as metadata: one that is called as what this program reads of a group is called otherwise.
import t from 'tap'
import { cloudMetadata, goTemplate } from '../../src/inventory/cloud-templates.js'
import { growth, muchGrowth } from '../helpers/work.js'

t.test('no variable says how a machine boots', t => {
  const names = ['ip', 'boot_file', 'boot_from_disk', 'boot_resilient', 'install_once', 'reinstall', 'ignition_guard', 'update_group', 'etcd_cluster', 'etcd_discovery']
  const variables = new Map(names.map(name => [name, 'true']))
  const machine = { template: { value: 'default.yaml', at: { file: 'pxe_hosts.json', line: 1, column: 1 } }, variables }
  for (const name of names) t.equal(goTemplate(`$${name}`, new Set(names)), `{{.pxe_${name}}}`)
  t.same([...cloudMetadata(machine, new Set(names)).keys()], names.map(name => `pxe_${name}`))
  t.end()
})

t.test('of a word the longest name counts, and a long word costs what it is long', t => {
  t.equal(goTemplate('$hostname_of$host1$hos', new Set(['host', 'hostname'])), '{{.pxe_hostname}}_of{{.host}}1$hos')
  const names = new Set(['host', 'channel'])
  const factor = growth(size => { goTemplate(`$${'a'.repeat(size)}`, names) }, 10_000)
  t.ok(factor < muchGrowth, factor.toFixed(1))
  t.end()
})
