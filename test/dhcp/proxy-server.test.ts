// ProxyDHCP's transport on a made-up network: both ports, and machines that ignore the offers.
import t, { type Test } from 'tap'
import type { DhcpEvent } from '../../src/dhcp/dhcp-event.js'
import { type ProxyServer, type ProxyServerOptions, startProxyServer } from '../../src/dhcp/proxy-server.js'
import { createLog } from '../../src/base/log.js'
import { DhcpWire } from '../helpers/dhcp-wire.js'
import { ip, request, testMac } from '../helpers/dhcp.js'
import { FakeClock } from '../helpers/fake-clock.js'
import { packetFixture } from '../helpers/fixtures.js'
import { logLines } from '../helpers/log-lines.js'

const { bytes } = packetFixture('ovmf-x64-pxe-discover')
const boot = { loaders: { 'efi-x64': 'snponly.efi' }, scriptUrl: 'http://172.30.0.1:8080/boot.ipxe' }

async function stage (t: Test, more: Partial<ProxyServerOptions> = {}): Promise<{ wire: DhcpWire, clock: FakeClock, events: DhcpEvent[], proxy: ProxyServer }> {
  const [wire, clock, events] = [new DhcpWire(), new FakeClock(), [] as DhcpEvent[]]
  const proxy = await startProxyServer({
    network: wire,
    bind: { address: '0.0.0.0', port: 67 },
    bootServerBind: { address: '0.0.0.0', port: 4011 },
    server: ip('172.30.0.1'),
    boot,
    isKnown: () => false,
    clock,
    log: createLog({ level: 'debug', pretty: false, destination: logLines().stream }),
    onEvent: event => { events.push(event) },
    ...more
  })
  t.teardown(async () => { await proxy.close() })
  return { wire, clock, events, proxy }
}

t.test('an offer on port 67 by broadcast, an answer from port 4011 to whoever asked', async t => {
  const { wire, proxy } = await stage(t)
  t.equal((await wire.ask(bytes)).options.dhcpMessageType, 'OFFER')
  wire.receive(packetFixture('dell-uefi-request').bytes, 4011, { address: '172.30.0.77', port: 4011 })
  t.match(wire.sent.map(({ packet, to, port }) => [packet.options.dhcpMessageType, to, port]), [
    ['OFFER', { address: '255.255.255.255', port: 68 }, 67],
    ['ACK', { address: '172.30.0.77', port: 4011 }, 4011]
  ])
  proxy.configure({ ...boot, loaders: { 'efi-x64': 'other.efi' } })
  t.equal((await wire.ask(bytes)).file, 'other.efi')
  await proxy.close()
  t.equal(wire.listening, 0)
})

t.test('a machine that ignores the offers is told of, with what to set on the other server', async t => {
  const { wire, clock, events, proxy } = await stage(t)
  const ignored = (): DhcpEvent[] => events.filter(event => event.kind === 'proxy_offer_ignored')
  for (const seconds of [0, 4, 8]) {
    clock.advance(seconds * 1000)
    wire.receive(bytes)
  }
  t.match(ignored(), [{ mac: '52:54:00:00:00:02', nextServer: ip('172.30.0.1'), bootFile: 'snponly.efi' }])
  clock.advance(100_000)
  for (let n = 0; n < 5; n++) {
    wire.receive(bytes)
    proxy.fileAsked('52:54:00:00:00:02' as never)
  }
  t.equal(ignored().length, 1, 'not one that fetches its file')
})

t.test('this machine, which asks whether it is answered, takes no offer', async t => {
  const { wire, events } = await stage(t, { isOwn: mac => mac === '52:54:00:00:00:02' })
  for (let n = 0; n < 5; n++) t.equal((await wire.ask(bytes)).options.dhcpMessageType, 'OFFER')
  t.same(events.filter(event => event.kind === 'proxy_offer_ignored'), [])
})

t.test('malformed packets, a flood, and a port that is taken', async t => {
  const { wire, events } = await stage(t)
  wire.receive(Buffer.alloc(300))
  t.same(events, [{ kind: 'dropped', reason: 'malformed', detail: 'op' }])
  for (let n = 0; n < 100; n++) wire.receive(bytes)
  t.equal(wire.sent.length, 20)
  const taken = new DhcpWire()
  const refusing: typeof taken.bind = async (options, onDatagram) => {
    if (options.port === 4011) throw new Error('taken')
    return await taken.bind(options, onDatagram)
  }
  await t.rejects(startProxyServer({
    network: { bind: refusing },
    bind: { address: '0.0.0.0', port: 67 },
    bootServerBind: { address: '0.0.0.0', port: 4011 },
    server: 1,
    boot,
    isKnown: () => false,
    clock: new FakeClock(),
    log: createLog({ level: 'error', pretty: false, destination: logLines().stream }),
    onEvent: () => {}
  }), /taken/)
  t.equal(taken.listening, 0, 'what was opened is closed again')
})

t.test("the network's own server is seen each time a machine takes its offer; this service and its like are not it", async t => {
  const { wire, events } = await stage(t, { ours: () => [ip('172.30.0.2')] })
  const takes = (serverIdentifier: number): void => { wire.receive(request({ dhcpMessageType: 'REQUEST', requestedIpAddress: ip('172.30.0.200'), serverIdentifier })) }
  for (const server of ['172.30.0.1', '172.30.0.2', '172.30.0.5', '172.30.0.5']) takes(ip(server))
  wire.receive(request({ dhcpMessageType: 'REQUEST' }, { ciaddr: ip('172.30.0.200') }))
  t.same(events.filter(event => event.kind === 'other_server'), Array.from({ length: 2 }, () => ({ kind: 'other_server', ip: ip('172.30.0.5'), mac: testMac, news: false })))
})

t.test('another place: what it had is free before, after a failed start and at the end', async t => {
  const { wire, proxy } = await stage(t)
  await proxy.rebind({ bind: { address: '172.30.0.1', port: 67 }, bootServerBind: { address: '172.30.0.1', port: 4011 } })
  t.equal(wire.listening, 2)
  await t.rejects(startProxyServer({
    network: wire,
    bind: { address: '0.0.0.0', port: 6767 },
    bootServerBind: { address: '0.0.0.0', port: 4011 },
    server: ip('172.30.0.1'),
    boot,
    isKnown: () => false,
    clock: new FakeClock(),
    log: createLog({ level: 'debug', pretty: false, destination: logLines().stream }),
    onEvent: () => {}
  }), { code: 'address_in_use' })
  t.equal(wire.listening, 2, 'the port that it had got is free again')
  const taken = await wire.bind({ address: '0.0.0.0', port: 6868 }, () => {})
  const away = { bind: { address: '0.0.0.0', port: 6868 }, bootServerBind: { address: '0.0.0.0', port: 4011 } }
  await t.rejects(proxy.rebind(away), { code: 'address_in_use' }, 'where it cannot go it says so')
  await taken.close()
  t.equal(wire.listening, 0)
})
