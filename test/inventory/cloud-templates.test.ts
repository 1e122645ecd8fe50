// Variables of pxe_coreos as metadata: one that is called as what this program reads of a group is called otherwise.
import t from 'tap'
import { cloudMetadata, goTemplate } from '../../src/inventory/cloud-templates.js'

t.test('no variable says how a machine boots', t => {
  const names = ['ip', 'boot_file', 'boot_from_disk', 'boot_resilient', 'install_once', 'reinstall', 'ignition_guard', 'update_group', 'etcd_cluster', 'etcd_discovery']
  const variables = new Map(names.map(name => [name, 'true']))
  const machine = { template: { value: 'default.yaml', at: { file: 'pxe_hosts.json', line: 1, column: 1 } }, variables }
  for (const name of names) t.equal(goTemplate(`$${name}`, new Set(names)), `{{.pxe_${name}}}`)
  t.same([...cloudMetadata(machine, new Set(names)).keys()], names.map(name => `pxe_${name}`))
  t.end()
})
