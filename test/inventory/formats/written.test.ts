// What the writers write, to the letter.
/* eslint no-template-curly-in-string: off -- HCL and Ignition have templates of their own */
import t from 'tap'
import { writeTerraform } from '../../../src/inventory/formats/terraform.js'
import { type ExportFormat, writerOf } from '../../../src/inventory/write-list.js'
import { parseIpv4 } from '../../../src/net/ipv4.js'
import type { Mac } from '../../../src/net/mac.js'
import { context, withDomain } from '../../helpers/known-hosts.js'
import { mac } from '../../helpers/list-samples.js'
import { growth, muchGrowth } from '../../helpers/work.js'

const host = (name: string | undefined, mac: string, ip: string, role: string | undefined) => withDomain({ name, macs: mac.split('+') as Mac[], ip: parseIpv4(ip), role })
const hosts = [
  host('core-c1', '00:0c:29:bd:7f:ec', '192.168.100.41', 'controllers'),
  host('core-w1.other.example', '00:0c:29:11:22:33+00:0c:29:11:22:34', '192.168.100.51', 'workers'),
  host(undefined, '00:0c:29:11:22:35', '192.168.100.61', undefined)
]
const written = (format: ExportFormat, list = hosts): string => writerOf(format).write(list.filter(writerOf(format).needs?.[1] ?? (() => true)), context)

t.test("Tectonic's CSV", t => {
  t.equal(written('csv'), `MASTER_MAC,HOST
00:0c:29:bd:7f:ec,core-c1.lab.example
WORKER_MAC,HOST
00:0c:29:11:22:33
00:0c:29:11:22:34,core-w1.other.example
MAC,IP,HOST,GROUP
00:0c:29:11:22:35,192.168.100.61,,
`)
  t.equal(written('csv', hosts.slice(0, 1)), 'MASTER_MAC,HOST\n00:0c:29:bd:7f:ec,core-c1.lab.example\n', 'one role alone is what its installer takes')
  t.end()
})

t.test('dnsmasq, hosts, ansible', t => {
  t.equal(written('dnsmasq'), `dhcp-host=00:0c:29:bd:7f:ec,set:controllers,192.168.100.41,core-c1
dhcp-host=00:0c:29:11:22:33,00:0c:29:11:22:34,set:workers,192.168.100.51,core-w1.other.example
dhcp-host=00:0c:29:11:22:35,192.168.100.61
`)
  t.equal(written('hosts'), '192.168.100.41 core-c1.lab.example core-c1\n192.168.100.51 core-w1.other.example core-w1\n')
  t.equal(written('ansible'), `192.168.100.61 ansible_host=192.168.100.61 vm_mac_addr=00:0c:29:11:22:35

[all:vars]
cluster_type=coreos-pxe
cluster_name=lab
network=192.168.100.0
network_mask=255.255.255.0
network_gateway=192.168.100.1
network_dns=192.168.100.2
network_dns2=8.8.8.8
network_dn=lab.example
provisioner_server_ip=192.168.100.5

[coreos_controllers]
core-c1 ansible_host=192.168.100.41 vm_mac_addr=00:0c:29:bd:7f:ec

[coreos_workers]
core-w1.other.example ansible_host=192.168.100.51 vm_mac_addr=00:0c:29:11:22:33,00:0c:29:11:22:34
`)
  t.end()
})

t.test("tfvars: valid JSON with Tectonic's keys", t => {
  t.same(JSON.parse(written('tfvars')), {
    tectonic_cluster_name: 'lab',
    tectonic_metal_controller_names: ['core-c1'],
    tectonic_metal_controller_domains: ['core-c1.lab.example'],
    tectonic_metal_controller_macs: ['00:0c:29:bd:7f:ec'],
    tectonic_metal_worker_names: ['core-w1'],
    tectonic_metal_worker_domains: ['core-w1.other.example'],
    tectonic_metal_worker_macs: ['00:0c:29:11:22:33'],
    tectonic_metal_worker_count: 1,
    tectonic_metal_matchbox_http_url: 'http://192.168.100.5:8080',
    tectonic_metal_matchbox_rpc_endpoint: '192.168.100.5:8081',
    tectonic_metal_matchbox_ca: context.certificates?.ca,
    tectonic_metal_matchbox_client_cert: 'cert\n',
    tectonic_metal_matchbox_client_key: 'key\n'
  })
  t.equal((JSON.parse(written('tfvars', hosts.slice(0, 1))) as Record<string, unknown>)['tectonic_metal_worker_count'], 0, 'a controller is no worker')
  t.end()
})

t.test('blocks for dhcpd', t => {
  t.match(written('dhcpd'), /^option core-provisioner-architecture code 93 = unsigned integer 16;\ngroup \{\n {2}next-server 192\.168\.100\.5;\n {2}if exists user-class/)
  t.match(written('dhcpd'), `  host core-w1.other.example-2 {
    hardware ethernet 00:0c:29:11:22:34;
    fixed-address 192.168.100.51;
    option host-name "core-w1.other.example";
  }
  host host-00-0c-29-11-22-35 {
    hardware ethernet 00:0c:29:11:22:35;
    fixed-address 192.168.100.61;
  }
}
`)
  t.notMatch(written('dhcpd', []), /group|host /, 'without hosts it is for all of its scope')
  t.match(written('fusion'), `host core-c1 {
  hardware ethernet 00:0c:29:bd:7f:ec;
  fixed-address 192.168.100.41;
  option host-name "core-c1";
  option domain-name-servers 192.168.100.2, 8.8.8.8;
  option tftp-server-name "192.168.100.5";
  next-server 192.168.100.5;
  filename "pxelinux.0";
}
`)
  t.notMatch(written('fusion').replace(/^#.*$/gm, ''), /if |elsif/, 'ISC DHCP 2.0 knows no conditions')
  t.end()
})

t.test('groups and profiles for Terraform', t => {
  const config = 'storage:\n  files:\n    - path: /a\n      contents: "${HOSTNAME} %{x} {{.a}}"\n'
  const text = writeTerraform({
    groups: [
      { id: 'core-c1', name: '', profile: 'core', selector: new Map([['mac', '00:0c:29:bd:7f:ec']]), metadata: new Map([['ip', '192.168.100.41'], ['odd key', 'a "b"']]) },
      { id: 'core.c1', name: '', profile: 'elsewhere', selector: new Map(), metadata: undefined },
      { id: '1st', name: '', profile: 'core', selector: new Map(), metadata: new Map([['rack', 7]]) }
    ],
    profiles: [
      { id: 'core', name: '', boot: { kernel: '/k', initrd: ['/i'], args: ['mac=${mac:hexhyp}'] }, ignitionId: 'core.yaml', cloudId: 'c', genericId: 'g' },
      { id: 'raw', name: '', boot: undefined, ignitionId: 'raw.ign', cloudId: '', genericId: '' }
    ],
    configOf: (_, name) => ({ 'core.yaml': config, g: 'no end', 'raw.ign': '{}\n' })[name]
  })
  t.equal(text.replace(/^(?:#.*\n)*/, ''), `
# The provider calls the config core.yaml.tmpl; it is core.yaml now, and machines are given the same.
# The provider knows no cloud_id, and takes it away: c.
resource "matchbox_profile" "core" {
  name   = "core"
  kernel = "/k"
  initrd = ["/i"]
  args   = ["mac=$\${mac:hexhyp}"]

  container_linux_config = <<EOT
storage:
  files:
    - path: /a
      contents: "$\${HOSTNAME} %%{x} {{.a}}"
EOT

  generic_config = "no end"
}

resource "matchbox_profile" "raw" {
  name = "raw"

  raw_ignition = <<EOT
{}
EOT
}

resource "matchbox_group" "core-c1" {
  name    = "core-c1"
  profile = matchbox_profile.core.name

  selector = {
    mac = "00:0c:29:bd:7f:ec"
  }

  metadata = {
    ip        = "192.168.100.41"
    "odd key" = "a \\"b\\""
  }
}

resource "matchbox_group" "core_c1" {
  name    = "core.c1"
  profile = "elsewhere"
}

# Group 1st is left out: its metadata holds more than text, which the provider cannot read.
`)
  t.end()
})

t.test('what is called alike is told apart, for work that grows with it', t => {
  const called = (count: number) => Array.from({ length: count }, (_, i) => ({ macs: [mac(i) as Mac], ip: undefined, name: i % 2 === 0 ? 'W1' : 'w1', fullName: undefined, role: undefined }))
  const declared = (count: number): readonly string[] => writerOf('dhcpd').write(called(count), context).match(/(?<=host )\S+(?= \{)/g) ?? []
  t.same(declared(4), ['W1', 'w1-2', 'W1-3', 'w1-4'])
  const profile = (id: string) => ({ id, name: '', boot: undefined, ignitionId: '', cloudId: '', genericId: '' })
  const labels = writeTerraform({ groups: [], profiles: ['a.b', 'a b', 'A_b', 'a_b_2', 'a/b'].map(profile), configOf: () => undefined }).match(/(?<=matchbox_profile" ")\w+/g)
  t.same(labels, ['a_b', 'a_b_2', 'A_b', 'a_b_2_2', 'a_b_3'])
  const factor = growth(declared, 1000)
  t.ok(factor < muchGrowth, factor.toFixed(1))
  t.end()
})
