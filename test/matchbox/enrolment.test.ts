import t from 'tap'
import { enrolmentAmiss, type EnrolmentRules, goodSerial, goodUuid, isNewcomer, mostEnrolled, planAdoption, planEnrolment, type Taken } from '../../src/matchbox/enrolment.js'
import type { Group } from '../../src/matchbox/group.js'
import { groupReservations } from '../../src/matchbox/group-machines.js'
import { formatIpv4, type Ipv4, parseIpv4 } from '../../src/net/ipv4.js'
import type { Mac } from '../../src/net/mac.js'
import { mac } from '../helpers/dhcp.js'

const ip = (text: string): Ipv4 => parseIpv4(text)!
const card = (n: number): Mac => mac(`52:54:00:00:00:${n.toString(16).padStart(2, '0')}`)
const uuid = (n: number): string => `4c4c4544-0000-0000-0000-${n.toString(16).padStart(12, '0')}`
const labels = (given: Record<string, string>): Map<string, string> => new Map(Object.entries(given))
const rules: EnrolmentRules = {
  profiles: [{ profile: 'core', quantity: 3 }, { profile: 'default' }],
  range: { first: ip('10.0.0.21'), last: ip('10.0.0.30') },
  hostname: 'core-{n}',
  identifyBy: 'serial'
}

/** A store in memory, and what stands beside it. */
function world (more: Partial<Taken> & { readonly addresses?: readonly string[] } = {}) {
  const groups: Group[] = []
  const taken = (): Taken => ({
    groups,
    hasProfile: () => true,
    reservedFor: () => undefined,
    names: [],
    addressProblem: (address, machine) => {
      if (more.addresses?.includes(formatIpv4(address)) === true) return 'taken'
      return groupReservations(groups).find(entry => entry.ip === address && !entry.macs.includes(machine))?.source
    },
    ...more
  })
  const enrol = (n: number, given: Record<string, string> = {}, matched?: Group, other: Partial<EnrolmentRules> = {}): Group | string => {
    const plan = planEnrolment({ mac: card(n), labels: labels(given), matched }, { ...rules, ...other }, taken(), Date.UTC(2026, 10, 28))
    if ('refusal' in plan) return plan.refusal
    groups.push(plan.group)
    return plan.group
  }
  return { groups, taken, enrol }
}

t.test('three are core and the fourth is default; each has a number, a name and an address of its own', t => {
  const { groups, enrol } = world({ addresses: ['10.0.0.22'], names: ['core-2'] })
  for (let n = 1; n <= 4; n++) enrol(n, { serial: `S${n}`, uuid: uuid(n) })
  t.same(groups.map(({ id, profile, metadata }) => [id, profile, metadata?.get('ip'), metadata?.get('hostname')]), [
    ['core-1', 'core', '10.0.0.21', 'core-1'], ['core-3', 'core', '10.0.0.23', 'core-3'],
    ['core-4', 'core', '10.0.0.24', 'core-4'], ['core-5', 'default', '10.0.0.25', 'core-5']
  ])
  t.same([...groups[0]!.selector], [['serial', 'S1']])
  t.match(Object.fromEntries(groups[0]!.metadata!), { enrolled: '2026-11-28T00:00:00.000Z', enrolled_mac: card(1), enrolled_uuid: uuid(1) })
  t.match(groupReservations(groups)[0], { macs: [card(1)], ip: ip('10.0.0.21'), hostName: 'core-1' })
  groups.splice(0, 1)
  t.match(enrol(9), { id: 'core-1', profile: 'core' }, 'a place that was given up is the next one\'s')
  groups[1] = { ...groups[1]!, profile: 'default' }
  t.match(enrol(10), { profile: 'core' }, 'and so is that of a machine whose group a person changed')
  t.end()
})

t.test('what a machine is known by', t => {
  const selectorOf = (given: Record<string, string>, identifyBy: 'serial' | 'mac' = 'serial'): unknown => {
    const { enrol } = world()
    return Object.fromEntries((enrol(7, given, undefined, { identifyBy }) as Group).selector)
  }
  t.same(selectorOf({ serial: 'CZ1234', uuid: uuid(1) }), { serial: 'CZ1234' })
  t.same(selectorOf({ serial: 'CZ1234', uuid: uuid(1) }, 'mac'), { mac: card(7) })
  for (const serial of ['', '0', '0123456789', 'VMware-56 4d aa', 'None', 'Not Specified', 'To Be Filled By O.E.M.', 'Default string', 'System Serial Number', 'a\u001b[2J', 'x'.repeat(65), ' lead', 'ü']) {
    t.same(selectorOf({ serial, uuid: uuid(1) }), { uuid: uuid(1) }, JSON.stringify(serial))
  }
  for (const bad of ['', '00000000-0000-0000-0000-000000000000', 'FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF', '03000200-0400-0500-0006-000700080009', 'uuid', `${uuid(1)}0`]) {
    t.same(selectorOf({ serial: '', uuid: bad }), { mac: card(7) }, JSON.stringify(bad))
  }
  t.equal(goodSerial('PF-2N 0042'), 'PF-2N 0042')
  t.equal(goodUuid(uuid(3).toUpperCase()), uuid(3).toUpperCase())
  t.end()
})

t.test('boards that all have one serial number are told apart by their UUIDs', t => {
  const { enrol } = world()
  const first = enrol(1, { serial: 'SAME', uuid: uuid(1) }) as Group
  t.equal(isNewcomer(card(1), labels({ serial: 'SAME', uuid: uuid(1) }), first), false)
  t.equal(isNewcomer(card(2), labels({ serial: 'SAME', uuid: uuid(1) }), first), false, 'another card of the same machine')
  t.equal(isNewcomer(card(2), labels({ serial: 'SAME' }), first), false, 'nothing says that it is another machine')
  const twin = labels({ serial: 'SAME', uuid: uuid(2) })
  t.equal(isNewcomer(card(2), twin, first), true)
  const second = enrol(2, Object.fromEntries(twin), first) as Group
  t.same(Object.fromEntries(second.selector), { mac: card(2), serial: 'SAME' }, 'the longer selector goes before')
  t.not(second.metadata?.get('ip'), first.metadata?.get('ip'))
  t.equal(isNewcomer(card(2), twin, second), false)
  t.equal(isNewcomer(card(3), labels({ uuid: uuid(9) }), { ...first, metadata: undefined }), false, 'a group that a person wrote')
  t.end()
})

t.test('nobody is enrolled beyond the quantities, the range, the profiles there are, or in spite of a group', t => {
  const full = world()
  const profiles = [{ profile: 'core', quantity: 2 }]
  for (let n = 1; n <= 2; n++) t.type(full.enrol(n, {}, undefined, { profiles }), 'object')
  t.match(full.enrol(3, {}, undefined, { profiles }), /every quantity/)
  const narrow = world({ addresses: ['10.0.0.21'] })
  const range = { first: ip('10.0.0.21'), last: ip('10.0.0.22') }
  t.match(narrow.enrol(1, {}, undefined, { range }), { metadata: new Map([['ip', '10.0.0.22']]) })
  t.match(narrow.enrol(2, {}, undefined, { range }), /no free address/)
  t.match(world({ hasProfile: () => false }).enrol(1), /"core", which is not in the store/)
  const named = world()
  named.groups.push({ id: 'stage-2', name: '', profile: 'p', selector: new Map([['mac', card(1)], ['os', 'installed']]), metadata: undefined })
  t.match(named.enrol(1), /group stage-2 names it/)
  const many = world()
  many.groups.push(...Array.from({ length: mostEnrolled }, (_, i): Group => ({ id: `n${i}`, name: '', profile: 'default', selector: new Map(), metadata: new Map([['enrolled', 'x']]) })))
  t.match(many.enrol(1), /which is all there can be/)
  t.match(world({ reservedFor: () => ({ ip: ip('10.0.0.99'), hostName: 'given' }) }).enrol(1), { metadata: new Map([['ip', '10.0.0.99'], ['hostname', 'given']]) }, 'its reservation stays')
  t.notOk((world().enrol(1, {}, undefined, { range: undefined }) as Group).metadata?.has('ip'))
  t.end()
})

t.test('adoption: a group as an administrator wants it, and what it can not be', t => {
  const { groups, taken } = world({ names: ['elsewhere'], addresses: ['10.0.0.5'], hasProfile: id => id === 'p' })
  groups.push({ id: 'g', name: '', profile: 'p', selector: new Map([['mac', `${card(8)},${card(9)}`]]), metadata: new Map([['hostname', 'other']]) })
  const adopt = (change: Record<string, unknown> = {}): unknown => planAdoption({ mac: card(1), name: 'node-1', ip: '10.0.0.4', profile: 'p', ...change }, taken())
  t.same(adopt(), { group: { id: 'node-1', name: 'node-1', profile: 'p', selector: new Map([['mac', card(1)]]), metadata: new Map([['hostname', 'node-1'], ['ip', '10.0.0.4']]) } })
  t.same((adopt({ ip: undefined }) as { group: Group }).group.metadata, new Map([['hostname', 'node-1']]))
  for (const name of ['', '.', '..', 'a/b', '../x', 'a b', '<b>', '\u001b[2J', 'x'.repeat(255), '-a', 'a\0']) t.match(adopt({ name }), { refusal: /is not a host name/ }, JSON.stringify(name))
  for (const name of ['g', 'OTHER', 'elsewhere']) t.match(adopt({ name }), { refusal: /is the name of another/ }, name)
  t.match(adopt({ profile: 'q' }), { refusal: /no profile "q"/ })
  t.match(adopt({ ip: '10.0.0' }), { refusal: /not an IPv4 address/ })
  t.match(adopt({ ip: '10.0.0.5' }), { refusal: /10\.0\.0\.5 can't be given to .*: taken/ })
  t.match(adopt({ mac: card(9) }), { refusal: /group g names 52:54:00:00:00:09 already/ })
  t.end()
})

t.test('what leads nowhere, and nothing of a store that was not read', t => {
  const { profiles } = rules
  const told = (...[options]: [Parameters<typeof enrolmentAmiss>[1]]): string[] => enrolmentAmiss(profiles, options).map(({ path, what }) => `${path.join('.')} ${what.split(/[:,]/)[0]}`)
  t.same(told({ isDenied: false, hasProfile: id => id === 'core' }), ['profiles.1.profile names "default"'])
  t.same(told({ isDenied: true, hasProfile: () => true }), ['profiles has no effect'])
  t.same(told({ isDenied: true, hasProfile: () => false }).length, 3)
  t.same(told({ isDenied: false }), [])
  t.same(enrolmentAmiss([], { isDenied: true }), [], 'nobody is to be enrolled')
  t.end()
})
