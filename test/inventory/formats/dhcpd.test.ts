import t from 'tap'
import { listOf, refusalOf, shownList, shownRemarks } from '../../helpers/lists.js'

const block = (name: string, mac: string, ip: string): string => `host ${name} {\n    hardware ethernet ${mac};\n    fixed-address ${ip};\n    option host-name "${name}";\n}\n`

t.test("cluster-builder's block between its markers, with what stands around it", t => {
  const list = listOf(`default-lease-time 7776000;
authoritative;
subnet 192.168.100.0 netmask 255.255.255.0 {
  option tftp-server-name "192.168.100.40"; next-server 192.168.100.40;
  filename "pxelinux.0";
}
# BEGIN lab CLUSTER MANAGED BLOCK
${block('core-c1', '00:0c:29:bd:7f:ec', '192.168.100.41')}# END lab CLUSTER MANAGED BLOCK
`)
  t.same(shownList(list), ['core-c1 00:0c:29:bd:7f:ec 192.168.100.41 - @8:1'])
  t.match(list, { cluster: { value: 'lab' }, networks: [{ value: { prefix: 24 }, at: { line: 3 } }] })
  t.same(shownRemarks(list), [])
  t.end()
})

t.test("Fusion's file: its own part is left alone, repeated blocks without markers count once, the last", t => {
  const list = listOf(`###### VMNET DHCP Configuration. Start of "DO NOT MODIFY SECTION" #####
allow unknown-clients;
host vmnet2 {
  hardware ethernet 00:50:56:C0:00:02;
  fixed-address 192.168.100.1;
}
####### VMNET DHCP Configuration. End of "DO NOT MODIFY SECTION" #######
${block('core-c1', '00:0c:29:00:00:01', '192.168.100.41')}### coreos-pxe:core-demo:start
host core-c1 { hardware ethernet 0:C:29:0:0:2; fixed-address 192.168.100.41; option domain-name-servers 192.168.100.1,8.8.8.8;
  option tftp-server-name "192.168.100.40"; next-server 192.168.100.40; filename "pxelinux.0"; }
### coreos-pxe:core-demo:end
`)
  t.same(shownList(list), ['core-c1 00:0c:29:00:00:02 192.168.100.41 - @14:1'])
  t.match(shownRemarks(list), [/^3:1: host vmnet2 is VMware's own/, /^14:1: host core-c1 is declared again \(before: line 8\)/, /^14:78: option domain-name-servers in 1 host is left out/])
  t.equal(list.cluster?.value, 'core-demo')
  t.end()
})

t.test('hosts inside of groups and networks; a name that only stands for an address; several cards of one machine', t => {
  const list = listOf(`shared-network a { subnet 10.0.0.0 netmask 255.0.0.0 { group { # here
  host host-00-0c-29-00-00-01 { hardware ethernet 00:0c:29:00:00:01; fixed-address 10.0.0.1; }
} } }
host a-eth0 { hardware ethernet 00:0c:29:00:00:02; fixed-address 10.0.0.2; option host-name "a"; }
host a-eth1 { hardware ethernet 00:0c:29:00:00:03; fixed-address 10.0.0.2; option host-name "a"; }
host by-name { hardware ethernet 00:0c:29:00:00:04; fixed-address by-name.example; }
host two { hardware ethernet 00:0c:29:00:00:05; fixed-address 10.0.0.5, 10.0.0.6; }
include "more.conf";
`)
  t.same(shownList(list), [
    '- 00:0c:29:00:00:01 10.0.0.1 - @2:3',
    'a 00:0c:29:00:00:02+00:0c:29:00:00:03 10.0.0.2 - @4:1',
    'by-name 00:0c:29:00:00:04 - - @6:1',
    'two 00:0c:29:00:00:05 10.0.0.5 - @7:1'
  ])
  t.match(list.includes, [{ path: 'more.conf', at: { line: 8 } }])
  t.equal(list.remarks.length, 2)
  t.end()
})

t.test('what is wrong is told with its line and column', t => {
  for (const [text, said] of [
    ['host a {\n  hardware ethernet 00:0c:29:bd:7f:ec;\n', 'list:1:8: the block that begins here ("host a") is not closed'],
    ['host a {\n  hardware ethernet 00:0c:29:bd:7f:ec\n  fixed-address 10.0.0.1;\n}\n', 'list:2:3: expected: hardware ethernet, and six octets'],
    ['host a {\n  hardware ethernet nonsense;\n}\n', 'list:2:21: "nonsense" is no MAC address'],
    ['host a { hardware ethernet 00:0c:29:bd:7f:ec; }\n}\n', 'list:2:1: "}" closes nothing'],
    ['host a { option host-name "a; }\n', 'list:1:27: a string that is not ended'],
    ['hosts:\n  - mac: 00:0c:29:bd:7f:ec\n', 'list:1:1: ";" is missing after'],
    [`${'a {'.repeat(100)}`, 'list:1:195: more than 64 blocks inside one another'],
    ['host { hardware ethernet 00:0c:29:bd:7f:ec; }', 'list:1:1: a host needs a name']
  ] as const) t.ok(refusalOf(text, 'dhcpd').startsWith(said), `${JSON.stringify(text.slice(0, 80))}: ${refusalOf(text, 'dhcpd')}`)
  t.end()
})
