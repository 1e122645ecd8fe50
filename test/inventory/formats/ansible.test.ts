import t from 'tap'
import { listOf, refusalOf, shownList, shownRemarks } from '../../helpers/lists.js'

t.test("a cluster of cluster-builder's: merged by name, quotes or none, blanks, no new line at the end", t => {
  const list = listOf(`[all:vars]
cluster_type=coreos-pxe
cluster_name = "demo-core"   ; ours
fusion_vm_folder="../virtuals"
network_gateway=192.168.100.1
network_mask=255.255.255.0
network_dn=demo.example   # the domain

[coreos_provisioner]
core-provisioner.demo.example ansible_host=192.168.100.40
[coreos_controllers]
core-c1.demo.example ansible_host=192.168.100.41  \t
[coreos_workers]
  core-w1   ansible_host='192.168.100.51' vm_mac_addr=" 00:0C:29:11:22:33 "
[vmware_vms]
core-provisioner.demo.example numvcpus=4
core-c1.demo.example  numvcpus=4 memsize=1024 esxi_ds="data store 6"
[coreos:children]
coreos_controllers
[coreos:vars]
ansible_ssh_user=core`)
  t.same(shownList(list), ['core-c1.demo.example - 192.168.100.41 controllers @12:1', 'core-w1 00:0c:29:11:22:33 192.168.100.51 workers @14:3'])
  t.match(list, { cluster: { value: 'demo-core' }, domain: { value: 'demo.example' }, networks: [{ value: { prefix: 24, network: 0xc0a86400 } }] })
  t.match(shownRemarks(list), [/core-provisioner\.demo\.example is in \[coreos_provisioner\]/])
  t.end()
})

t.test('ranges of numbers and letters', t => {
  const names = (text: string): string[] => listOf(text, 'ansible').hosts.map(({ name }) => name?.value ?? '')
  t.same(names('[w]\nw[1:3].lab\n'), ['w1.lab', 'w2.lab', 'w3.lab'])
  t.same(names('[w]\nw[08:11]\n'), ['w08', 'w09', 'w10', 'w11'])
  t.same(names('[w]\n[a:c]x[1:5:4]\n'), ['ax1', 'ax5', 'bx1', 'bx5', 'cx1', 'cx5'])
  t.same(names('[w]\nweb1:2222 a=b\n'), ['web1'])
  t.end()
})

t.test('hosts without a group, addresses instead of names, names instead of addresses', t => {
  const list = listOf('10.0.0.1 mac=52:54:00:00:00:01\nweb1 ansible_host=web1.example\n[db]\nweb1\n[all:vars]\na=b\n')
  t.same(shownList(list), ['- 52:54:00:00:00:01 10.0.0.1 - @1:1', 'web1 - - db @2:1'])
  t.match(shownRemarks(list), [/^2:19: "web1\.example" is no IPv4 address/])
  t.end()
})

t.test('what is wrong is told with its line and column', t => {
  for (const [text, said] of [
    ['[w\nweb1\n', 'list:1:1: a group in brackets was expected'],
    ['[w:parents]\n', 'list:1:1: [w:parents]: Ansible knows'],
    ['[w]\nweb1 nonsense\n', 'list:2:6: name=value was expected, not "nonsense"'],
    ['[w]\nweb1 a="b\n', 'list:2:8: a quote that is not ended'],
    ['[all:vars]\nnonsense\n', 'list:2:1: [all:vars]: name=value was expected'],
    ['[w]\nweb1 vm_mac_addr=00:0c:29\n', 'list:2:18: "00:0c:29" is no MAC address'],
    ['[w]\nw[9:1]\n', 'list:2:1: "w[9:1]": a range'],
    ['[w]\nw[1:999999999]\n', 'list:2:1: "w[1:999999999]": a range'],
    ['[w]\nw[1:1000][1:1000]\n', 'list:2:1: more than 200000 hosts'],
    [`[w]\nw${'[1:1]'.repeat(10_000)}\n`, 'list:2:1: '],
    ['all:\n  hosts:\n    web1:\n', 'list:1:1: the name of a host was expected']
  ] as const) t.ok(refusalOf(text, 'ansible').startsWith(said), `${JSON.stringify(text.slice(0, 60))}: ${refusalOf(text, 'ansible')}`)
  t.end()
})
