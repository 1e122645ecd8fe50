// What a server looks at while no new machine comes, when it does not, and what becomes of an address that somebody uses.
import t, { type Test } from 'tap'
import { createLog } from '../../src/base/log.js'
import type { DhcpEvent } from '../../src/dhcp/dhcp-event.js'
import { type DhcpServer, type DhcpServerOptions, startDhcpServer } from '../../src/dhcp/dhcp-server.js'
import { idleEvery, mostIdle } from '../../src/dhcp/idle-looks.js'
import { mostWaiting } from '../../src/dhcp/offer-probes.js'
import { mostSetAside } from '../../src/dhcp/used-addresses.js'
import type { LeaseStore } from '../../src/dhcp/lease-store.js'
import { type Lease, LeaseTable } from '../../src/dhcp/leases.js'
import { buildReservations } from '../../src/dhcp/reservation-table.js'
import type { DhcpSettings } from '../../src/dhcp/server-settings.js'
import type { ConflictAnswer, ConflictProbe } from '../../src/net/conflict-probe.js'
import { DhcpWire } from '../helpers/dhcp-wire.js'
import { ip, mac, request, subnet, testMac } from '../helpers/dhcp.js'
import { FakeClock } from '../helpers/fake-clock.js'
import { logLines } from '../helpers/log-lines.js'

const server = ip('10.0.0.1')
const first = ip('10.0.0.100')
const near = subnet('10.0.0.0/24', '10.0.0.100-10.0.0.250')
const relayed = subnet('10.0.1.0/24', '10.0.1.100-10.0.1.250')
const used: ConflictAnswer = { inUse: true, by: mac('02:00:00:00:00:99') }

/** Says of each address what the test says. */
class ToldProbe implements ConflictProbe {
  readonly asked: number[] = []
  answer: (address: number) => ConflictAnswer | Promise<ConflictAnswer> = () => ({ inUse: false })
  ask = async (address: number): Promise<ConflictAnswer> => {
    this.asked.push(address)
    return await this.answer(address)
  }
}

interface Stage {
  readonly wire: DhcpWire
  readonly table: LeaseTable
  readonly clock: FakeClock
  readonly probe: ToldProbe
  readonly events: DhcpEvent[]
  readonly dhcp: DhcpServer
  /** As many looks as may be: each is over before the next. */
  readonly idle: (looks: number) => Promise<void>
  readonly told: (msg: string) => ReadonlyArray<Readonly<Record<string, unknown>>>
}

const turn = async (): Promise<void> => { await new Promise(resolve => { setImmediate(resolve) }) }

async function stage (t: Test, more: Partial<DhcpSettings> = {}, options: Partial<DhcpServerOptions> = {}): Promise<Stage> {
  const { stream, entries } = logLines()
  const [wire, table, clock, probe, events] = [new DhcpWire(), new LeaseTable(), new FakeClock(), new ToldProbe(), [] as DhcpEvent[]]
  const subnets = [near, relayed]
  const store: LeaseStore = { load: async () => [], propose: async () => ({ kind: 'kept' }), close: async () => {} }
  const dhcp = await startDhcpServer({
    network: wire,
    bind: { address: '0.0.0.0', port: 67 },
    server,
    settings: { subnets, reservations: buildReservations([], subnets, server), unknownClients: 'allow', boot: { loaders: {}, scriptUrl: 'http://10.0.0.1:8080/boot.ipxe' }, ...more },
    table,
    store,
    probe,
    clock,
    log: createLog({ level: 'info', pretty: false, destination: stream }),
    onEvent: event => { events.push(event) },
    ...options
  })
  t.teardown(async () => { await dhcp.close() })
  const idle = async (looks: number): Promise<void> => {
    for (let n = 0; n < looks; n++) {
      clock.advance(idleEvery)
      await turn()
    }
  }
  return { wire, table, clock, probe, events, dhcp, idle, told: msg => entries().filter(entry => entry['msg'] === msg) }
}

const newcomer = (n: number, giaddr = 0): ReturnType<typeof request> => request({ dhcpMessageType: 'DISCOVER' }, { mac: mac(`52:54:00:00:01:${n.toString(16).padStart(2, '0')}`), giaddr })

/** Goes round before anything is heard of a question. */
class HeldAnswers {
  readonly #ends: Array<() => void> = []
  constructor (probe: ToldProbe) {
    const told = probe.answer
    probe.answer = async address => {
      await new Promise<void>(resolve => { this.#ends.push(resolve) })
      return await told(address)
    }
  }

  async end (): Promise<void> {
    for (const resolve of this.#ends.splice(0)) resolve()
    await turn()
  }
}

t.test('the first newcomers are answered at once, and the others find what was asked after with them', async t => {
  const { wire, probe, idle } = await stage(t)
  await idle(mostIdle)
  t.same(probe.asked.splice(0), Array.from({ length: mostIdle }, (_, n) => first + n), 'of the link that the server is on, in order, one at a time')
  await idle(200)
  t.same(probe.asked, [], 'and no more as long as they were found free lately')
  const held = new HeldAnswers(probe)
  for (let n = 0; n < mostIdle; n++) wire.receive(newcomer(n))
  t.same(wire.sent.map(({ packet }) => packet.yiaddr), Array.from({ length: mostIdle }, (_, n) => first + n), 'who waits for no look')
  wire.receive(newcomer(mostIdle))
  t.equal(wire.sent.length, mostIdle, 'but for whom there was none')
  t.ok(probe.asked.includes(first + 2 * mostIdle - 1), 'with each the next ones are asked after')
  await held.end()
  t.equal(wire.sent.length, mostIdle + 1)
})

t.test('what was found free a minute ago is asked after beside the offer, and what was heard within it not', async t => {
  for (const [later, again] of [[0, 0], [70_000, 1], [240_000, 1]] as const) {
    const { wire, clock, probe, idle, dhcp } = await stage(t, { subnets: [subnet('10.0.0.0/24', '10.0.0.100-10.0.0.100')] })
    await idle(1)
    // Nothing is looked at in between.
    wire.receive(request({ dhcpMessageType: 'REQUEST', serverIdentifier: ip('10.0.0.9') }))
    clock.advance(later)
    probe.asked.length = 0
    const held = new HeldAnswers(probe)
    wire.receive(newcomer(1))
    t.equal(wire.sent.length, 1, `after ${later} ms`)
    t.equal(probe.asked.length, again)
    wire.receive(newcomer(1))
    t.equal(wire.sent.length, 2, 'and again when it asks again')
    t.equal(probe.asked.length, again)
    await held.end()
    t.equal(wire.sent.length, 2)
    await dhcp.close()
  }
})

t.test('somebody is heard there after the offer went out: its machine is told NAK, and is offered another one', async t => {
  const { wire, clock, probe, idle, table, events, told } = await stage(t)
  await idle(mostIdle)
  clock.advance(70_000)
  await turn()
  probe.answer = address => address === first ? used : { inUse: false }
  const held = new HeldAnswers(probe)
  wire.receive(newcomer(1))
  t.equal(wire.sent.at(-1)?.packet.yiaddr, first)
  await held.end()
  t.equal(wire.sent.length, 1, 'nothing is said unasked')
  t.match(table.get(first), { state: 'declined', mac: '00:00:00:00:00:00' })
  t.match(told('dhcp.conflict'), [{ ip: '10.0.0.100', by: '02:00:00:00:00:99' }])
  t.match(events.filter(event => event.kind === 'lease' && event.change === 'conflict'), [{ ip: first }])
  wire.receive(request({ dhcpMessageType: 'REQUEST', serverIdentifier: server, requestedIpAddress: first }, { mac: mac('52:54:00:00:01:01') }))
  await turn()
  t.equal(wire.sent.at(-1)?.packet.options.dhcpMessageType, 'NAK')
  wire.receive(newcomer(1))
  t.equal(wire.sent.at(-1)?.packet.yiaddr, first + 1)
})

t.test('a machine that took the address before somebody was heard there keeps it, which is told; of itself nothing is', async t => {
  for (const [by, lines] of [[used.by, 1], [undefined, 0], [mac('52:54:00:00:01:01'), 0]] as const) {
    const { wire, clock, probe, idle, table, told, dhcp } = await stage(t)
    await idle(mostIdle)
    clock.advance(70_000)
    await turn()
    probe.answer = () => ({ inUse: true, by })
    const held = new HeldAnswers(probe)
    wire.receive(newcomer(1))
    wire.receive(request({ dhcpMessageType: 'REQUEST', serverIdentifier: server, requestedIpAddress: first }, { mac: mac('52:54:00:00:01:01') }))
    await turn()
    t.equal(wire.sent.at(-1)?.packet.options.dhcpMessageType, 'ACK')
    await held.end()
    t.match(table.get(first), { state: 'bound', mac: '52:54:00:00:01:01' })
    t.equal(told('dhcp.conflict').length, lines, by ?? 'a host behind a router')
    await dhcp.close()
  }
})

t.test('so many wait, and when one more comes nobody does', async t => {
  const { wire, probe, table, clock } = await stage(t)
  probe.answer = address => address === first + 2 ? used : { inUse: false }
  const held = new HeldAnswers(probe)
  for (let n = 0; n < mostWaiting; n++) wire.receive(newcomer(n))
  t.equal(wire.sent.length, 0)
  wire.receive(newcomer(mostWaiting))
  t.same(wire.sent.map(({ packet }) => packet.yiaddr), Array.from({ length: mostWaiting + 1 }, (_, n) => first + n), 'in the order in which they came')
  wire.receive(newcomer(0))
  t.equal(wire.sent.length, mostWaiting + 2, 'who asks again is answered again')
  for (let n = mostWaiting + 1; n <= 2 * mostWaiting; n++) wire.receive(newcomer(n))
  t.equal(wire.sent.length, mostWaiting + 2, 'and the next ones wait')
  clock.advance(300)
  await held.end()
  t.same(wire.sent.slice(mostWaiting + 2).map(({ packet }) => packet.yiaddr), Array.from({ length: mostWaiting }, (_, n) => first + mostWaiting + 1 + n), 'for their own')
  t.match(table.get(first + 2), { state: 'declined' })
  wire.receive(request({ dhcpMessageType: 'REQUEST', serverIdentifier: server, requestedIpAddress: first + 2 }, { mac: mac('52:54:00:00:01:02') }))
  t.equal(wire.sent.at(-1)?.packet.options.dhcpMessageType, 'NAK', 'what is heard counts all the same')
})

t.test('who waits when a storm begins is offered what waits, and nobody in it waits', async t => {
  let spent = 0
  const { wire, probe, clock } = await stage(t, { subnets: [subnet('10.0.0.0/16', '10.0.1.0-10.0.9.255')] }, { steady: () => spent })
  const held = new HeldAnswers(probe)
  wire.receive(newcomer(1))
  t.equal(wire.sent.length, 0, 'one that comes alone waits')
  spent = 1
  for (let n = 2; n < 200; n++) wire.receive(newcomer(n))
  for (let n = 0; n < 200 && wire.sent.length < 199; n++) await turn()
  t.equal(wire.sent.length, 199)
  t.same(new Set(wire.sent.map(({ packet }) => packet.yiaddr)).size, 199)
  await held.end()
  t.equal(wire.sent.length, 199, 'and what is heard says nothing more')
  clock.advance(20_000)
  wire.receive(newcomer(201))
  t.equal(wire.sent.length, 199, 'who comes alone when it is over waits again')
  await held.end()
  t.equal(wire.sent.length, 200)
})

t.test('nobody is asked where there is no reason to', async t => {
  const others = ip('10.0.0.9')
  const nothing: ReadonlyArray<readonly [what: string, Partial<DhcpSettings>, Partial<DhcpServerOptions>, (staged: Stage) => unknown]> = [
    ['strangers get no address', { unknownClients: 'deny' }, {}, () => {}],
    ['the link has no range', { subnets: [subnet('10.0.0.0/24')] }, {}, () => {}],
    ['the subnets are all behind relay agents', { subnets: [relayed] }, {}, () => {}],
    ['the range is full', { subnets: [subnet('10.0.0.0/24', '10.0.0.100-10.0.0.100')] }, {}, ({ table }) => {
      table.set({ ip: first, mac: testMac, state: 'bound', since: 0, expires: Number.MAX_SAFE_INTEGER })
    }],
    ['several provisioners give addresses', {}, {
      store: { load: async () => [], propose: async () => ({ kind: 'kept' }), close: async () => {}, settle: async () => {} }
    }, () => {}],
    ['machines there can not be heard', {}, {}, ({ dhcp }) => { dhcp.linkIs(false) }],
    ['a machine takes the offer of another server', {}, {}, ({ wire }) => { wire.receive(request({ dhcpMessageType: 'REQUEST', serverIdentifier: others })) }],
    ['it is closed', {}, {}, async ({ dhcp }) => { await dhcp.close() }]
  ]
  for (const [what, settings, options, act] of nothing) {
    const staged = await stage(t, settings, options)
    await act(staged)
    await staged.idle(100)
    t.same(staged.probe.asked, [], what)
    await staged.dhcp.close()
    t.equal(staged.clock.pending, 0, what)
  }
})

t.test('in doubt about another server for an hour', async t => {
  const { wire, idle, probe } = await stage(t)
  wire.receive(request({ dhcpMessageType: 'REQUEST', serverIdentifier: ip('10.0.0.9') }))
  await idle(3_600_000 / idleEvery)
  t.equal(probe.asked.length, 0)
  await idle(1)
  t.equal(probe.asked.length, 1)
})

t.test('not while it is asked who else answers, nor after somebody did', async t => {
  const others = { interfaceName: 'lo', bind: { address: '0.0.0.0', port: 68 }, mac: mac('02:00:00:00:00:01'), allowed: true }
  for (const answers of [false, true]) {
    const { idle, probe, clock, wire, events } = await stage(t, {}, { others })
    // In the turn in which it ends.
    clock.advance(idleEvery)
    t.equal(probe.asked.length, 0)
    if (answers) {
      const question = wire.sent.find(({ port }) => port === 68)!.packet
      wire.receive({ ...question, op: 2, options: { dhcpMessageType: 'ACK', serverIdentifier: ip('10.0.0.9') } }, 68, { address: '10.0.0.9', port: 67 })
    }
    await idle(5)
    t.equal(events.some(({ kind }) => kind === 'other_server'), answers)
    t.equal(probe.asked.length > 0, !answers)
  }
})

t.test('of 200 newcomers a second the first wait for no look, nor does any other', async t => {
  const { wire, clock, probe, idle } = await stage(t, { subnets: [subnet('10.0.0.0/16', '10.0.1.0-10.0.9.255')] })
  await idle(200)
  const wait = (milliseconds: number): Promise<void> => new Promise(resolve => { clock.after(milliseconds, resolve) })
  probe.answer = async () => {
    await wait(300)
    return { inUse: false }
  }
  const waited: number[] = []
  for (let n = 0; n < 1000; n++) {
    const before = wire.sent.length
    wire.receive(request({ dhcpMessageType: 'DISCOVER' }, { mac: mac(`52:54:00:02:${(n >> 8).toString(16).padStart(2, '0')}:${(n & 255).toString(16).padStart(2, '0')}`) }))
    if (wire.sent.length === before) waited.push(n)
    clock.advance(5)
    await turn()
  }
  t.same(waited, [])
  await turn()
  t.equal(wire.sent.length, 1000)
})

t.test('on another network, and on one whose link was gone, what was heard does not count', async t => {
  for (const [what, move] of [
    ['rebind', async (dhcp: DhcpServer) => { await dhcp.rebind({ address: '0.0.0.0', port: 67 }) }],
    ['moveTo', async (dhcp: DhcpServer) => { dhcp.moveTo(server, [server]) }],
    ['linkIs', async (dhcp: DhcpServer) => { dhcp.linkIs(false); dhcp.linkIs(true) }]
  ] as const) {
    const { wire, dhcp, idle, probe } = await stage(t)
    await idle(30)
    const pending: Array<(answer: ConflictAnswer) => void> = []
    const hear = (answer: ConflictAnswer): void => { for (const resolve of pending) resolve(answer) }
    probe.answer = async () => await new Promise(resolve => { pending.push(resolve) })
    await idle(1)
    await move(dhcp)
    const before = probe.asked.length
    hear(used)
    wire.receive(newcomer(1))
    t.equal(wire.sent.length, 0, what)
    t.equal(probe.asked[before], first, what)
    hear({ inUse: false })
    await dhcp.close()
  }
})

t.test('a host that uses an address unasked: set aside once, told in one line, and another is looked at', async t => {
  const { table, probe, events, idle, told, clock, wire } = await stage(t)
  probe.answer = address => address === first + 1 ? used : { inUse: false }
  await idle(2)
  t.equal(table.get(first + 1), undefined, 'of two, one is no rule')
  await idle(1)
  t.match(table.get(first + 1), { state: 'declined', mac: '00:00:00:00:00:00', declines: 1, expires: clock.now() + 600_000 })
  await idle(270)
  t.match(told('dhcp.conflict'), [{ level: 'warn', ip: '10.0.0.101', by: '02:00:00:00:00:99' }])
  t.same(events.filter(event => event.kind === 'lease'), [{ kind: 'lease', change: 'conflict', ip: first + 1, mac: '02:00:00:00:00:99' }])
  t.ok(probe.asked.includes(first + mostIdle), 'and one more is, in its place')
  for (let n = 0; n < 2; n++) wire.receive(newcomer(n))
  t.same(wire.sent.map(({ packet }) => packet.yiaddr), [first, first + 2], 'nobody is offered it')
})

t.test('in a small range it is looked at again when its time is over, each time twice as late', async t => {
  const { probe, idle, told } = await stage(t, { subnets: [subnet('10.0.0.0/24', '10.0.0.100-10.0.0.109')] })
  probe.answer = address => address === first + 1 ? used : { inUse: false }
  await idle(86_400_000 / idleEvery)
  const lines = told('dhcp.conflict').length
  t.ok(lines > 1 && lines <= 8, `${lines} lines in a day`)
})

t.test('something that answers for every address, or nearly: nothing is set aside, nothing told, nothing lost', async t => {
  for (const missed of [Infinity, 20]) {
    const { table, probe, idle, told, dhcp, wire } = await stage(t)
    let n = 0
    probe.answer = () => ++n % missed === 0 ? { inUse: false } : { inUse: true, by: undefined }
    await idle(43_200)
    t.equal(table.size, 0, `one of ${missed} is missed`)
    t.same([told('dhcp.conflict').length, told('dhcp.probe_distrusted').length], [0, 0])
    if (missed === Infinity) {
      wire.receive(newcomer(1))
      await turn()
      t.equal(wire.sent.at(-1)?.packet.yiaddr, first + 3, 'at once, and of a newcomer three are believed as ever')
      t.equal(told('dhcp.probe_distrusted').length, 1)
    }
    await dhcp.close()
  }
})

t.test('something that answers for most: next to nothing is set aside', async t => {
  const { table, probe, idle, told, wire } = await stage(t)
  let n = 0
  probe.answer = () => ++n % 3 === 0 ? { inUse: false } : { inUse: true, by: undefined }
  let most = 0
  for (let hour = 0; hour < 24; hour++) {
    await idle(1800)
    most = Math.max(most, [...table.values()].filter(({ state }) => state === 'declined').length)
  }
  t.ok(most <= mostSetAside, `${most}`)
  t.ok(told('dhcp.conflict').length <= 8 * mostSetAside, `${told('dhcp.conflict').length} lines in a day`)
  wire.receive(newcomer(1))
  await turn()
  t.equal(wire.sent.length, 1)
})

t.test('where many addresses are in use a handful of them is set aside, and the others when a machine would get them', async t => {
  const { table, probe, idle, events, wire } = await stage(t)
  probe.answer = address => address % 3 === 0 ? { inUse: true, by: mac(`02:00:00:00:01:${(address & 0xff).toString(16)}`) } : { inUse: false }
  await idle(299)
  t.equal([...table.values()].filter(({ state }) => state === 'declined').length, mostSetAside)
  const before = events.filter(event => event.kind === 'lease').length
  for (let n = 0; n < 40; n++) {
    wire.receive(newcomer(n))
    await turn()
  }
  t.ok(wire.sent.every(({ packet }) => packet.yiaddr % 3 !== 0), 'no machine is offered one')
  t.ok(events.filter(event => event.kind === 'lease').length > before)
})

t.test('nor while messages wait', async t => {
  let spent = 0
  const { wire, clock, probe } = await stage(t, {}, { steady: () => spent })
  const nearAsked = (): number => probe.asked.filter(address => address < ip('10.0.1.0')).length
  wire.receive(newcomer(1, ip('10.0.1.1')))
  spent = 1
  for (let n = 2; n < 5; n++) wire.receive(newcomer(n, ip('10.0.1.1')))
  clock.advance(idleEvery)
  t.equal(nearAsked(), 0)
  await turn()
  clock.advance(idleEvery)
  t.equal(nearAsked(), 1)
})

t.test('who had the address last and is still there gets it again', async t => {
  const { table, probe, idle, told, wire } = await stage(t, { subnets: [subnet('10.0.0.0/24', '10.0.0.100-10.0.0.104')] })
  const old: Lease = { ip: first, mac: testMac, state: 'bound', since: 0, expires: 1000 }
  table.set(old)
  probe.answer = address => address === first ? { inUse: true, by: testMac } : { inUse: false }
  await idle(100)
  t.equal(table.get(first), old)
  t.same(told('dhcp.conflict'), [])
  wire.receive(request({ dhcpMessageType: 'DISCOVER' }))
  t.equal(wire.sent.at(-1)?.packet.yiaddr, first)
})

t.test('what can not be kept is not told', async t => {
  let tries = 0
  const propose = async (): Promise<never> => {
    tries++
    throw new Error('disk full')
  }
  const store: LeaseStore = { load: async () => [], propose, close: async () => {} }
  const { table, probe, idle, told } = await stage(t, {}, { store })
  probe.answer = address => address === first + 1 ? used : { inUse: false }
  await idle(1000)
  t.equal(table.get(first + 1), undefined)
  const looks = probe.asked.filter(address => address === first + 1).length
  t.ok(tries > 0 && tries <= looks, `tried ${tries} times, with ${looks} looks`)
  t.same(told('dhcp.conflict'), [])
})

t.test('after a storm there is no slack for it', async t => {
  const { wire, probe, idle, clock } = await stage(t, { subnets: [near, subnet('10.1.0.0/16', '10.1.1.0-10.1.9.255')] })
  for (let n = 0; n < 1000; n++) wire.receive(request({ dhcpMessageType: 'DISCOVER' }, { giaddr: ip('10.1.0.1'), mac: mac(`52:54:00:02:${(n >> 8).toString(16).padStart(2, '0')}:${(n & 255).toString(16).padStart(2, '0')}`) }))
  const before = probe.asked.length
  clock.advance(idleEvery)
  t.equal(probe.asked.length, before)
  await idle(5)
  t.same(probe.asked.slice(before), [first])
})
