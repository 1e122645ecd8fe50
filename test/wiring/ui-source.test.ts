// What the page is told of one machine, of images and of who boots them: over a store in memory.
import t from 'tap'
import { Pace } from '../../src/base/pace.js'
import { loadConfig } from '../../src/config/load.js'
import { LeaseTable } from '../../src/dhcp/leases.js'
import { MachineRegistry } from '../../src/machines/registry.js'
import { createProvisioner } from '../../src/matchbox/provisioner.js'
import { Fleet } from '../../src/ui/fleet.js'
import type { RunningParts } from '../../src/wiring/running-parts.js'
import { uiSource } from '../../src/wiring/ui-source.js'
import { ip, mac, testMac } from '../helpers/dhcp.js'
import { FakeClock } from '../helpers/fake-clock.js'
import { makeGroup, makeProfile, MemoryStore } from '../helpers/memory-store.js'

const boot = (kernel: string, ...initrd: string[]) => ({ kernel, initrd, args: [] })

function site (store: MemoryStore, more: Partial<RunningParts> = {}) {
  const clock = new FakeClock()
  const registry = new MachineRegistry([], { note: () => {} })
  registry.record({ mac: testMac, stage: 'discover', at: clock.now(), name: 'node-1', serial: 'S1', uuid: 'U1' })
  const table = new LeaseTable()
  const { config } = loadConfig({ file: undefined, env: {}, set: [] })
  const source = uiSource({
    config,
    clock,
    registry,
    store: store as never,
    provisioner: createProvisioner({ store, assets: { pin: made => ({ ...made, kernel: made.kernel.replace('/stable/', '/4230.2.1/') }), version: () => store } }),
    pace: new Pace(),
    leases: { table, store: undefined as never },
    images: undefined,
    packets: undefined,
    readiness: { ready: () => ['it is deaf'], warnings: () => [] },
    doctor: [],
    env: {},
    onClose: () => {},
    observer: {},
    ...more
  } as unknown as RunningParts, new Fleet())
  return { clock, table, source }
}

t.test('why a machine is of its group: those that want what it says, the chosen one first, then those that fit best', async t => {
  const store = new MemoryStore({
    groups: [
      makeGroup({ id: 'all' }),
      makeGroup({ id: 'elsewhere', selector: { rack: 'r1' } }),
      makeGroup({ id: 'half', selector: { serial: 'S1', uuid: 'U2' } }),
      makeGroup({ id: 'nearly', selector: { serial: 'S1', hostname: 'node-1', uuid: 'U2' } }),
      makeGroup({ id: 'own', profile: 'q', selector: { mac: testMac } })
    ]
  })
  const { candidates } = await site(store).source.details(testMac)
  t.same(candidates.map(({ group, isChosen }) => `${group} ${isChosen}`), ['own true', 'nearly false', 'half false', 'all false'])
  t.match(candidates[0], { profile: 'q', wants: [{ key: 'mac', value: testMac, said: testMac, fits: true }] })
  t.same(candidates[2]!.wants, [{ key: 'serial', value: 'S1', said: 'S1', fits: true }, { key: 'uuid', value: 'U2', said: 'U1', fits: false }])

  const stranger = (await site(store).source.details(mac('52:54:00:00:00:77'))).candidates
  t.same(stranger.map(({ group, isChosen }) => `${group} ${isChosen}`), ['all true'], 'of one that was never seen only its hardware address is known')

  const many = new MemoryStore({ groups: Array.from({ length: 1201 }, (_, n) => makeGroup({ id: `g${String(n).padStart(4, '0')}`, selector: { serial: 'S1', uuid: `U${n === 1200 ? 1 : 9}` } })) })
  const shown = (await site(many).source.details(testMac)).candidates
  t.same([shown.length, shown[0]?.group, shown[1]?.group], [20, 'g1200', 'g0000'], 'of thousands those that fit best')
  t.equal(new Set(shown.map(({ group }) => group)).size, 20, 'each is looked at once')
})

t.test('its lease as it stands now', async t => {
  const { clock, table, source } = site(new MemoryStore())
  t.equal((await source.details(testMac)).lease, undefined)
  table.set({ ip: ip('10.0.0.8'), mac: mac('52:54:00:00:00:77'), state: 'bound', since: clock.now(), expires: clock.now() + 9000 })
  table.set({ ip: ip('10.0.0.9'), mac: testMac, state: 'bound', since: clock.now(), expires: clock.now() + 1000 })
  t.same((await source.details(testMac)).lease, { address: '10.0.0.9', until: '2023-11-14T22:13:21.000Z', state: 'bound' })
})

t.test('its documents: of kinds that its profile has, without secrets, and with why there is none', async t => {
  const documents = async (store: MemoryStore) => (await site(store).source.details(testMac)).documents
  const named = (more: Record<string, string> = {}, metadata: Record<string, string> = {}) => new MemoryStore({
    groups: [makeGroup({ id: 'g', selector: { mac: testMac }, metadata })],
    profiles: [makeProfile({ id: 'p', boot: boot('/assets/k', '/assets/i'), ...more })],
    configs: { ignition: { 'a.ign': '{"ignition":{"version":"3.4.0"},"passwd":{"users":[{"name":"core","passwordHash":"secret"}]}}' }, cloud: { c: '#cloud-config\n' }, generic: { x: 'hello: {{.request.query.serial}}\n' } }
  })
  t.match(await documents(new MemoryStore()), [{ name: 'ipxe', text: '', note: /./ }, { name: 'grub' }, { name: 'ignition', note: /./ }, { name: 'metadata' }])
  const plain = await documents(named())
  t.same(plain.map(({ name }) => name), ['ipxe', 'grub', 'ignition', 'metadata'])
  t.match(plain[0], { text: /kernel .*\/assets\/k/ })
  t.notOk('note' in plain[0]!)
  const all = await documents(named({ ignitionId: 'a.ign', cloudId: 'c', genericId: 'x' }))
  t.same(all.map(({ name }) => name), ['ipxe', 'grub', 'ignition', 'cloud', 'generic', 'metadata'])
  t.match(all.find(({ name }) => name === 'ignition'), { text: /masked/ })
  t.notMatch(all.find(({ name }) => name === 'ignition')?.text, /"secret"/)
  t.match(all.find(({ name }) => name === 'generic'), { text: /S1/ })
  const guarded = await documents(named({ ignitionId: 'a.ign', genericId: 'x' }, { ignition_guard: 'true' }))
  t.match(guarded.filter(({ name }) => name === 'ignition' || name === 'generic'), [{ text: '', note: /^guarded: / }, { text: '', note: /^guarded: / }])
  t.match(guarded.find(({ name }) => name === 'ipxe'), { text: /kernel/ })
  t.match((await documents(named({ genericId: 'none' }))).find(({ name }) => name === 'generic'), { text: '', note: /none/ })
})

t.test('images, where there are any, and what boots from them', async t => {
  t.same(await site(new MemoryStore()).source.images(), { sources: [], releases: [], underWay: [] })
  const underWay = [{ source: 's', version: '1', file: 'f', received: 1, total: 2 }]
  const images = { list: async () => new TextEncoder().encode('{"sources":[{"source":"s"}],"releases":[{"path":"/assets/a"}]}'), updates: async () => [], underWay: () => underWay, fetched: () => {} }
  t.same(await site(new MemoryStore(), { images }).source.images(), { sources: [{ source: 's' }], releases: [{ path: '/assets/a' }], underWay })
  const { source } = site(new MemoryStore({
    profiles: [makeProfile({ id: 'none' }), makeProfile({ id: 'k', boot: boot('/assets/flatcar/stable/vmlinuz') }), makeProfile({ id: 'i', boot: boot('/assets/other/vmlinuz', '/assets/flatcar/4230.2.1/initrd') })]
  }))
  const by = source.bootedBy()
  t.same(['/assets/flatcar/4230.2.1', '/assets/flatcar/4230.2', '/assets/other', '/assets/flatcar/stable'].map(path => [...by(path)].sort()), [['i', 'k'], [], ['i'], []])
})

t.test('packets, where they are recorded; what keeps it from being ready; the list of all', async t => {
  const none = site(new MemoryStore()).source
  t.same([(await none.details(testMac)).packets, none.pcap(testMac), none.problems(), none.updateOf], [[], undefined, ['it is deaf'], undefined])
  const packets = { of: (of: string) => [of], pcap: (of: string) => Buffer.from(of) } as never
  const dayTwo = { updates: { instanceOf: (of: string, address?: string) => `${of} ${address}` }, onNews: () => {} } as never
  const { source } = site(new MemoryStore({ groups: [makeGroup({ id: 'g', selector: { mac: testMac } })] }), { packets, dayTwo })
  t.same([(await source.details(testMac)).packets, source.pcap(testMac)?.toString(), source.updateOf?.(testMac, '10.0.0.9') as unknown], [[testMac], testMac, `${testMac} 10.0.0.9`])
  t.match(source.store({ groups: 0, profiles: 0 }), { groupCount: 1 })
  t.match((await source.health()).checks, [{ level: 'problem', text: 'it is deaf' }])
})
