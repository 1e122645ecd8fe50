import t from 'tap'
import { planGroups } from '../../src/inventory/group-plan.js'
import { joinLists } from '../../src/inventory/join.js'
import type { Group } from '../../src/matchbox/group.js'
import { machinesOf } from '../../src/matchbox/group-machines.js'
import { parseIpv4, parseSubnet } from '../../src/net/ipv4.js'
import { listOf } from '../helpers/lists.js'
import { makeGroup } from '../helpers/memory-store.js'

const [m1, m2] = ['52:54:00:00:00:01', '52:54:00:00:00:02']
const subnets = [{ subnet: parseSubnet('10.0.0.0/24')!, routers: [], domain: '' }]
const csv = (...rows: string[]): string => `MAC,IP,HOST,GROUP\n${rows.join('\n')}\n`

/** `state why` of each host, and the groups that are put. */
function plan (text: string, before: readonly Group[] = [], more: Readonly<Record<string, string>> = {}) {
  const { rows, changes } = planGroups(joinLists([listOf(text)]), {
    groups: new Map(before.map(group => [group.id, group])),
    ofGroups: before.map(({ id, selector, metadata }) => {
      const [ip, name, role] = ['ip', 'hostname', 'role'].map(key => metadata?.get(key) as string | undefined)
      return { macs: machinesOf(selector), ip: ip === undefined ? undefined : parseIpv4(ip), name, role, source: `group ${id}`, group: id, own: false }
    }),
    known: [],
    subnets,
    ours: new Set([parseIpv4('10.0.0.254')!]),
    machineOf: (_, role) => ({ profile: role ?? 'plain', metadata: new Map(Object.entries(more)) })
  })
  return {
    rows: rows.map(({ state, why }) => `${state}${why === '' ? '' : ` ${why}`}`),
    put: changes.map(({ group: { id, profile, metadata }, before }) => `${before === undefined ? 'new' : 'instead'} ${id} ${profile} ${[...metadata ?? []].map(pair => pair.join('=')).join(' ')}`)
  }
}

const w1 = makeGroup({ id: 'w1', profile: 'workers', selector: { mac: m1 }, metadata: { ip: '10.0.0.1', hostname: 'w1', role: 'workers' } })

t.test('a host is a group of its own; the same is not put, and what else a group says stays', t => {
  t.same(plan(csv(`${m1},10.0.0.1,w1,workers`)), { rows: ['added group w1 with profile workers'], put: ['new w1 workers ip=10.0.0.1 hostname=w1 role=workers'] })
  t.same(plan(csv(`${m1},10.0.0.1,w1,workers`), [w1]), { rows: ['same group w1'], put: [] })
  const annotated = { ...w1, metadata: new Map([...w1.metadata!, ['rack', 'b3']]) }
  t.same(plan(csv(`${m1},10.0.0.2,w1,workers`), [annotated]).put, ['instead w1 workers ip=10.0.0.2 hostname=w1 role=workers rack=b3'])
  t.same(plan(csv(`${m1},10.0.0.1,,`)).put, ['new 52-54-00-00-00-01 plain ip=10.0.0.1'], 'one without a name is called by its card')
  t.same(plan(csv(`${m1},10.0.0.1,w1,workers`), [w1], { channel: 'stable' }).put, ['instead w1 workers ip=10.0.0.1 hostname=w1 role=workers channel=stable'])
  t.end()
})

t.test('a group is not taken from others, nor twice, and a machine\'s group is found by its card whatever it is called', t => {
  const many = makeGroup({ id: 'w1', selector: { os: 'installed' } })
  t.same(plan(csv(`${m1},10.0.0.1,w1,`), [many]), { rows: ['conflict group w1 is there, and selects by more than a MAC address'], put: [] })
  t.match(plan(csv(`${m1},10.0.0.1,w1.a.example,`, `${m2},10.0.0.2,w1.b.example,`)).rows, [/^added/, 'conflict another host of the list becomes the group w1 too'])
  t.match(plan(csv(`${m1},10.0.0.1,w1,workers`), [{ ...w1, id: 'rack-b3' }]), { rows: ['same group rack-b3'], put: [] })
  t.same(plan(csv(`${m1},10.0.0.254,w1,`)), { rows: ['incomplete 10.0.0.254 is an address of this machine itself'], put: [] })
  t.same(plan(csv(`${m2},10.0.0.2,w2,`), [w1]).rows, ['added group w2 with profile plain'], 'what the list does not name stays, and is not told')
  t.end()
})
