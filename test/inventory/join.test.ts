import t from 'tap'
import { type JoinedHost, joinLists } from '../../src/inventory/join.js'
import { type ListFormat, readers } from '../../src/inventory/recognise.js'
import { formatIpv4 } from '../../src/net/ipv4.js'
import { mac } from '../helpers/list-samples.js'
import { listOf, sourceOf } from '../helpers/lists.js'
import { growth, muchGrowth } from '../helpers/work.js'

const shown = (...lists: ReadonlyArray<readonly [text: string, format?: ListFormat]>): string[] => joinLists(lists.map(list => listOf(...list))).map(host => line(host))

const line = ({ name, macs, ip, role, places, conflict }: JoinedHost): string =>
  `${name?.value ?? '-'} ${macs.map(mac => mac.value).join('+') || '-'} ${ip === undefined ? '-' : formatIpv4(ip.value)} ${role?.value ?? '-'} x${places.length}${conflict === undefined ? '' : `: ${conflict}`}`

const [m1, m2] = ['52:54:00:00:00:01', '52:54:00:00:00:02']

t.test('addresses from the inventory, MACs from the CSV, by short and full names in whatever case and order', t => {
  const inventory = '[coreos_workers]\nw1 ansible_host=10.0.0.1\n[all:vars]\nnetwork_dn=lab.example\n'
  const csv = `WORKER_MAC,HOST\n${m1},W1.lab.example\n`
  for (const lists of [[[inventory], [csv]], [[csv], [inventory]]] as const) t.match(shown(...lists), [new RegExp(`^w1\\.lab\\.example ${m1} 10\\.0\\.0\\.1 workers x2$`, 'i')])
  t.same(shown([`MAC,HOST\n${m1},w1\n`], ['10.0.0.1 w1.lab.example\n', 'hosts']), [`w1.lab.example ${m1} 10.0.0.1 - x2`], 'no domain is known')
  t.same(shown([`MAC,HOST\n${m1},w1.a\n${m2},w1.b\n`]), [`w1.a ${m1} - - x1`, `w1.b ${m2} - - x1`], 'two domains, two hosts')
  t.end()
})

t.test('ethers and hosts are joined by name or by address', t => {
  t.same(shown([`${m1} w1\n`, 'ethers'], ['10.0.0.1 w1\n', 'hosts']), [`w1 ${m1} 10.0.0.1 - x2`])
  t.same(shown([`${m1} 10.0.0.1\n`, 'ethers'], ['10.0.0.1 w1\n', 'hosts']), [`w1 ${m1} 10.0.0.1 - x2`])
  t.same(shown([`dhcp-host=${m1},10.0.0.1\n`], [`MAC,HOST\n${m1},w1\n`]), [`w1 ${m1} 10.0.0.1 - x2`])
  t.end()
})

t.test('what was seen completes what is wanted, and gives way to it', t => {
  const seen = `[{ "mac": "${m1}", "ip": "10.0.0.99", "state": "bound", "hostname": "w1" }, { "mac": "${m2}", "ip": "10.0.0.98", "state": "bound", "hostname": "other" }]`
  t.same(shown([seen], ['[w]\nw1 ansible_host=10.0.0.1\n']), [`w1 ${m1} 10.0.0.1 w x2`])
  t.same(shown([seen]), [`w1 ${m1} 10.0.0.99 - x1`, `other ${m2} 10.0.0.98 - x1`], 'alone it is what is wanted')
  t.end()
})

t.test('conflicts name both places', t => {
  t.match(shown([`MAC,HOST\n${m1},w1\n${m2},w1\n`]), [/^w1 .*: it has the MAC 52:54:00:00:00:01 \(list:2:1\) and 52:54:00:00:00:02 \(list:3:1\)$/])
  t.match(shown([`MAC,HOST\n${m1},w1\n${m1},w2\n`]), [/^w1 .*: the MAC .* is w2's too \(list:3:1\)$/, /^w2 .*: the MAC .* is w1's too \(list:2:1\)$/])
  t.match(shown([`MAC,IP,HOST\n${m1},10.0.0.1,w1\n${m2},10.0.0.1,w2\n`]), [/the address 10\.0\.0\.1 is w2's too/, /the address 10\.0\.0\.1 is w1's too/])
  t.match(shown([`MAC,IP,HOST\n${m1},10.0.0.1,w1\n`], ['10.0.0.2 w1\n', 'hosts']), [/it has the address 10\.0\.0\.1 \(list:2:19\) and 10\.0\.0\.2 \(list:1:1\)/])
  const subnet = 'subnet 10.0.0.0 netmask 255.255.255.0 { }\n'
  const host = (ip: string): string => `host a { hardware ethernet ${m1}; fixed-address ${ip}; }\n`
  t.match(shown([subnet + host('10.0.1.1')]), [/the address 10\.0\.1\.1 \(list:2:61\) is outside of 10\.0\.0\.0\/24 \(list:1:8\)/])
  t.match(shown([subnet + host('10.0.0.255')]), [/is the network's own address, or its broadcast address/])
  t.match(shown([subnet + host('10.0.0.254')]), [/x1$/])
  t.same(shown([`MAC,HOST\n${m1},w1\n${m1},w1\n`]), [`w1 ${m1} - - x2`], 'the same twice is no conflict')
  t.end()
})

t.test('the work grows with the number of hosts', t => {
  const lists = (size: number) => [
    listOf(`MAC,HOST\n${Array.from({ length: size }, (_, i) => `0200${i.toString(16).padStart(8, '0')},w${i % 7 === 0 ? 'same' : i}.d${i}.lab\n`).join('')}`),
    listOf(Array.from({ length: size }, (_, i) => `10.${i >> 16 & 255}.${i >> 8 & 255}.${i & 255} w${i % 7 === 0 ? 'same' : i}.d${i}.lab\n`).join(''), 'hosts')
  ]
  const made = new Map([500, 4000].map(size => [size, lists(size)]))
  const factor = growth(size => { joinLists(made.get(size) ?? []) }, 500)
  t.ok(factor < muchGrowth, factor.toFixed(1))
  t.end()
})

t.test('one machine in very many lines is one, for work that grows with them', t => {
  const lines: Readonly<Record<string, (i: number) => string>> = {
    hosts: () => '10.0.0.1 w1\n',
    dnsmasq: i => `dhcp-host=${mac(i)},10.0.0.1,w1\n`,
    dhcpd: i => `host w${i} { hardware ethernet ${mac(i)}; fixed-address 10.0.0.1; option host-name "w1"; }\n`
  }
  for (const [format, line] of Object.entries(lines)) {
    const texts = new Map([2000, 16_000].map(size => [size, sourceOf(Array.from({ length: size }, (_, i) => line(i)).join(''))]))
    const joined = (size: number) => joinLists([readers[format as ListFormat](texts.get(size)!)])
    t.equal(joined(2000).length, 1, format)
    const factor = growth(joined, 2000)
    t.ok(factor < muchGrowth, `${format}: ${factor.toFixed(1)}`)
  }
  t.end()
})
