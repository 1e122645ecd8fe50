// Strangers fill no disk with lines of the log: of each event so many are written, and how many more there were.
import t from 'tap'
import { countByThemselves, createLog, endLog, leftOutEvery, type LogLevel } from '../../src/base/log.js'
import { lineRates } from '../../src/base/line-rations.js'
import { FakeClock } from '../helpers/fake-clock.js'
import { logLines } from '../helpers/log-lines.js'

function rationed (level: LogLevel = 'info') {
  const clock = new FakeClock()
  const { stream, entries } = logLines()
  const log = createLog({ level, pretty: false, destination: stream, rationed: clock })
  const count = (event: string, fields: Record<string, unknown> = {}): number =>
    entries().filter(line => line['msg'] === event && Object.entries(fields).every(([key, value]) => line[key] === value)).length
  const told = (): unknown[] => entries().filter(({ msg }) => msg === 'log.left_out').map(({ event, lines, from }) => ({ event, lines, ...from !== undefined && { from } }))
  return { clock, log, count, told, entries }
}
const { warn, info } = lineRates

t.test('of one sender so many at once, then so many a second, and once a minute how many more there were', t => {
  const { clock, log, count, told } = rationed()
  for (let n = 0; n < 500; n++) log.warn({ ip: '10.0.0.1', n }, 'http.unmatched')
  t.equal(count('http.unmatched'), warn.perSender.burst, 'the first at once')
  log.warn({ ip: '10.0.0.2' }, 'http.unmatched')
  log.warn({ ip: '10.0.0.1' }, 'http.ignition')
  t.equal(count('http.unmatched', { ip: '10.0.0.2' }), 1, 'another sender is told of')
  t.equal(count('http.ignition'), 1, 'and another event of this one')
  clock.advance(1000)
  log.warn({ ip: '10.0.0.1' }, 'http.unmatched')
  log.warn({ ip: '10.0.0.1' }, 'http.unmatched')
  t.equal(count('http.unmatched', { ip: '10.0.0.1' }), warn.perSender.burst + warn.perSender.perSecond)
  t.same(told(), [])
  clock.advance(leftOutEvery)
  t.same(told(), [{ event: 'http.unmatched', lines: 441, from: '10.0.0.1' }])
  t.equal(clock.pending, 0)
  clock.advance(10 * leftOutEvery)
  t.equal(told().length, 1, 'it is told once')
  t.end()
})

t.test('of all senders so many, whatever names they give', t => {
  const { clock, log, count, told } = rationed()
  for (let n = 0; n < 3000; n++) log.warn({ peer: `2001:db8:0:${n.toString(16)}::1:4711`, reason: 'plain_text' }, 'grpc.handshake')
  t.equal(count('grpc.handshake'), warn.inAll.burst)
  for (let n = 0; n < 12_000; n++) log.info({ mac: `52:54:00:00:${(n >> 8).toString(16)}:${(n & 255).toString(16)}`, ip: '10.0.0.9' }, 'dhcp.offer')
  t.equal(count('dhcp.offer'), info.inAll.burst)
  clock.advance(leftOutEvery)
  t.same(told(), [{ event: 'grpc.handshake', lines: 2000 }, { event: 'dhcp.offer', lines: 2000 }])
  t.end()
})

t.test('who makes up machines leaves out no line of one that somebody named, of which there are so many too', t => {
  const { clock, log, count, told } = rationed()
  countByThemselves(log, mac => mac.startsWith('52:54:00'))
  const macOf = (start: string, n: number): string => `${start}:00:${(n >> 8).toString(16)}:${(n & 255).toString(16)}`
  for (let n = 0; n < 12_000; n++) log.info({ mac: macOf('02:00:00', n) }, 'dhcp.ack')
  t.equal(count('dhcp.ack'), info.inAll.burst)
  log.info({ mac: '52:54:00:00:00:01' }, 'dhcp.ack')
  t.equal(count('dhcp.ack', { mac: '52:54:00:00:00:01' }), 1)
  // Anybody can say a named machine's address.
  for (let n = 0; n < 12_000; n++) log.info({ mac: macOf('52:54:00', n) }, 'dhcp.offer')
  t.equal(count('dhcp.offer'), info.inAll.burst)
  for (let n = 0; n < 3000; n++) log.info({ mac: '52:54:00:00:00:01' }, 'dhcp.nak')
  t.equal(count('dhcp.nak'), info.perSender.burst)
  clock.advance(leftOutEvery)
  t.same(told(), [{ event: 'dhcp.ack', lines: 2000 }, { event: 'dhcp.offer', lines: 2000 }, { event: 'dhcp.nak', lines: 1000, from: '52:54:00:00:00:01' }])
  t.end()
})

t.test('of IPv6 a sender is its network, since a host makes up addresses in it', t => {
  const { clock, log, count, told } = rationed()
  for (let n = 0; n < 100; n++) log.warn({ peer: `2001:db8::${n.toString(16)}:4711`, reason: 'plain_text' }, 'grpc.handshake')
  t.equal(count('grpc.handshake'), warn.perSender.burst)
  for (let n = 0; n < 100; n++) log.warn({ ip: `2001:db8::${n.toString(16)}` }, 'http.unmatched')
  t.equal(count('http.unmatched'), warn.perSender.burst)
  log.warn({ peer: '::ffff:10.0.0.1:4711' }, 'grpc.handshake')
  t.equal(count('grpc.handshake', { peer: '::ffff:10.0.0.1:4711' }), 1, 'an IPv4 address as a socket of IPv6 has it is one of IPv4')
  clock.advance(leftOutEvery)
  t.same(told(), [{ event: 'grpc.handshake', lines: 40, from: '2001:db8:0:0::/64' }, { event: 'http.unmatched', lines: 40, from: '2001:db8:0:0::/64' }])
  t.end()
})

t.test('a connection is its address whatever its port, and of DHCP a machine whatever it is given', t => {
  const { log, count } = rationed()
  for (let n = 0; n < 100; n++) log.warn({ peer: `10.0.0.1:${40_000 + n}` }, 'grpc.handshake')
  t.equal(count('grpc.handshake'), warn.perSender.burst)
  for (let n = 0; n < 100; n++) log.warn({ mac: '52:54:00:00:00:01', ip: `10.0.0.${n}` }, 'dhcp.conflict')
  t.equal(count('dhcp.conflict'), warn.perSender.burst)
  for (let n = 0; n < 3000; n++) log.info({ mac: `52:54:00:00:${n >> 8}:${n & 255}`, ip: '10.0.0.1' }, 'http.ipxe')
  t.equal(count('http.ipxe'), info.perSender.burst, 'in a request anybody may say any hardware address')
  t.end()
})

t.test('what no stranger causes is told whole, and to whom debugs everything', t => {
  const quiet = rationed()
  for (let n = 0; n < 3000; n++) {
    quiet.log.info({ peer: '10.0.0.1:4711', call: 'GroupPut' }, 'grpc.call')
    quiet.log.warn({ file: `groups/${n}.json` }, 'store.problem')
  }
  t.same([quiet.count('grpc.call'), quiet.count('store.problem'), quiet.clock.pending], [3000, 3000, 0])
  const loud = rationed('debug')
  for (let n = 0; n < 3000; n++) loud.log.warn({ ip: '10.0.0.1' }, 'http.unmatched')
  t.equal(loud.count('http.unmatched'), 3000)
  t.end()
})

t.test('what was left out is told at the end', async t => {
  const { clock, log, told, entries } = rationed()
  for (let n = 0; n < 100; n++) log.warn({ ip: '10.0.0.1' }, 'tftp.failed')
  await endLog(log)
  t.same(told(), [{ event: 'tftp.failed', lines: 40, from: '10.0.0.1' }])
  t.match(entries().at(-1), { level: 'warn', msg: 'log.left_out' })
  t.equal(clock.pending, 0)
})
