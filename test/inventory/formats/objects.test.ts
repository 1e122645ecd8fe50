// The formats that are JSON or nearly so: tfvars, Kea, pxe_coreos, Mayu, our own.
import t from 'tap'
import { readObjects } from '../../../src/inventory/object-notation.js'
import { readers } from '../../../src/inventory/recognise.js'
import { listOf, refusalOf, shownList, shownRemarks, sourceOf } from '../../helpers/lists.js'

const tfvars = `{
  "tectonic_cluster_name": "demo",
  "tectonic_ssh_authorized_key": "ssh-rsa AAAA"
  "tectonic_vanilla_k8s": True,
  "tectonic_metal_controller_names": ["core-c1"],
  "tectonic_metal_controller_domains": ["core-c1.lab.example"],
  "tectonic_metal_controller_macs": ["00:0c:29:bd:7f:ec"],
  "tectonic_metal_worker_names": ["core-w1", "core-w2"],
  "tectonic_metal_worker_domains": ["core-w1.lab.example", "core-w2.lab.example"],
  "tectonic_metal_worker_macs": ["00:0c:29:11:22:33", "00:0c:29:11:22:34"]
}
`
const machines = ['core-c1.lab.example 00:0c:29:bd:7f:ec - controllers', 'core-w1.lab.example 00:0c:29:11:22:33 - workers', 'core-w2.lab.example 00:0c:29:11:22:34 - workers']
const withoutPlaces = (shown: readonly string[]): string[] => shown.map(line => line.replace(/ @.*/, ''))

t.test("tfvars: cluster-builder's JSON with its missing comma and Python's True, JSON as it should be, HCL 1", t => {
  const broken = listOf(tfvars)
  t.same(withoutPlaces(shownList(broken)), machines)
  t.equal(shownList(broken)[2], 'core-w2.lab.example 00:0c:29:11:22:34 - workers @10:55')
  t.match(shownRemarks(broken), [/^4:3: a comma is missing before this/, /^4:27: True is Python's/])
  t.equal(broken.cluster?.value, 'demo')

  const strict = listOf(tfvars.replace('AAAA"', 'AAAA",').replace('True', 'true'))
  t.same(withoutPlaces(shownList(strict)), machines)
  t.same(shownRemarks(strict), [])

  const hcl = listOf(`// of the installer
tectonic_cluster_name = "demo"
tectonic_license_path = ""
tectonic_metal_controller_names = "" # none yet
tectonic_metal_worker_domains = [
  "core-w1.lab.example",
  "core-w2.lab.example",
]
tectonic_metal_worker_names = ["core-w1", "core-w2"]
tectonic_metal_worker_macs = ["00:0c:29:11:22:33", "00:0c:29:11:22:34"]
tectonic_metal_matchbox_ca = <<EOD
-----BEGIN CERTIFICATE-----
EOD
`)
  t.same(withoutPlaces(shownList(hcl)), machines.slice(1))
  t.same(shownRemarks(hcl), [])
  t.end()
})

t.test('Kea: comments, subnets, shared networks, reservations of all, an include', t => {
  const list = listOf(`{ // Kea's own comments
  "Dhcp4": {
    /* two
       lines */
    "reservations": [ { "hw-address": "1a:1b:1c:1d:1e:1f", "hostname": "global" }, ], # one too many
    "subnet4": [ { "subnet": "192.0.2.0/24", "reservations": [
      { "hw-address": "1a:1b:1c:1d:1e:fe", "ip-address": "192.0.2.1", "hostname": "a.example", "client-classes": ["workers"] },
      { "duid": "0a:0b", "ip-address": "192.0.2.2" } ] } ],
    "shared-networks": [ { "subnet4": [ { "subnet": "192.0.3.0/24", "reservations": <?include "more.json"?> } ] } ]
  }
}`)
  t.same(shownList(list), ['global 1a:1b:1c:1d:1e:1f - - @5:23', 'a.example 1a:1b:1c:1d:1e:fe 192.0.2.1 workers @7:7'])
  t.match(shownRemarks(list), [/^8:7: a reservation without hw-address/])
  t.match(list, { networks: [{}, {}], includes: [{ path: 'more.json', at: { line: 9, column: 85 } }] })
  t.same(shownList(listOf('[ { "hw-address": "1a:1b:1c:1d:1e:01", "ip-address": "192.0.3.1" } ]')), ['- 1a:1b:1c:1d:1e:01 192.0.3.1 - @1:3'], 'a part alone')
  t.end()
})

t.test("pxe_coreos' sample, with its comma too many", t => {
  const list = listOf(`{ "common": { "$public_ipv4_gw": "10.0.0.1" },
  "hosts": { "192.168.90.101": { "macaddr": "52:54:00:00:00:01", "$hostname": "docker-101", "channel": "stable", },
             "192.168.90.103": { "macaddr": "52:54:00:00:00:03", "$hostname": "docker-103", "channel": "beta", "template": "etcd2.yaml" } } }`)
  t.same(shownList(list), ['docker-101 52:54:00:00:00:01 192.168.90.101 stable @2:14', 'docker-103 52:54:00:00:00:03 192.168.90.103 beta @3:14'])
  t.match(shownRemarks(list), [/^2:112: a comma stands before the end of an object/])
  t.end()
})

t.test("Mayu's records of both generations", t => {
  t.same(shownList(listOf('{"Id":"a","Enabled":true,"Name":"","Serial":"s1","MacAddresses":["00:16:3e:00:00:01","00:16:3e:00:00:02"],"InternalAddr":"10.0.4.31","Hostname":"00006811af601fe8","Profile":"core","State":"running"}')),
    ['00006811af601fe8 00:16:3e:00:00:01+00:16:3e:00:00:02 10.0.4.31 core @1:1'])
  t.same(shownList(listOf('{\n  "Serial": "s2",\n  "MacAddresses": ["00:16:3e:00:00:03"],\n  "InternalAddr": "",\n  "AdditionalAddrs": {},\n  "FlatcarVersion": "1.0"\n}')),
    ['- 00:16:3e:00:00:03 - - @1:1'])
  t.end()
})

t.test('what this program prints and keeps: leases, machines, exports', t => {
  const leases = listOf(`{"format":"core-provisioner lease","version":1}
{"ip":"10.0.0.5","mac":"52:54:00:00:00:01","state":"bound","since":1,"expires":2,"hostname":"a"}
{"ip":"10.0.0.6","mac":"52:54:00:00:00:02","state":"bound","since":1,"expires":2,"hostname":"bad name"}
{"ip":"10.0.0.5","mac":"52:54:00:00:00:01","state":"released","since":1,"expires":2}
{"ip":"10.0.0.7","mac":"52:54:00:00:`, 'leases')
  t.same(shownList(leases), ['- 52:54:00:00:00:02 10.0.0.6 - @3:1'])
  t.match(shownRemarks(leases), [/^5:1: the last line is torn/, /^3:93: "bad name" is no host name/])
  t.equal(leases.observed, true)
  t.same(shownList(listOf('[\n  { "mac": "52:54:00:00:00:01", "address": "10.0.0.5", "lastSeen": "2026-01-01T00:00:00Z" }\n]')), ['- 52:54:00:00:00:01 10.0.0.5 - @2:3'])
  const own = listOf('[{ "macs": ["52:54:00:00:00:01", "52:54:00:00:00:02"], "ip": "10.0.0.5", "hostname": "a", "role": "workers" }]')
  t.same(shownList(own), ['a 52:54:00:00:00:01+52:54:00:00:00:02 10.0.0.5 workers @1:2'])
  t.equal(own.observed, false)
  t.end()
})

t.test("groups of Terraform's", t => {
  const list = listOf(`resource "matchbox_profile" "core" {
  name = "core"
  args = ["a=\${b}"]
}
resource "matchbox_group" "one" {
  name    = "core-1"
  profile = matchbox_profile.core.name
  selector = { mac = "52:54:00:00:00:01,52:54:00:00:00:02" }
  metadata = {
    ip       = "10.0.0.1"
    hostname = "one"
    role = "workers"
  }
}
resource "matchbox_group" "each" {
  for_each = var.machines
  name = each.key
  selector = { mac = each.value["mac"] }
}
locals { a = file("x"), b = jsonencode({ c = "d" }) }
`)
  t.same(shownList(list), ['one 52:54:00:00:00:01+52:54:00:00:00:02 10.0.0.1 workers @5:1'])
  t.end()
})

t.test('what is wrong is told with its line and column', t => {
  for (const [format, text, said] of [
    ['tfvars', tfvars.slice(0, 300), 'list:8:3: a string that is not ended'],
    ['tfvars', tfvars.slice(0, -2), 'list:11:1: the file ends too early: "}" is missing'],
    ['tfvars', 'tectonic_cluster_name: demo\ntectonic_metal_worker_macs:\n  - 00:0c:29:11:22:33\n', 'list:3:3: a value was expected'],
    ['tfvars', '{ "tectonic_metal_worker_macs": ["00:0c:29:11:22:33"], "tectonic_metal_worker_names": ["a", "b"] }', 'list:1:33: tectonic_metal_worker_macs has 1 entry'],
    ['kea', '{ "Dhcp4": { "reservations": [ { "hw-address": "nonsense" } ] } }', 'list:1:48: "nonsense" is no MAC address'],
    ['kea', '{ "Dhcp4": 1 } }', 'list:1:16: something follows the end'],
    ['kea', 'Dhcp4:\n  reservations:\n    - hw-address: "1a:1b:1c:1d:1e:1f"\n', 'list:2:15: "," or a new line was expected, not'],
    ['pxe-hosts', '{ "hosts": [] }', 'list:1:12: hosts: an object of machines'],
    ['pxe-hosts', '{ "hosts": { "300.1.1.1": {} } }', 'list:1:14: "300.1.1.1" is no IPv4 address'],
    ['mayu', '[]', 'list:1:1: the record of one machine was expected'],
    ['mayu', '{ "MacAddresses": ["x"] }', 'list:1:20: "x" is no MAC address'],
    ['leases', '{"mac":"52:54:00:00:00:01"}\n{"mac":\n{"mac":"52:54:00:00:00:01"}\n', 'list:2:1: this line is no JSON'],
    ['json', '{ "a": 1 }', 'list:1:1: a list of machines was expected'],
    ['json', `${'['.repeat(100_000)}`, 'list:1:66: more than 64 values inside one another'],
    ['json', '[ { "mac": "52:54:00:00:00:01" /* ', 'list:1:32: a comment that is not ended'],
    ['json', '[ "a\\q" ]', 'list:1:5: an escape that is none'],
    ['json', '[ 1 2 ]', 'list:1:5: "," or "]" was expected'],
    ['terraform', 'resource "matchbox_group" "a" {\n  selector = { mac = file("x }\n', 'list:2:27: a string that is not ended'],
    ['terraform', 'a = <<EOT\nb\n', 'list:1:5: the text that begins here']
  ] as const) t.ok(refusalOf(text, format).startsWith(said), `${JSON.stringify(text.slice(0, 60))}: ${refusalOf(text, format)}`)
  t.end()
})

t.test('strict JSON is read as JSON.parse reads it, with nothing to mend', t => {
  const text = JSON.stringify({ a: [1, -2.5e3, 'é "\n\u0001', true, null, {}], b: { c: '' } }, null, 1)
  const { value, remarks } = readObjects(sourceOf(text))
  const plain = (node: typeof value): unknown => node.kind === 'null' ? null : node.kind === 'list' ? node.items.map(plain) : node.kind === 'object' ? Object.fromEntries(node.members.map(({ key, value }) => [key, plain(value)])) : node.value
  t.same(plain(value), JSON.parse(text))
  t.same(remarks, [])
  t.end()
})

t.test('what had to be mended a hundred thousand times is read', t => {
  const list = readers.leases(sourceOf(`[${'{"mac":"52:54:00:00:00:01"}\n'.repeat(150_000)}]`))
  t.same([list.hosts.length, list.remarks.length], [1, 149_999])
  t.end()
})
