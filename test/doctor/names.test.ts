// What DNS says of reserved machines, against what DHCP says: asked of a server in a namespace, and of one that never answers.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { diagnoseNames, type NameQuestions } from '../../src/doctor/names.js'
import type { DhcpSubnet } from '../../src/dhcp/subnet.js'
import type { Reservation } from '../../src/dhcp/reservations.js'
import { parseIpv4, parseSubnet } from '../../src/net/ipv4.js'
import { bundledProgram } from '../helpers/built.js'
import { FakeClock } from '../helpers/fake-clock.js'
import { namespaceProblem, NetworkNamespace } from '../helpers/netns.js'
import { shortFolder } from '../helpers/short-folder.js'
import { able, needs } from '../helpers/tools.js'

const subnets = [{ subnet: parseSubnet('10.0.0.0/24'), domainName: 'example.com', dnsServers: [parseIpv4('10.0.0.2')] }] as unknown as readonly DhcpSubnet[]
const entry = (hostName: string | undefined, ip: string): Reservation => ({ macs: [], ip: parseIpv4(ip)!, hostName, source: '' })
const failing = (code: string) => async (): Promise<never> => { throw Object.assign(new Error(code), { code }) }

t.test('both ways', async t => {
  const asked: string[] = []
  const ask = (servers: readonly string[]): NameQuestions => ({
    resolve4: async name => { asked.push(`${name}@${servers.join()}`); return name === 'a.example.com' ? ['10.0.0.3'] : await failing('ENOTFOUND')() },
    reverse: async address => address === '10.0.0.3' ? ['A.example.com.'] : await failing('ENODATA')()
  })
  const found = await diagnoseNames({ entries: [entry('a', '10.0.0.3'), entry('b.other', '10.0.0.4'), entry(undefined, '10.0.0.5'), entry('c', '10.9.0.1')], subnets, clock: new FakeClock(), ask })
  t.same(found.map(({ level, text }) => `${level} ${text}`), [
    'ok DNS agrees on 1 reserved machine',
    'warning b.other is not in DNS; its reservation says 10.0.0.4',
    'warning 10.0.0.4 has no name in DNS; its reservation says b.other'
  ])
  t.same(asked, ['a.example.com@10.0.0.2', 'b.other@10.0.0.2'], 'a name that says nothing of its domain is not asked for')
})

t.test('a server that does not answer is told of once; one that never ends holds nobody up', async t => {
  const dead = await diagnoseNames({ entries: [entry('a', '10.0.0.3'), entry('b', '10.0.0.4')], subnets, clock: new FakeClock(), ask: () => ({ resolve4: failing('ETIMEOUT'), reverse: failing('ETIMEOUT') }) })
  t.same(dead.map(({ text }) => text), ['the DNS server 10.0.0.2 does not answer: names of reservations were not compared with it'])
  const clock = new FakeClock()
  const never = new Promise<never>(() => {})
  const waiting = diagnoseNames({ entries: [entry('a', '10.0.0.3')], subnets, clock, ask: () => ({ resolve4: () => never, reverse: () => never }) })
  clock.advance(4000)
  t.match(await waiting, [{ level: 'note', text: /DNS took longer than 4 s/ }])
  t.equal(clock.pending, 0)
  const many = await diagnoseNames({ entries: Array.from({ length: 40 }, (_, n) => entry(`h${n}`, `10.0.0.${n + 10}`)), subnets, clock, ask: () => ({ resolve4: failing('ENOTFOUND'), reverse: failing('ENOTFOUND') }) })
  t.equal(many.length, 11)
  t.match(many[10], { text: 'and 70 more differences between reservations and DNS' })
})

t.test('the doctor asks the servers that machines are given', async t => {
  if (!able(t, namespaceProblem()) || !needs(t, 'dnsmasq')) return
  const folder = t.testdir({ data: {} })
  const config = join(folder, 'config.yaml')
  writeFileSync(config, `data_path: ${folder}/data
assets_path: ""
state_path: ${folder}/state
control_socket: ${shortFolder(t)}/c
rpc: { address: "" }
tftp: { address: "" }
dhcp:
  mode: server
  interface: br0
  subnets: [{ subnet: 172.30.0.0/24, dns_servers: [172.30.0.1], domain_name: lab.test }]
  reservations:
    - { mac: "52:54:00:00:00:01", ip: 172.30.0.11, hostname: one }
    - { mac: "52:54:00:00:00:02", ip: 172.30.0.12, hostname: two }
`)
  const space = new NetworkNamespace()
  t.teardown(async () => { await space.close() })
  space.bridge('br0', '172.30.0.1/24')
  const dns = space.spawn('dnsmasq', '--no-daemon', '--conf-file=/dev/null', '--no-resolv', '--no-hosts', '--listen-address=172.30.0.1', '--bind-interfaces', '--log-queries',
    '--user=root', '--local=/lab.test/', '--host-record=one.lab.test,172.30.0.11', '--host-record=two.lab.test,172.30.0.99', '--ptr-record=12.0.30.172.in-addr.arpa,second.lab.test')
  await dns.line(/started/)
  const doctor = space.spawn(process.execPath, bundledProgram(), 'doctor', '--config', config)
  await doctor.ended
  t.match(doctor.output(), /^ok {7}names: DNS agrees on 1 reserved machine$/m)
  t.match(doctor.output(), /^warning {2}names: two\.lab\.test is 172\.30\.0\.99 in DNS; its reservation says 172\.30\.0\.12$/m)
  t.match(doctor.output(), /^warning {2}names: 172\.30\.0\.12 is second\.lab\.test in DNS; its reservation says two\.lab\.test$/m)
})
