import t from 'tap'
import { listOf, refusalOf, shownList, shownRemarks } from '../../helpers/lists.js'

t.test('dhcp-host in all its forms', t => {
  const list = listOf(`# ours
domain=lab.example
dhcp-range=192.168.100.0,static
dhcp-host=52:54:00:00:00:01,192.168.100.41,core-1   # the first
  dhcp-host = 52:54:00:00:00:02 , set:stable , 192.168.100.42 , core-2 , 12h
dhcp-host=11:22:33:44:55:66,12:34:56:78:90:12,192.168.0.60
dhcp-host=01-52:54:00:00:00:03,core-3,infinite
dhcp-host=52:54:00:00:00:04,tag:known,ignore
dhcp-host=00:20:e0:*:*:*,hotspot
dhcp-host=id:marjorie,192.168.0.70
dhcp-hostsfile=/etc/more
addn-hosts=/etc/hosts.lab
read-ethers
`)
  t.same(shownList(list), [
    'core-1 52:54:00:00:00:01 192.168.100.41 - @4:11',
    'core-2 52:54:00:00:00:02 192.168.100.42 stable @5:15',
    '- 11:22:33:44:55:66+12:34:56:78:90:12 192.168.0.60 - @6:11',
    'core-3 52:54:00:00:00:03 - - @7:11',
    '- - 192.168.0.70 - @10:11'
  ])
  t.match(shownRemarks(list), [/^8:39: .* is to be ignored/, /^9:11: .* stands for several/, /^10:11: "id:marjorie" is left out/, /^13:1: read-ethers/])
  t.match(list.includes, [{ path: '/etc/more' }, { path: '/etc/hosts.lab', format: 'hosts' }])
  t.equal(list.domain?.value, 'lab.example')
  t.same(shownList(listOf('52:54:00:00:00:01,192.168.100.41,core-1\n', 'dnsmasq')), ['core-1 52:54:00:00:00:01 192.168.100.41 - @1:1'], 'a line of a --dhcp-hostsfile')
  t.end()
})

t.test('ethers and hosts', t => {
  t.same(shownList(listOf('# comment\n08:00:20:00:61:CA  pal\n8:0:20:0:61:cb\t192.168.0.4\n')), ['pal 08:00:20:00:61:ca - - @2:1', '- 08:00:20:00:61:cb 192.168.0.4 - @3:1'])
  t.same(shownList(listOf('127.0.0.1 localhost\n::1 localhost\n192.168.0.4 pal pal.lab.example # mail\n', 'hosts')), ['pal.lab.example - 192.168.0.4 - @3:1'])
  t.end()
})

t.test('what is wrong is told with its line and column', t => {
  for (const [format, text, said] of [
    ['dnsmasq', 'dhcp-host=52:54:00:00:00:01,192.168.100.41\ndhcp-host=52:54:00:00:00,x\n', 'list:2:11: "52:54:00:00:00" is no MAC address'],
    ['dnsmasq', 'dhcp-host=52:54:00:00:00:01,core_1\n', 'list:1:29: "core_1" is no host name'],
    ['ethers', '08:00:20:00:61:CA\n', 'list:1:1: a MAC address and a name were expected'],
    ['ethers', 'mac: 08:00:20:00:61:CA\n', 'list:1:1: "mac:" is no MAC address'],
    ['hosts', '192.168.0.4\n', 'list:1:1: 192.168.0.4 has no name'],
    ['hosts', '192.168.0.4 a b_c\n', 'list:1:15: "b_c" is no host name']
  ] as const) t.ok(refusalOf(text, format).startsWith(said), `${JSON.stringify(text)}: ${refusalOf(text, format)}`)
  t.end()
})
