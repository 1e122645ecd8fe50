// What other programs' files and the page are told of what stands here: loaders for exports, the store's lists, who names a machine.
import t from 'tap'
import { createLog } from '../../src/base/log.js'
import { loadConfig } from '../../src/config/load.js'
import { MachineRegistry } from '../../src/machines/registry.js'
import { ToldLater } from '../../src/machines/told-later.js'
import { parseIpv4, parseSubnet } from '../../src/net/ipv4.js'
import { exportContext, ownAddresses } from '../../src/wiring/export-context.js'
import { openRegistry } from '../../src/wiring/machines.js'
import { storeRows, storeShown } from '../../src/wiring/ui-store.js'
import { mac } from '../helpers/dhcp.js'
import { FakeClock } from '../helpers/fake-clock.js'
import { logLines } from '../helpers/log-lines.js'
import { makeGroup, makeProfile, MemoryStore } from '../helpers/memory-store.js'

const load = (...set: string[]) => loadConfig({ file: undefined, defaultFile: '/nowhere', env: {}, set })
const home = { host: '10.0.0.2', origin: 'http://10.0.0.2:8080' }

t.test('an export: networks, loaders by TFTP and HTTP, exceptions by their numbers', t => {
  const overrides = '[{ arch: 9, file: a.efi }, { arch: uefi_arm64, script_url: "http://x/y" }, { arch: 99, file: b.efi }, { mac: "52:54:00", vendor_class: PXE, file: "http://h/c.efi" }]'
  const loaded = load('dhcp.subnets=[{ subnet: 10.0.0.0/24, routers: [10.0.0.1], domain_name: lab.test }]', `boot.overrides=${overrides}`, 'rpc.address=0.0.0.0:9000')
  const groups = [makeGroup({ id: 'g', selector: { mac: '52:54:00:00:00:01' }, metadata: { boot_file: 'own.efi' } })]
  const made = exportContext(loaded, { cluster: 'c', groups, httpNames: new Map([['a.efi', 'a.img']]) }, home)
  t.match(made, {
    cluster: 'c',
    provisioner: '10.0.0.2',
    httpUrl: home.origin,
    scriptUrl: `${home.origin}/boot.ipxe`,
    rpcEndpoint: '10.0.0.2:9000',
    networks: [{ subnet: parseSubnet('10.0.0.0/24'), routers: [parseIpv4('10.0.0.1')], dnsServers: [], domain: 'lab.test' }],
    loaders: { bios: 'undionly.kpxe', uefiX64: 'snponly.efi', uefiArm64: 'snponly-arm64.efi' },
    httpLoaders: { uefiX64: `${home.origin}/boot/snponly.efi`, uefiArm64: `${home.origin}/boot/snponly-arm64.efi` }
  })
  const [own, nine, arm, odd, vendor] = made.overrides ?? []
  t.match(own, { mac: '52:54:00:00:00:01', loader: 'own.efi', httpLoader: `${home.origin}/boot/own.efi` })
  t.notOk('architectures' in own!)
  t.match(nine, { loader: 'a.efi', httpLoader: `${home.origin}/boot/a.img`, architectures: [9], httpArchitectures: [] })
  t.same([arm?.scriptUrl, arm?.loader, 'httpLoader' in arm!], ['http://x/y', undefined, false])
  t.ok(arm!.architectures!.includes(11) && arm!.httpArchitectures!.includes(19))
  t.same(arm!.architectures!.filter((number: number) => arm!.httpArchitectures!.includes(number)), [])
  t.same([odd?.architectures, odd?.httpArchitectures], [[99], []], 'one that has no name is told all the same')
  t.match(vendor, { mac: '52:54:00', vendorClass: 'PXE', loader: 'http://h/c.efi', httpLoader: 'http://h/c.efi' })
  t.notOk('architectures' in vendor!)
  const off = exportContext(load('boot.http_boot=false', 'rpc.address='), { cluster: '', groups: [] }, home)
  t.same([off.httpLoaders, off.rpcEndpoint, off.overrides], [{ uefiX64: '', uefiArm64: '' }, '', []])
  t.ok(ownAddresses(load('advertise=192.0.2.9')).has(parseIpv4('192.0.2.9')!))
  t.notOk(ownAddresses(load('advertise=boot.test')).has(parseIpv4('192.0.2.9')!))
  t.ok(ownAddresses(load()).has(parseIpv4('127.0.0.1')!))
  t.end()
})

t.test('the store as the page lists it: counts, and a part at a time', t => {
  const registry = new MachineRegistry([], { note: () => {} })
  for (const [n, group] of [[1, 'g1'], [2, 'g1'], [3, 'g2'], [4, undefined]] as const) {
    const machine = mac(`52:54:00:00:00:0${n}`)
    registry.record({ mac: machine, stage: 'discover', at: n })
    if (group !== undefined) registry.assign(machine, { group, profile: 'p', name: group })
  }
  const store = new MemoryStore({
    groups: [makeGroup({ id: 'g1', selector: { mac: '52:54:00:00:00:01' } }), makeGroup({ id: 'g2' }), makeGroup({ id: 'g3', profile: 'q' })],
    profiles: [makeProfile({ id: 'p', boot: { kernel: '/k', initrd: [], args: [] }, ignitionId: 'i', genericId: 'x' }), makeProfile({ id: 'unused' })]
  })
  const shown = storeShown({ store, registry }, { groups: 0, profiles: 0 })
  t.same(shown.groups.map(({ id, profile, machines }) => [id, profile, machines]), [['g1', 'p', 2], ['g2', 'p', 1], ['g3', 'q', 0]])
  t.same(shown.profiles.map(({ id, kernel, config, groups }) => [id, kernel, config, groups]), [['p', '/k', 'i x', 2], ['unused', '', '', 0]])
  t.same([shown.groupCount, shown.profileCount, shown.problems], [3, 2, []])
  const many = new MemoryStore({ groups: Array.from({ length: storeRows + 2 }, (_, n) => makeGroup({ id: `g${1000 + n}` })) })
  t.equal(storeShown({ store: many, registry }, { groups: 0, profiles: 0 }).groups.length, storeRows)
  t.same(storeShown({ store: many, registry }, { groups: storeRows, profiles: 0 }).groups.map(({ id }) => id), ['g1500', 'g1501'])
  t.end()
})

t.test('a machine is known that a group or a reservation names, one with a lease is not a stranger', async t => {
  const [named, reserved, leased, stranger] = [1, 2, 3, 4].map(n => mac(`52:54:00:00:00:0${n}`)) as [ReturnType<typeof mac>, ReturnType<typeof mac>, ReturnType<typeof mac>, ReturnType<typeof mac>]
  const { config } = load(`state_path=${t.testdir()}`)
  const store = new MemoryStore({ groups: [makeGroup({ id: 'g', selector: { mac: named } })] })
  const closers: Array<() => Promise<void>> = []
  const log = createLog({ level: 'error', pretty: false, destination: logLines().stream })
  const registry = await openRegistry(
    { config, log, clock: new FakeClock(), store, cluster: undefined } as never,
    { table: { ofMac: (of: string) => of === leased ? [{}] : [] } } as never,
    { isReserved: of => of === reserved },
    new ToldLater({ isBehind: () => false }),
    closer => { closers.push(closer) }
  )
  for (const machine of [named, reserved, leased, stranger]) registry.record({ mac: machine, stage: 'discover', at: 1 })
  registry.assign(named, { group: 'g', profile: 'p', name: 'g' })
  t.same([named, reserved, leased, stranger].map(of => registry.kindOf(of)), ['known', 'known', 'leased', 'stranger'])
  for (const closer of closers) await closer()
})
