// The server's transport on a made-up network: what is sent when, what is kept, what it tells of.
import t, { type Test } from 'tap'
import type { DhcpEvent } from '../../src/dhcp/dhcp-event.js'
import { type DhcpServer, type DhcpServerOptions, startDhcpServer } from '../../src/dhcp/dhcp-server.js'
import type { DhcpSettings } from '../../src/dhcp/server-settings.js'
import { type Lease, LeaseTable } from '../../src/dhcp/leases.js'
import { type Disposal, isHeldBy, type LeaseStore, type Proposal } from '../../src/dhcp/lease-store.js'
import { buildReservations } from '../../src/dhcp/reservation-table.js'
import type { ConflictAnswer, ConflictProbe } from '../../src/net/conflict-probe.js'
import { createLog } from '../../src/base/log.js'
import { macFromBytes, type Mac } from '../../src/net/mac.js'
import { DhcpWire } from '../helpers/dhcp-wire.js'
import { hex, ip, mac, request, subnet, testMac } from '../helpers/dhcp.js'
import { FakeClock } from '../helpers/fake-clock.js'
import { packetFixture } from '../helpers/fixtures.js'
import { logLines } from '../helpers/log-lines.js'

const server = ip('192.168.100.2')
const first = ip('192.168.100.100')
const subnets = [subnet('192.168.100.0/24', '192.168.100.100-192.168.100.109')]
const settings: DhcpSettings = {
  subnets,
  reservations: buildReservations([], subnets, server),
  unknownClients: 'allow',
  boot: { loaders: { bios: 'undionly.kpxe', 'efi-x64': 'snponly.efi' }, scriptUrl: 'http://192.168.100.2:8080/boot.ipxe' }
}

/** A lease store in memory whose writes end when the test says so. */
class HeldStore implements LeaseStore {
  readonly kept: Lease[] = []
  readonly held: Array<{ readonly lease: Lease, readonly end: (error?: Error) => void }> = []
  hold = false
  load = async (): Promise<readonly Lease[]> => this.kept
  close = async (): Promise<void> => {}
  /** What other processes hold. */
  readonly elsewhere = new Map<number, Lease>()
  propose = async (proposal: Proposal): Promise<Disposal> => {
    const { lease } = proposal
    const holder = this.elsewhere.get(lease.ip)
    if (isHeldBy(holder, proposal)) return { kind: 'refused', holder }
    if (this.hold) await new Promise<void>((resolve, reject) => { this.held.push({ lease, end: error => { if (error === undefined) resolve(); else reject(error) } }) })
    this.kept.push(lease)
    return { kind: 'kept' }
  }
}

interface Stage {
  readonly wire: DhcpWire
  readonly table: LeaseTable
  readonly store: HeldStore
  readonly clock: FakeClock
  readonly events: DhcpEvent[]
  readonly dhcp: DhcpServer
  readonly log: () => ReadonlyArray<Readonly<Record<string, unknown>>>
}

async function stage (t: Test, more: Partial<DhcpSettings> = {}, probe?: ConflictProbe, options: Partial<DhcpServerOptions> = {}): Promise<Stage> {
  const { stream, entries } = logLines()
  const [wire, table, store, clock, events] = [new DhcpWire(), new LeaseTable(), new HeldStore(), new FakeClock(), [] as DhcpEvent[]]
  const dhcp = await startDhcpServer({
    network: wire,
    bind: { address: '0.0.0.0', port: 67 },
    server,
    settings: { ...settings, ...more },
    table,
    store,
    ...probe !== undefined && { probe },
    clock,
    log: createLog({ level: 'debug', pretty: false, destination: stream }),
    onEvent: event => { events.push(event) },
    ...options
  })
  t.teardown(async () => { await dhcp.close() })
  return { wire, table, store, clock, events, dhcp, log: entries }
}

const discover = (client = testMac): ReturnType<typeof request> => request({ dhcpMessageType: 'DISCOVER' }, { mac: client })
const select = (address: number, client = testMac): ReturnType<typeof request> =>
  request({ dhcpMessageType: 'REQUEST', requestedIpAddress: address, serverIdentifier: server }, { mac: client })
const turn = async (): Promise<void> => { await new Promise(resolve => { setImmediate(resolve) }) }

t.test('a lease from DISCOVER to ACK', async t => {
  const { wire, store, events, log } = await stage(t)
  const offer = await wire.ask(discover())
  t.match(offer, { yiaddr: first, siaddr: server, options: { dhcpMessageType: 'OFFER', serverIdentifier: server, ipAddressLeaseTime: 3600 } })
  t.same(store.kept, [], 'an offer is not worth a sync')
  const ack = await wire.ask(select(first))
  t.match(ack, { yiaddr: first, options: { dhcpMessageType: 'ACK', renewalTime: 1800, rebindingTime: 3150 } })
  t.match(store.kept, [{ ip: first, mac: testMac, state: 'bound' }])
  t.same(events.map(event => 'type' in event ? `${event.kind} ${event.type}` : event.kind), ['received DISCOVER', 'sent OFFER', 'received REQUEST', 'sent ACK'])
  t.match(log().map(entry => entry['msg']).filter(msg => msg !== 'dhcp.received' && msg !== 'dhcp.sent'), ['dhcp.offer', 'dhcp.ack'])
  t.same(wire.sent[0]?.to, { address: '255.255.255.255', port: 68 })
})

t.test('another place: the one before is free when it is bound', async t => {
  const { wire, dhcp } = await stage(t)
  await dhcp.rebind({ address: '192.168.100.2', port: 67 })
  t.equal(wire.listening, 1)
  t.match(await wire.ask(discover()), { options: { dhcpMessageType: 'OFFER' } })
  await dhcp.close()
  t.equal(wire.listening, 0)
})

t.test('no ACK before its lease is on disk', async t => {
  const { wire, store } = await stage(t)
  await wire.ask(discover())
  store.hold = true
  wire.receive(select(first))
  await turn()
  t.equal(wire.sent.length, 1, 'only the offer')
  store.held[0]?.end()
  t.equal((await wire.next()).packet.options.dhcpMessageType, 'ACK')
})

t.test('no ACK at all when the lease can not be saved, and what was before stands', async t => {
  const { wire, store, table, events } = await stage(t)
  await wire.ask(discover())
  store.hold = true
  wire.receive(select(first))
  await turn()
  t.equal(table.get(first)?.state, 'bound', 'in force for the next packet')
  store.held[0]?.end(new Error('disk full'))
  await turn()
  t.equal(wire.sent.length, 1)
  t.equal(table.get(first)?.state, 'offered')
  t.match(events.at(-1), { kind: 'dropped', reason: 'unsaved', mac: testMac, detail: 'disk full' })
})

t.test('two machines at once get two addresses, before any lease is saved', async t => {
  const { wire, store } = await stage(t)
  store.hold = true
  const clients = Array.from({ length: 10 }, (_, n) => mac(`52:54:00:00:01:${n.toString(16).padStart(2, '0')}`))
  for (const client of clients) wire.receive(discover(client))
  const offered = wire.sent.map(({ packet }) => packet.yiaddr)
  t.equal(new Set(offered).size, 10)
  wire.receive(discover())
  t.equal(wire.sent.length, 10, 'the eleventh finds the range full')
  for (const [n, client] of clients.entries()) wire.receive(select(offered[n]!, client))
  store.held.forEach(({ end }) => { end() })
  await turn()
  t.same(wire.sent.slice(10).map(({ packet }) => [packet.options.dhcpMessageType, packet.yiaddr]), offered.map(address => ['ACK', address]))
})

t.test('closing waits for the answers under way, and hears nothing more', async t => {
  const { wire, store, dhcp } = await stage(t)
  await wire.ask(discover())
  store.hold = true
  wire.receive(select(first))
  const closed = dhcp.close()
  wire.receive(discover(mac('52:54:00:00:00:09')))
  store.held[0]?.end()
  await closed
  t.same(wire.sent.map(({ packet }) => packet.options.dhcpMessageType), ['OFFER', 'ACK'])
  t.equal(wire.listening, 0)
})

t.test('new settings hold from the next packet on; a lease ends with the reservation it was had by, others stay', async t => {
  const { wire, table, dhcp, log } = await stage(t, { unknownClients: 'deny' })
  wire.receive(discover())
  t.equal(wire.sent.length, 0)
  const reservations = buildReservations([{ macs: [testMac], ip: ip('192.168.100.41'), hostName: 'core-1', source: 'group core-1' }], subnets, server)
  dhcp.configure({ ...settings, unknownClients: 'deny', reservations })
  const offer = await wire.ask(request({ dhcpMessageType: 'DISCOVER', parameterRequestList: [1, 12] }))
  t.match(offer, { yiaddr: ip('192.168.100.41'), options: { hostName: 'core-1', subnetMask: ip('255.255.255.0') } })
  await wire.ask(select(ip('192.168.100.41')))
  table.set({ ip: first, mac: mac('52:54:00:00:00:07'), state: 'bound', since: 0, expires: Number.MAX_SAFE_INTEGER })
  dhcp.configure(settings)
  t.equal(table.get(ip('192.168.100.41'))?.state, 'released')
  t.equal(table.get(first)?.state, 'bound')
  t.match(log().filter(({ msg }) => msg === 'dhcp.lease_ended'), [{ level: 'warn', ip: '192.168.100.41', mac: testMac }])
})

t.test('an address that another process gave meanwhile is told to nobody, and the machine gets another one', async t => {
  const { wire, store, table, events, clock } = await stage(t)
  const theirs: Lease = { ip: first, mac: mac('52:54:00:00:00:99'), state: 'bound', since: clock.now(), expires: clock.now() + 60_000 }
  t.equal((await wire.ask(discover())).yiaddr, first)
  store.elsewhere.set(first, theirs)
  t.match(await wire.ask(select(first)), { options: { dhcpMessageType: 'NAK' } })
  t.equal(table.get(first), theirs, 'from now on it is known here too')
  t.match(events.filter(({ kind }) => kind === 'lease'), [{ change: 'refused', mac: testMac, ip: first }])
  const next = (await wire.ask(discover())).yiaddr
  t.equal(next, first + 1)
  t.match(await wire.ask(select(next)), { yiaddr: next, options: { dhcpMessageType: 'ACK' } })
  t.match(store.kept, [{ ip: next, mac: testMac, state: 'bound' }])
})

t.test('a reservation goes before whatever another process gave', async t => {
  const { wire, store, table, clock } = await stage(t, { reservations: buildReservations([{ macs: [testMac], ip: first, hostName: undefined, source: 'here' }], subnets, server) })
  store.elsewhere.set(first, { ip: first, mac: mac('52:54:00:00:00:99'), state: 'bound', since: clock.now(), expires: clock.now() + 60_000 })
  await wire.ask(discover())
  t.match(await wire.ask(select(first)), { yiaddr: first, options: { dhcpMessageType: 'ACK' } })
  await turn()
  t.match(store.kept, [{ ip: first, mac: testMac }])
  t.equal(table.get(first)?.mac, testMac)
})

t.test('release by hand ends a lease and a quarantine', async t => {
  const { table, dhcp, store } = await stage(t)
  table.set({ ip: first, mac: testMac, state: 'declined', since: 0, expires: Number.MAX_SAFE_INTEGER, declines: 4 })
  t.equal(await dhcp.release(first), true)
  t.equal(table.get(first)?.state, 'released')
  t.equal(table.get(first)?.declines, undefined)
  t.equal(store.kept.length, 1)
  t.equal(await dhcp.release(ip('192.168.100.150')), false)
})

t.test('what is malformed is counted with its reason, and a machine that is refused is told of once in a while', async t => {
  const { wire, events, log, clock } = await stage(t, { unknownClients: 'deny' })
  wire.receive(Buffer.alloc(10))
  wire.receive(hex('01'.repeat(300)))
  t.same(events, [{ kind: 'dropped', reason: 'malformed', detail: 'op' }, { kind: 'dropped', reason: 'malformed', detail: 'cookie' }])
  const told = (): number => log().filter(entry => entry['msg'] === 'dhcp.drop' && entry['level'] === 'info').length
  for (let n = 0; n < 5; n++) wire.receive(discover())
  t.equal(told(), 1)
  clock.advance(11 * 60_000)
  wire.receive(discover())
  t.equal(told(), 2)
  t.match(log().find(entry => entry['msg'] === 'dhcp.drop'), { mac: testMac, reason: 'unknown_client' })
})

t.test('a real PXE client: the loader by name in file and option 67, its machine identifier to the octet', async t => {
  const { wire } = await stage(t)
  const { bytes } = packetFixture('ovmf-x64-pxe-discover')
  const offer = await wire.ask(bytes)
  t.match(offer, { file: 'snponly.efi', siaddr: server, sname: '192.168.100.2', flags: 0x8000 })
  t.match(offer.options, { bootfileName: 'snponly.efi', tftpServerName: '192.168.100.2', vendorClassIdentifier: 'PXEClient' })
  t.same(offer.options.clientMachineIdentifier, hex('0000005452020000408000525400000002'))
})

/** A probe whose answers the test gives. */
class HeldProbe implements ConflictProbe {
  readonly asked: Array<{ readonly ip: number, readonly end: (answer: ConflictAnswer) => void }> = []
  ask = async (address: number): Promise<ConflictAnswer> => await new Promise(resolve => { this.asked.push({ ip: address, end: resolve }) })
}

const range = Array.from({ length: 10 }, (_, n) => first + n)

t.test('an address of the range is asked for before it is offered; what is known is not', async t => {
  const probe = new HeldProbe()
  const { wire, table } = await stage(t, {}, probe)
  wire.receive(discover())
  await turn()
  t.equal(wire.sent.length, 0)
  t.equal(table.get(first)?.state, 'offered', 'held meanwhile')
  t.same(probe.asked.map(asked => asked.ip), range, 'and what the next machines get is asked for as well')
  wire.receive(discover(mac('52:54:00:00:00:02')))
  await turn()
  t.equal(wire.sent.length, 0, 'the next machine waits for its own answer only')
  probe.asked[1]?.end({ inUse: false })
  t.equal((await wire.next()).packet.yiaddr, first + 1)
  wire.receive({ ...discover(), xid: 77 })
  await turn()
  t.equal(wire.sent.length, 1, 'asked again meanwhile: still not sent')
  probe.asked[0]?.end({ inUse: false })
  const { packet } = await wire.next()
  t.equal(packet.yiaddr, first)
  t.equal(packet.xid, 77, 'the answer is to what it sent last')
  wire.receive(discover())
  t.equal(wire.sent.length, 3, 'known by now: at once')
  t.equal(probe.asked.length, 10)
})

const newcomer = (n: number): ReturnType<typeof discover> => discover(mac(`52:54:00:00:01:${n.toString(16).padStart(2, '0')}`))

t.test('of newcomers in a row only those wait who come while the first look lasts', async t => {
  const probe = new HeldProbe()
  const { wire, table, clock, dhcp } = await stage(t, { subnets: [subnet('192.168.100.0/24', '192.168.100.100-192.168.100.250')] }, probe)
  for (let n = 0; n < 3; n++) wire.receive(newcomer(n))
  t.equal(probe.asked.length, 67, 'each, and 64 ahead of the last')
  t.equal(wire.sent.length, 0)
  probe.asked.forEach(({ end }) => { end({ inUse: false }) })
  await turn()
  t.equal(wire.sent.length, 3)
  for (let n = 3; n < 100; n++) {
    wire.receive(newcomer(n))
    t.equal(wire.sent.length, n + 1, 'at once')
    clock.advance(20)
    probe.asked.at(-1)?.end({ inUse: false })
    await turn()
  }
  t.same(wire.sent.map(({ packet }) => packet.yiaddr), Array.from({ length: 100 }, (_, n) => first + n))
  t.equal(new Set(probe.asked.map(asked => asked.ip)).size, probe.asked.length, 'and none is asked for twice')
  t.equal(table.size, 100)
  const before = probe.asked.length
  dhcp.linkIs(false)
  clock.advance(600_000)
  t.equal(probe.asked.length, before, 'nothing while nobody can be heard')
  dhcp.linkIs(true)
  wire.receive(newcomer(100))
  await turn()
  t.equal(wire.sent.length, 100, 'what was heard ten minutes ago is not believed')
  t.equal(probe.asked.at(before)?.ip, first + 100)
  probe.asked.forEach(({ end }) => { end({ inUse: false }) })
})

t.test('an address that is in use is not offered either when that was heard ahead: the next one is, at once', async t => {
  const probe = new HeldProbe()
  const { wire, table, events } = await stage(t, {}, probe)
  wire.receive(newcomer(0))
  probe.asked.forEach(({ ip, end }) => { end(ip === first + 1 ? { inUse: true, by: mac('02:00:00:00:00:99') } : { inUse: false }) })
  await turn()
  t.equal(table.get(first + 1), undefined, 'nobody was to have it yet')
  wire.receive(newcomer(1))
  t.same(wire.sent.map(({ packet }) => packet.yiaddr), [first, first + 2])
  t.match(table.get(first + 1), { state: 'declined', mac: '00:00:00:00:00:00' })
  t.match(events.filter(event => event.kind === 'lease'), [{ change: 'conflict', ip: first + 1 }])
})

t.test('a machine that has the address already is nobody else there', async t => {
  const probe = new HeldProbe()
  const { wire } = await stage(t, {}, probe)
  wire.receive(newcomer(0))
  probe.asked.forEach(({ ip, end }) => { end(ip === first ? { inUse: false } : { inUse: true, by: mac('52:54:00:00:01:01') }) })
  await turn()
  wire.receive(newcomer(1))
  t.same(wire.sent.map(({ packet }) => packet.yiaddr), [first, first + 1])
})

t.test('nothing is looked at ahead while messages wait', async t => {
  let spent = 0
  const probe = new HeldProbe()
  const wide = [subnet('192.168.100.0/24', '192.168.100.100-192.168.100.250')]
  const { wire, table } = await stage(t, { subnets: wide }, probe, { steady: () => spent })
  table.set({ ip: first, mac: testMac, state: 'bound', since: 0, expires: Number.MAX_SAFE_INTEGER })
  wire.receive(discover())
  spent = 1
  for (let n = 0; n < 10; n++) wire.receive(newcomer(n))
  await turn()
  t.equal(wire.sent.length, 1 + 9, 'offers go out unasked')
  const [last] = probe.asked
  t.equal(probe.asked.length, 1 + 64, 'but the last, behind which nobody waits')
  t.equal(last?.ip, first + 10)
  probe.asked.forEach(({ end }) => { end({ inUse: false }) })
})

t.test('each link has its 64, and all together no more than are remembered', async t => {
  const probe = new HeldProbe()
  const relayed = Array.from({ length: 6 }, (_, n) => subnet(`10.0.${n}.0/24`, `10.0.${n}.10-10.0.${n}.250`))
  const { wire, clock } = await stage(t, { subnets: relayed }, probe)
  const asked: number[] = []
  for (let n = 0; n < relayed.length; n++) {
    wire.receive(request({ dhcpMessageType: 'DISCOVER' }, { giaddr: ip(`10.0.${n}.1`), mac: mac(`52:54:00:00:01:0${n}`) }))
    asked.push(probe.asked.length)
    t.ok(probe.asked.slice(asked.at(-2) ?? 0).every(look => look.ip >> 8 === ip(`10.0.${n}.0`) >> 8), 'of its own link')
    clock.advance(2000)
  }
  t.same(asked, [65, 130, 195, 260, 261, 262])
  probe.asked.forEach(({ end }) => { end({ inUse: false }) })
})

t.test('what was heard on another network does not count', async t => {
  for (const move of [
    async (dhcp: DhcpServer) => { await dhcp.rebind({ address: '192.168.100.2', port: 67 }) },
    async (dhcp: DhcpServer) => { dhcp.moveTo(server, [server]) }
  ]) {
    const probe = new HeldProbe()
    const { wire, dhcp } = await stage(t, {}, probe)
    wire.receive(newcomer(0))
    probe.asked.forEach(({ end }) => { end({ inUse: false }) })
    await turn()
    await move(dhcp)
    wire.receive(newcomer(1))
    await turn()
    t.equal(wire.sent.length, 1)
    t.equal(probe.asked[10]?.ip, first + 1)
    probe.asked[10]?.end({ inUse: false })
    await turn()
    t.equal(wire.sent.length, 2)
    await dhcp.close()
  }
})

t.test('an address in use is set aside, and the next one offered', async t => {
  const probe = new HeldProbe()
  const { wire, table, store, events, clock } = await stage(t, {}, probe)
  wire.receive(discover())
  probe.asked[0]?.end({ inUse: true, by: mac('02:00:00:00:00:99') })
  await turn()
  t.match(table.get(first), { state: 'declined', declines: 1, mac: '00:00:00:00:00:00', expires: clock.now() + 600_000 })
  t.match(store.kept, [{ ip: first, state: 'declined' }])
  t.match(events.filter(event => event.kind === 'lease'), [{ change: 'conflict', ip: first, mac: testMac }])
  t.equal(wire.sent.length, 0)
  t.same(probe.asked.map(asked => asked.ip), range, 'none is asked for twice')
  probe.asked[1]?.end({ inUse: false })
  t.equal((await wire.next()).packet.yiaddr, first + 1)
})

t.test('hosts with addresses of their own at the beginning of a range: none of those is offered, however many they are', async t => {
  for (const hosts of [3, 4, 16]) {
    const relayed = [subnet('10.0.0.0/24', '10.0.0.100-10.0.0.199')]
    const probe: ConflictProbe = { ask: async address => address < ip('10.0.0.100') + hosts ? { inUse: true, by: macFromBytes(Buffer.from([2, 0, 0, 0, 0, address & 255])) } : { inUse: false } }
    const { wire, table, log } = await stage(t, { subnets: relayed }, probe)
    const offer = await wire.ask(request({ dhcpMessageType: 'DISCOVER' }, { giaddr: ip('10.0.0.1'), mac: testMac }))
    t.equal(offer.yiaddr, ip('10.0.0.100') + hosts, `${hosts} of them`)
    t.equal([...table.values()].filter(lease => lease.state === 'declined').length, hosts)
    t.same(log().filter(({ msg }) => msg === 'dhcp.probe_distrusted'), [])
  }
})

t.test('one of them is a machine that another process gave the address meanwhile: it keeps it, and no conflict is told of it', async t => {
  const usedBy = (address: number): Mac => macFromBytes(Buffer.from([2, 0, 0, 0, 0, address & 255]))
  const last = ip('10.0.0.105')
  const probe: ConflictProbe = { ask: async address => address <= last ? { inUse: true, by: usedBy(address) } : { inUse: false } }
  const { wire, table, store, clock, log } = await stage(t, { subnets: [subnet('10.0.0.0/24', '10.0.0.100-10.0.0.199')] }, probe)
  const theirs: Lease = { ip: last, mac: usedBy(last), state: 'bound', since: clock.now(), expires: clock.now() + 60_000 }
  store.elsewhere.set(last, theirs)
  const offer = await wire.ask(request({ dhcpMessageType: 'DISCOVER' }, { giaddr: ip('10.0.0.1'), mac: testMac }))
  t.equal(offer.yiaddr, last + 1)
  t.equal(table.get(last), theirs)
  const conflicts = log().filter(({ msg }) => msg === 'dhcp.conflict').map(told => told['ip'])
  t.same(conflicts, ['10.0.0.100', '10.0.0.101', '10.0.0.102', '10.0.0.103', '10.0.0.104'])
})

t.test('whether the fourth in a row is believed is told by the others, which are waited for', async t => {
  for (const [others, given] of [[false, '10.0.0.104'], [true, '10.0.0.103']] as const) {
    const probe = new HeldProbe()
    const { wire, log } = await stage(t, { subnets: [subnet('10.0.0.0/24', '10.0.0.100-10.0.0.109')] }, probe)
    const discover = (xid: number): ReturnType<typeof request> => ({ ...request({ dhcpMessageType: 'DISCOVER' }, { giaddr: ip('10.0.0.1'), mac: testMac }), xid })
    wire.receive(discover(1))
    const end = async (last: number, inUse: boolean): Promise<void> => {
      for (const asked of probe.asked.filter(asked => asked.ip === ip(`10.0.0.${last}`))) asked.end(inUse ? { inUse, by: mac(`02:00:00:00:01:${last - 90}`) } : { inUse })
      await turn()
    }
    for (const last of [100, 101, 102, 103]) await end(last, true)
    wire.receive(discover(2))
    for (const last of [104, 105, 106, 107, 108]) await end(last, others)
    t.equal(wire.sent.length, 0, 'one is not known yet')
    await end(109, others)
    const { packet } = await wire.next()
    t.same([packet.yiaddr, packet.xid], [ip(given), 2])
    t.equal(wire.sent.length, 1)
    t.equal(log().filter(({ msg }) => msg === 'dhcp.probe_distrusted').length, others ? 1 : 0)
  }
})

t.test('a firewall that answers for every address: after three conflicts in a row the probe is not believed any more', async t => {
  let inUse = true
  // Behind a relay agent, where nobody is asked while no machine comes.
  const { wire, table, log, clock } = await stage(t, { subnets: [subnet('10.0.0.0/24', '10.0.0.100-10.0.0.109')] }, { ask: async () => inUse ? { inUse, by: undefined } : { inUse } })
  const discover = (client = testMac): ReturnType<typeof request> => request({ dhcpMessageType: 'DISCOVER' }, { giaddr: ip('10.0.0.1'), mac: client })
  t.equal((await wire.ask(discover())).yiaddr, ip('10.0.0.103'), 'offered all the same')
  const setAside = (): number => [...table.values()].filter(lease => lease.state === 'declined').length
  t.equal(setAside(), 3)
  t.match(log().filter(({ msg }) => msg === 'dhcp.probe_distrusted'), [{ level: 'warn' }])
  await wire.ask(discover(mac('52:54:00:00:00:02')))
  t.equal(setAside(), 3, 'the pool does not eat itself')
  inUse = false
  clock.advance(60_000)
  await wire.ask(discover(mac('52:54:00:00:00:03')))
  inUse = true
  clock.advance(60_000)
  await wire.ask(discover(mac('52:54:00:00:00:04')))
  t.equal(setAside(), 6, 'an address found free, and it is believed again')
})

const anew = (macs = [testMac]): DhcpSettings['reservations'] =>
  buildReservations([{ macs, ip: ip('192.168.100.41'), hostName: undefined, source: 'group core-1' }], subnets, server)
const old = mac('52:54:00:00:00:0a')
const dead: Lease = { ip: ip('192.168.100.41'), mac: old, state: 'bound', since: 0, expires: Number.MAX_SAFE_INTEGER }

t.test('a virtual machine made anew with another MAC has its address at once, when nobody answers there', async t => {
  const probe = new HeldProbe()
  const { wire, table, log } = await stage(t, { reservations: anew() }, probe)
  table.set(dead)
  wire.receive(discover())
  await turn()
  t.equal(wire.sent.length, 0, 'it is seen first whether the old one is there')
  t.same(probe.asked.map(asked => asked.ip), [dead.ip])
  probe.asked[0]?.end({ inUse: false })
  t.equal((await wire.next()).packet.yiaddr, dead.ip)
  t.match(log().filter(({ msg }) => msg === 'dhcp.lease_ended'), [{ level: 'warn', ip: '192.168.100.41', mac: old, reason: /reserved for 52:54:00:12:34:56/ }])
  t.match(await wire.ask(select(dead.ip)), { options: { dhcpMessageType: 'ACK' } })
  t.match(await wire.ask(request({ dhcpMessageType: 'REQUEST' }, { mac: old, ciaddr: dead.ip })), { options: { dhcpMessageType: 'NAK' } })
})

t.test('while the old machine answers, the new one waits, and the lease stands', async t => {
  const probe = new HeldProbe()
  const { wire, table, log } = await stage(t, { reservations: anew() }, probe)
  table.set(dead)
  for (let n = 0; n < 6; n++) {
    wire.receive(discover())
    probe.asked[n]?.end({ inUse: true, by: old })
    await turn()
  }
  t.equal(wire.sent.length, 0, 'however often it asks')
  t.same(table.get(dead.ip), dead)
  t.match(log().filter(({ msg }) => msg === 'dhcp.drop').at(-1), { reason: 'reservation_in_use', detail: `192.168.100.41 is bound by ${old}, and ${old} answers there` })
})

t.test('a machine that is told NAK, or is acknowledged elsewhere on its link, has no lease of before any more', async t => {
  const { wire, table, store } = await stage(t, { reservations: anew([old]) })
  table.set({ ...dead, ip: first })
  t.match(await wire.ask(request({ dhcpMessageType: 'REQUEST' }, { mac: old, ciaddr: first })), { options: { dhcpMessageType: 'NAK' } })
  t.equal(table.get(first)?.state, 'released')
  table.set({ ...dead, ip: first + 1 })
  await wire.ask(select(ip('192.168.100.41'), old))
  t.equal(table.get(first + 1)?.state, 'released')
  t.match(store.kept.map(({ ip, state }) => `${ip - first} ${state}`).sort(), ['-59 bound', '0 released', '1 released'])
})

t.test('a full disk stops no machine with a reservation; the ACK of a range lease waits for it', async t => {
  const { wire, store, table } = await stage(t, { reservations: anew() })
  store.hold = true
  t.match(await wire.ask(select(dead.ip)), { options: { dhcpMessageType: 'ACK' } })
  store.held[0]?.end(new Error('disk full'))
  await turn()
  t.equal(table.get(dead.ip)?.state, 'bound', 'in force, though not saved')
})

t.test('a reservation is never asked for', async t => {
  const probe = new HeldProbe()
  const reservations = buildReservations([{ macs: [testMac], ip: ip('192.168.100.41'), hostName: undefined, source: 'test' }], subnets, server)
  const { wire } = await stage(t, { reservations }, probe)
  t.equal((await wire.ask(discover())).yiaddr, ip('192.168.100.41'))
  t.equal(probe.asked.length, 0)
})

t.test('a storm of new machines asks for so many addresses that the ARP table bears it, and leaves none unanswered', async t => {
  const probe = new HeldProbe()
  const wide = [subnet('10.0.0.0/16', '10.0.1.0-10.0.9.255')]
  const { wire, clock, log } = await stage(t, { subnets: wide }, probe)
  const machines = (from: number, count: number): void => {
    for (let n = from; n < from + count; n++) {
      wire.receive(request({ dhcpMessageType: 'DISCOVER' }, { giaddr: ip('10.0.0.1'), mac: mac(`52:54:00:01:${(n >> 8).toString(16).padStart(2, '0')}:${(n & 255).toString(16).padStart(2, '0')}`) }))
    }
  }
  const paused = (): number => log().filter(({ msg }) => msg === 'dhcp.probe_paused').length
  machines(0, 1000)
  t.equal(probe.asked.length, 128)
  t.equal(wire.sent.length, 1000, 'and those that waited go out as it begins')
  clock.advance(1000)
  machines(1000, 50)
  t.equal(probe.asked.length, 128, 'while it lasts no offer waits')
  t.equal(paused(), 1, 'said once')
  clock.advance(4000)
  machines(1050, 50)
  t.equal(probe.asked.length, 128 + 50 + 64, 'when it is over new addresses are looked at again, and ahead')
  probe.asked.forEach(({ end }) => { end({ inUse: false }) })
  await turn()
  t.equal(wire.sent.length, 1100)
  t.equal(new Set(wire.sent.map(({ packet }) => packet.yiaddr)).size, 1100)
})

t.test('a flood from one machine is limited, and others are served', async t => {
  const { wire, events, log, clock } = await stage(t)
  for (let n = 0; n < 1000; n++) wire.receive(discover())
  t.equal(wire.sent.length, 20)
  t.equal(events.filter(event => event.kind === 'dropped' && event.reason === 'rate_limited').length, 980)
  t.equal(log().filter(entry => entry['reason'] === 'rate_limited' && entry['level'] === 'info').length, 1, 'told of once')
  t.equal((await wire.ask(discover(mac('52:54:00:00:00:02')))).yiaddr, first + 1)
  clock.advance(1000)
  t.equal((await wire.ask(discover())).yiaddr, first, 'and itself later')
})

t.test("another server's offer taken by a machine is told of, once in a while", async t => {
  const { wire, events, clock } = await stage(t)
  const taken = request({ dhcpMessageType: 'REQUEST', requestedIpAddress: ip('192.168.100.200'), serverIdentifier: ip('192.168.100.9') })
  for (let n = 0; n < 3; n++) wire.receive(taken)
  const others = (): boolean[] => events.flatMap(event => event.kind === 'other_server' && event.ip === ip('192.168.100.9') && event.mac === testMac ? [event.news] : [])
  t.same(others(), [true, false, false], 'seen each time')
  clock.advance(11 * 60_000)
  wire.receive(taken)
  t.same(others(), [true, false, false, true])
})

t.test('it does not start beside another server, unless that is allowed', async t => {
  for (const allowed of [false, true]) {
    const wire = new DhcpWire()
    const events: DhcpEvent[] = []
    const started = startDhcpServer({
      network: wire,
      bind: { address: '0.0.0.0', port: 67 },
      server,
      settings,
      table: new LeaseTable(),
      store: new HeldStore(),
      others: { interfaceName: 'br0', bind: { address: '0.0.0.0', port: 68 }, mac: testMac, allowed },
      clock: new FakeClock(),
      log: createLog({ level: 'error', pretty: false, destination: logLines().stream }),
      onEvent: event => { events.push(event) }
    })
    const { packet: { xid } } = await wire.next()
    wire.receive({ ...request({ dhcpMessageType: 'OFFER', serverIdentifier: ip('192.168.100.9') }), op: 2, xid }, 68)
    if (allowed) await (await started).close()
    else await t.rejects(started, { code: 'other_dhcp_server' })
    t.match(events, [{ kind: 'other_server', ip: ip('192.168.100.9'), news: true }])
    t.equal(wire.listening, 0)
  }
})

t.test('where others are allowed, machines are answered while it listens for them', async t => {
  const clock = new FakeClock()
  const others = { interfaceName: 'br0', bind: { address: '0.0.0.0', port: 68 }, mac: testMac, allowed: true }
  const { wire, dhcp, events } = await stage(t, {}, undefined, { others, clock })
  t.equal(wire.listening, 2)
  t.equal((await wire.ask(discover(mac('52:54:00:00:00:77')))).options.dhcpMessageType, 'OFFER')
  clock.advance(500)
  const asked = wire.sent.filter(({ port }) => port === 68).map(({ packet }) => packet.options.dhcpMessageType)
  t.same(asked, ['INFORM', 'INFORM', 'DISCOVER'])
  await dhcp.close()
  t.same([wire.listening, clock.pending], [0, 0], 'closed, it listens no more')
  t.notOk(events.some(({ kind }) => kind === 'other_server'))
})

t.test('who cannot listen leaves nothing behind that listens for others', async t => {
  const [wire, clock] = [new DhcpWire(), new FakeClock()]
  const taken = await wire.bind({ address: '0.0.0.0', port: 67 }, () => {})
  const others = { interfaceName: 'br0', bind: { address: '0.0.0.0', port: 68 }, mac: testMac, allowed: true }
  await t.rejects(stage(t, {}, undefined, { network: wire, others, clock }), { code: 'address_in_use' })
  await taken.close()
  t.same([wire.listening, clock.pending], [0, 0])
})

t.test('more than can be answered: REQUESTs first, then the newest DISCOVER, and the oldest are dropped', async t => {
  const { wire, events } = await stage(t, { subnets: [subnet('192.168.0.0/16', '192.168.1.0-192.168.20.0')] }, undefined, { steady: () => spent })
  let spent = 0
  const machine = (n: number): ReturnType<typeof mac> => mac(`52:54:00:01:${(n >> 8).toString(16).padStart(2, '0')}:${(n & 255).toString(16).padStart(2, '0')}`)
  wire.receive(discover(machine(0)))
  t.equal(wire.sent.length, 1, 'as long as there is time, at once')
  const given = wire.sent[0]?.packet.yiaddr ?? 0
  spent = 1
  for (let n = 1; n <= 600; n++) wire.receive(discover(machine(n)))
  wire.receive(select(given, machine(0)))
  t.equal(wire.sent.length, 1)
  while (wire.sent.length < 514) await turn()
  const answered = (type: string): number[] => wire.sent.filter(({ packet }) => packet.options.dhcpMessageType === type).map(({ packet }) => packet.chaddr.readUInt16BE(4))
  t.same(answered('ACK'), [0])
  t.same(answered('OFFER').slice(1, 4), [600, 599, 598], 'the newest')
  t.equal(answered('OFFER').at(-1), 89, 'the oldest that is left')
  t.match(events.filter(event => event.kind === 'dropped'), [{ reason: 'overload', count: 88 }], 'told of once a turn')
})

t.test('a flood of strangers: a machine with a reservation is answered before them, and never dropped', async t => {
  let spent = 0
  const reservations = buildReservations([{ macs: [testMac], ip: ip('192.168.100.41'), hostName: undefined, source: 'test' }], subnets, server)
  const { wire } = await stage(t, { reservations }, undefined, { steady: () => spent })
  wire.receive(discover(mac('52:54:00:02:00:00')))
  spent = 1
  wire.receive(discover())
  for (let n = 0; n < 2000; n++) wire.receive(discover(mac(`52:54:00:01:${(n >> 8).toString(16).padStart(2, '0')}:${(n & 255).toString(16).padStart(2, '0')}`)))
  await turn()
  t.equal(wire.sent[1]?.packet.yiaddr, ip('192.168.100.41'))
})
