import t from 'tap'
import { joinLists } from '../../src/inventory/join.js'
import { type KnownHost, planImport, type HostPlanOptions } from '../../src/inventory/plan.js'
import { formatIpv4, parseIpv4, parseSubnet } from '../../src/net/ipv4.js'
import type { Mac } from '../../src/net/mac.js'
import { listOf } from '../helpers/lists.js'
import { growth, muchGrowth } from '../helpers/work.js'

const [m1, m2] = ['52:54:00:00:00:01', '52:54:00:00:00:02']
const subnets = [{ subnet: parseSubnet('10.0.0.0/24')!, routers: [parseIpv4('10.0.0.254')!], domain: 'lab.example' }]

const known = (text: string, own = true): KnownHost => {
  const [name = '-', mac = '', ip = '-', role = '-'] = text.split(' ')
  const value = (part: string): string | undefined => part === '-' ? undefined : part
  return { name: value(name), macs: mac.split('+') as Mac[], ip: ip === '-' ? undefined : parseIpv4(ip), role: value(role), source: own ? 'hosts.d/a.yaml:2' : 'group g', own }
}

const plan = (text: string, before: readonly KnownHost[] = [], options: Partial<HostPlanOptions> = {}): string[] =>
  planImport(joinLists([listOf(text)]), { known: before, subnets, as: 'reservations', ...options }).map(({ state, name, macs, ip, elsewhere, why }) =>
    `${state} ${name ?? '-'} ${macs.join('+')} ${ip === undefined ? '-' : formatIpv4(ip)}${elsewhere ? ' elsewhere' : ''}${why === '' ? '' : `: ${why}`}`)

const csv = (...rows: string[]): string => `MAC,IP,HOST,GROUP\n${rows.join('\n')}\n`

t.test('added, the same, changed, removed', t => {
  t.same(plan(csv(`${m1},10.0.0.1,w1.lab.example,workers`)), [`added w1 ${m1} 10.0.0.1`], 'a name in its own domain is short')
  t.same(plan(csv(`${m1},10.0.0.1,w1.other.example,`)), [`added w1.other.example ${m1} 10.0.0.1`])
  t.same(plan(csv(`${m1},10.0.0.1,w1,`), [known(`w1 ${m1} 10.0.0.1`)]), [`same w1 ${m1} 10.0.0.1`])
  t.same(plan(csv(`${m1},10.0.0.2,w1,`), [known(`w1 ${m1} 10.0.0.1`)]), [`changed w1 ${m1} 10.0.0.2: address 10.0.0.1 becomes 10.0.0.2`])
  t.same(plan(csv(`${m2},10.0.0.1,w1,`), [known(`w1 ${m1} 10.0.0.1`)]), [`changed w1 ${m2} 10.0.0.1: MAC ${m1} becomes ${m2}`], 'a virtual machine made anew')
  t.same(plan(csv(`${m1},10.0.0.1,w2,workers`), [known(`w1 ${m1} 10.0.0.1`)]), [`changed w2 ${m1} 10.0.0.1: name w1 becomes w2, role none becomes workers`])
  t.same(plan(csv(`${m1},10.0.0.1,w1,`), [known(`w1 ${m1} 10.0.0.1`), known(`w2 ${m2} 10.0.0.2`)]), [`same w1 ${m1} 10.0.0.1`, `removed w2 ${m2} 10.0.0.2: an earlier import had it`])
  t.same(plan(csv(`${m1},10.0.0.2,w1,`, `${m2},10.0.0.1,w2,`), [known(`w1 ${m1} 10.0.0.1`), known(`w2 ${m2} 10.0.0.2`)]).map(line => line.split(' ')[0]), ['changed', 'changed'], 'two that change places')
  t.end()
})

t.test('what a list does not say is taken from what is known', t => {
  const before = [known(`w1 ${m1} 10.0.0.1 workers`)]
  t.same(plan(`MAC,HOST\n${m1},w1.lab.example\n`, before), [`same w1 ${m1} 10.0.0.1`])
  t.same(plan('[x]\nw1 ansible_host=10.0.0.1\n[workers]\nw1\n', before).map(line => line.split(' ')[0]), ['changed'], 'another role')
  t.same(plan('[workers]\nw1.lab.example\n', before), [`same w1 ${m1} 10.0.0.1`])
  t.end()
})

t.test('what is not known well enough', t => {
  t.same(plan('[w]\nw1 ansible_host=10.0.0.1\n'), ['incomplete w1  10.0.0.1: no list says its MAC address'])
  t.same(plan(`MAC,HOST\n${m1},w1\n`), [`incomplete w1 ${m1} -: no list says its address`])
  t.same(plan(`MAC,HOST\n${m1},w1\n`, [], { as: 'groups' }), [`added w1 ${m1} -`])
  t.end()
})

t.test('other sources', t => {
  t.same(plan(csv(`${m1},10.0.0.1,w1,`), [known(`w1 ${m1} 10.0.0.1`, false)]), [`same w1 ${m1} 10.0.0.1 elsewhere: group g`])
  t.same(plan(csv(`${m1},10.0.0.1,w1,`), [known(`- ${m1}+${m2} 10.0.0.1`, false)]), [`same w1 ${m1} 10.0.0.1 elsewhere: group g, which counts: name none becomes w1`])
  t.same(plan(csv(`${m1},10.0.0.1,w1,`), [known(`- ${m2} 10.0.0.1`, false)]), [`conflict w1 ${m1} 10.0.0.1: group g has 10.0.0.1 already, for ${m2}`])
  t.same(plan(csv(`${m1},10.0.0.1,w1,`), [known(`- ${m1} 10.0.0.9`, false)]), [`conflict w1 ${m1} 10.0.0.1: group g gives ${m1} the address 10.0.0.9`])
  t.same(plan(csv(`${m1},10.0.0.1,w1,`), [known(`- ${m1} 10.0.9.9`, false)]), [`added w1 ${m1} 10.0.0.1`], 'a machine may have an address in each of its networks')
  t.end()
})

t.test('addresses that cannot be', t => {
  for (const [ip, why] of [['10.0.1.1', 'no subnet of dhcp.subnets holds'], ['10.0.0.0', 'the network or broadcast'], ['10.0.0.255', 'the network or broadcast'], ['10.0.0.254', 'the address of a router']] as const) {
    t.match(plan(csv(`${m1},${ip},w1,`)), [new RegExp(`^conflict .*${why}`)], ip)
  }
  t.match(plan(csv(`${m1},10.9.9.9,w1,`), [], { subnets: [] }), [/^added/], 'with DHCP off nothing is known of networks')
  t.end()
})

t.test('several network cards: a reservation takes the first, a group all', t => {
  const text = `MAC,IP,HOST\n${m2}\n${m1},10.0.0.1,w1\n`
  t.same(plan(text), [`added w1 ${m2} 10.0.0.1`])
  t.same(plan(text, [known(`w1 ${m2} 10.0.0.1`)]), [`same w1 ${m2} 10.0.0.1`])
  t.same(plan(text, [], { as: 'groups' }), [`added w1 ${m2}+${m1} 10.0.0.1`])
  t.end()
})

t.test('the work grows with the number of hosts', t => {
  const made = new Map([500, 4000].map(size => [size, {
    hosts: joinLists([listOf(`MAC,IP,HOST\n${Array.from({ length: size }, (_, i) => `0200${i.toString(16).padStart(8, '0')},10.0.${i >> 8 & 255}.${i & 255},w${i}\n`).join('')}`)]),
    known: Array.from({ length: size }, (_, i): KnownHost => ({ macs: [`02:00:00:00:${(i >> 8).toString(16).padStart(2, '0')}:${(i & 255).toString(16).padStart(2, '0')}` as Mac], ip: (10 << 24) + i, name: `w${i}`, role: undefined, source: 'a', own: true }))
  }]))
  const factor = growth(size => {
    const { hosts, known } = made.get(size)!
    planImport(hosts, { known, subnets: [], as: 'reservations' })
  }, 500)
  t.ok(factor < muchGrowth, factor.toFixed(1))
  t.end()
})
