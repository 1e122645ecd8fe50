// What the DHCP servers of all interfaces share: reservations read once, put in force in each, refused ones told once; who ends a lease.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { createLog } from '../../src/base/log.js'
import { loadConfig } from '../../src/config/load.js'
import type { DhcpServer } from '../../src/dhcp/dhcp-server.js'
import type { DhcpSettings } from '../../src/dhcp/server-settings.js'
import { formatIpv4, parseIpv4, parseSubnet } from '../../src/net/ipv4.js'
import { DhcpServers } from '../../src/wiring/dhcp-servers.js'
import { keepGroupMachines } from '../../src/wiring/group-machines.js'
import { homesOf } from '../../src/wiring/homes.js'
import { HttpNames } from '../../src/loaders/shim-image.js'
import { FakeClock } from '../helpers/fake-clock.js'
import { logLines } from '../helpers/log-lines.js'
import { makeGroup, MemoryStore } from '../helpers/memory-store.js'

const named = (n: number, ip: string) => makeGroup({ id: `g${n}`, selector: { mac: `52:54:00:00:00:${n.toString(16).padStart(2, '0')}` }, metadata: { ip } })

function site (t: Test, store: MemoryStore) {
  const folder = t.testdirName
  mkdirSync(join(folder, 'hosts.d'), { recursive: true })
  const set = [`state_path=${folder}`, 'dhcp.interfaces=[{ name: a, mode: server }, { name: b, mode: server }]', 'dhcp.subnets=[{ subnet: 10.0.0.0/24 }]', 'dhcp.unknown_clients=allow']
  const loaded = loadConfig({ file: undefined, defaultFile: '/nowhere', env: {}, set })
  const { config } = loaded
  const homes = homesOf(config)
  homes.on('a').settle([{ ip: parseIpv4('10.0.0.2')!, subnet: parseSubnet('10.0.0.0/24')! }])
  homes.on('b').settle([{ ip: parseIpv4('10.0.1.2')!, subnet: parseSubnet('10.0.1.0/24')! }])
  const lines = logLines()
  const reserved: number[] = []
  const closers: Array<() => Promise<void>> = []
  t.teardown(async () => { for (const close of closers) await close() })
  const parts = {
    loaded,
    config,
    store: store as never,
    clock: new FakeClock(),
    log: createLog({ level: 'debug', pretty: false, destination: lines.stream }),
    homes,
    groupMachines: keepGroupMachines(store),
    httpNames: new HttpNames({ open: async () => undefined }, true),
    addressClaims: { reserve: ({ byIp }: { readonly byIp: ReadonlyMap<number, unknown> }) => { reserved.push(byIp.size) } } as never,
    onClose: (close: () => Promise<void>) => { closers.push(close) }
  }
  const refused = (): readonly unknown[] => lines.entries().filter(({ msg }) => msg === 'reservation.refused').map(({ problem, more }) => problem ?? more)
  return { folder, homes, parts, reserved, refused }
}

/** A server that only remembers what it was told last, and wakes who waits for that. */
function server (released = false) {
  const told: DhcpSettings[] = []
  let heard = (): void => {}
  const running = {
    configure: (settings: DhcpSettings) => {
      told.push(settings)
      heard()
    },
    release: async () => released
  } as unknown as DhcpServer
  const addresses = (): readonly string[] => [...told.at(-1)?.reservations.byIp.keys() ?? []].map(ip => formatIpv4(ip)).sort()
  const when = async (...expected: readonly string[]): Promise<void> => {
    while (addresses().join() !== expected.join()) await new Promise<void>(resolve => { heard = resolve })
  }
  return { running, told, addresses, when }
}

t.test('what is reserved is read once for all, and each edit reaches every server that runs', async t => {
  const store = new MemoryStore({ groups: [named(1, '10.0.0.41')] })
  const { folder, homes, parts, reserved } = site(t, store)
  writeFileSync(join(folder, 'hosts.d/rack.yaml'), '- { mac: "02:00:00:00:00:01", ip: 10.0.0.51 }\n')
  const servers = new DhcpServers()
  await servers.configure()
  const [a, b] = await Promise.all([servers.settingsFor(parts, homes.on('a')), servers.settingsFor(parts, homes.on('b'))])
  t.match(a, { unknownClients: 'allow', subnets: { length: 1 }, reservations: { byIp: { size: 2 } } })
  t.equal(a.reservations, b.reservations)
  t.same([a.boot.scriptUrl, b.boot.scriptUrl].map(url => new URL(url).hostname), ['10.0.0.2', '10.0.1.2'], 'each is told as its own network has it')
  t.equal(reserved.at(-1), 2)

  const [one, two] = [server(), server()]
  servers.add(one.running, homes.on('a'))
  servers.add(two.running, homes.on('b'))
  await store.putGroup(named(2, '10.0.0.42'))
  const all = ['10.0.0.41', '10.0.0.42', '10.0.0.51']
  await Promise.all([one, two].map(one => one.when(...all)))
  servers.remove(two.running)
  await store.deleteGroup('g1')
  await one.when('10.0.0.42', '10.0.0.51')
  t.same(two.addresses(), all, 'what runs no more is told no more')
  t.equal(reserved.at(-1), 2)

  homes.on('a').settle([{ ip: parseIpv4('10.0.0.42')!, subnet: parseSubnet('10.0.0.0/24')! }])
  await servers.configure()
  t.same(one.addresses(), ['10.0.0.51'], 'an address that has become ours is no machine\'s')
  homes.on('a').settle([{ ip: parseIpv4('10.0.0.2')!, subnet: parseSubnet('10.0.0.0/24')! }])
  await servers.configure()
  t.same(one.addresses(), ['10.0.0.42', '10.0.0.51'])
})

t.test('of two that contradict each other the configuration\'s files win over groups, also after all is put in force anew', async t => {
  const store = new MemoryStore({ groups: [named(1, '10.0.0.41')] })
  const { folder, homes, parts, refused } = site(t, store)
  writeFileSync(join(folder, 'hosts.d/rack.yaml'), '- { mac: "02:00:00:00:00:01", ip: 10.0.0.41 }\n')
  const servers = new DhcpServers()
  const holder = (settings: DhcpSettings | undefined): readonly string[] | undefined => settings?.reservations.byIp.get(parseIpv4('10.0.0.41')!)?.macs
  t.same(holder(await servers.settingsFor(parts, homes.first)), ['02:00:00:00:00:01'])
  const one = server()
  servers.add(one.running, homes.first)
  await servers.configure()
  t.same(holder(one.told.at(-1)), ['02:00:00:00:00:01'])
  t.match(refused(), [/group g1.*10\.0\.0\.41.*has it already/])
})

t.test('each refused reservation is told once, and a hundred at a time', async t => {
  const store = new MemoryStore({ groups: Array.from({ length: 150 }, (_, n) => named(n, `10.9.0.${n}`)) })
  const { homes, parts, refused } = site(t, store)
  const servers = new DhcpServers()
  await servers.settingsFor(parts, homes.first)
  t.equal(refused().length, 101)
  t.equal(refused().at(-1), 50, 'how many more there are')
  t.equal(servers.refused.length, 101, 'for /readyz')
  t.match(servers.refused[0], /group g0: the reservation of 10\.9\.0\.0 .* is left out/)
  t.equal(servers.refused.at(-1), '50 more reservations left out')
  const one = server()
  servers.add(one.running, homes.first)
  await store.putGroup(named(200, '10.0.0.41'))
  await one.when('10.0.0.41')
  t.equal(refused().length, 101, 'nothing is told twice')
  await store.putGroup(named(200, '10.9.1.1'))
  await one.when()
  t.match(refused().slice(101), [/group g200/])
})

t.test('a lease is ended by one of them: they share a table', async t => {
  const servers = new DhcpServers()
  const { homes } = site(t, new MemoryStore())
  t.equal(await servers.release(parseIpv4('10.0.0.9')!), false, 'none runs')
  for (const has of [true, false]) {
    const one = server(has)
    servers.add(one.running, homes.first)
    t.equal(await servers.release(parseIpv4('10.0.0.9')!), has)
    servers.remove(one.running)
  }
})
