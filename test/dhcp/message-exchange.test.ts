// What both servers do alike with messages: what is let in, what a mistake of ours costs, what the log says how often.
import t, { type Test } from 'tap'
import type { DhcpEvent } from '../../src/dhcp/dhcp-event.js'
import { elsewhereRate, MessageExchange, type MessageExchangeOptions, mostHeld, requestRate } from '../../src/dhcp/message-exchange.js'
import { type ClientMessage, ownQuestionClass } from '../../src/dhcp/client-info.js'
import type { Options } from '../../src/dhcp/options.js'
import { encodePacket } from '../../src/dhcp/packet.js'
import { rememberedTransactions, transactionOf, Transactions } from '../../src/dhcp/transactions.js'
import { createLog } from '../../src/base/log.js'
import { formatIpv4 } from '../../src/net/ipv4.js'
import type { UdpSocket } from '../../src/net/udp.js'
import { ip, mac, message, request, testMac } from '../helpers/dhcp.js'
import { DhcpWire } from '../helpers/dhcp-wire.js'
import { FakeClock } from '../helpers/fake-clock.js'
import { logLines } from '../helpers/log-lines.js'

const from = { address: '0.0.0.0', port: 68 }
const other = mac('52:54:00:00:00:99')
const discover = (client = testMac, more: Options = {}): Buffer => encodePacket(request({ dhcpMessageType: 'DISCOVER', ...more }, { mac: client }))

function stage (_: Test, more: Partial<MessageExchangeOptions> = {}) {
  const { stream, entries } = logLines()
  const [clock, events] = [new FakeClock(), [] as DhcpEvent[]]
  const log = createLog({ level: 'debug', pretty: false, destination: stream })
  return { exchange: new MessageExchange({ clock, log, onEvent: event => { events.push(event) }, ...more }), clock, events, entries }
}

t.test('a mistake in deciding costs one message, and is counted', t => {
  const { exchange, events, entries } = stage(t)
  exchange.receive(discover(), from, () => { throw new TypeError('ours') })
  t.match(events, [{ kind: 'received', type: 'DISCOVER', client: { mac: testMac } }, { kind: 'dropped', reason: 'failed', mac: testMac }])
  t.match(entries().at(-1), { level: 'error', msg: 'dhcp.failed', packet: /^DISCOVER .*52:54:00:12:34:56/ })
  let decided = 0
  exchange.receive(discover(), from, () => { decided++ })
  t.equal(decided, 1, 'the next is looked at')
  t.end()
})

t.test('what is no message, and what comes from here, is not decided on', t => {
  const { exchange, events } = stage(t, { ownMac: () => other })
  const never = (): void => { t.fail('decided') }
  exchange.receive(Buffer.alloc(10), from, never)
  exchange.receive(discover(other), from, never)
  t.match(events, [{ kind: 'dropped', reason: 'malformed', detail: 'op' }])
  t.equal(events.length, 1)
  const asked: ClientMessage[] = []
  const question = { vendorClassIdentifier: ownQuestionClass }
  exchange.receive(discover(other, question), from, message => { asked.push(message) })
  t.match(asked, [{ isOwnQuestion: true }], 'but where it is asked whether it is answered')
  // Whoever sends in our name can only ask.
  for (const dhcpMessageType of ['REQUEST', 'DECLINE', 'RELEASE'] as const) exchange.receive(discover(other, { ...question, dhcpMessageType }), from, never)
  exchange.receive(encodePacket(request({ dhcpMessageType: 'DISCOVER', ...question }, { mac: other, giaddr: ip('10.9.0.1') })), from, never)
  // And whoever takes the name for himself is a machine like any other.
  exchange.receive(discover(testMac, question), from, message => { asked.push(message) })
  t.equal(asked.length, 2)
  t.equal(asked[1]?.isOwnQuestion, undefined)
  t.end()
})

t.test('what somebody has to mend is a warning once a minute, whichever machines ask', t => {
  const { exchange, clock, entries } = stage(t)
  const asks = (client: typeof testMac, reason: 'pool_exhausted' | 'unknown_client'): void => {
    exchange.receive(discover(client), from, asked => { exchange.drop(reason, '', asked) })
  }
  const levels = (reason: string): unknown[] => entries().filter(entry => entry['msg'] === 'dhcp.drop' && entry['reason'] === reason).map(({ level }) => level)
  asks(testMac, 'pool_exhausted')
  asks(other, 'pool_exhausted')
  asks(testMac, 'pool_exhausted')
  clock.advance(60_000)
  asks(testMac, 'pool_exhausted')
  t.same(levels('pool_exhausted'), ['warn', 'info', 'debug', 'warn'])
  asks(testMac, 'unknown_client')
  t.same(levels('unknown_client'), ['info'])
  t.end()
})

t.test('a flood of machines that are made up is a warning a minute and some lines a second, however many there are', t => {
  const { exchange, clock, events, entries } = stage(t)
  const flood = (reason: 'pool_exhausted' | 'reservation_in_use' | 'unknown_subnet' | 'unknown_client', from: number, count: number): void => {
    for (let n = from; n < from + count; n++) {
      const client = mac(`02:00:00:00:${(n >> 8).toString(16).padStart(2, '0')}:${(n & 255).toString(16).padStart(2, '0')}`)
      exchange.receive(discover(client), { address: '0.0.0.0', port: 68 }, asked => { exchange.drop(reason, '', asked) })
    }
  }
  const told = (level: string): number => entries().filter(entry => entry['msg'] === 'dhcp.drop' && entry['level'] === level).length
  const reasons = ['pool_exhausted', 'reservation_in_use', 'unknown_subnet', 'unknown_client'] as const
  reasons.forEach((reason, n) => { flood(reason, n * 1000, 1000) })
  t.equal(told('warn'), 3, 'each of what somebody has to mend')
  const most = told('info')
  t.ok(most > 100 && most <= 250, `${most} lines of 4,000 machines`)
  t.equal(events.filter(({ kind }) => kind === 'dropped').length, 4000, 'all are counted')
  clock.advance(10_000)
  flood('unknown_client', 5000, 1000)
  t.ok(told('info') - most <= 100, `${told('info') - most} lines in ten seconds`)
  t.end()
})

t.test('a flood is limited for its sender, told of once in ten minutes, and hurts nobody else', t => {
  const { exchange, clock, events, entries } = stage(t)
  let decided = 0
  const flood = (): void => { for (let n = 0; n < 100; n++) exchange.receive(discover(), from, () => { decided++ }) }
  const told = (): number => entries().filter(entry => entry['reason'] === 'rate_limited' && entry['level'] === 'info').length
  flood()
  t.equal(decided, requestRate.burst)
  t.equal(events.filter(event => event.kind === 'dropped' && event.reason === 'rate_limited').length, 100 - requestRate.burst)
  exchange.receive(discover(other), from, ({ client }) => { t.equal(client.mac, other) })
  clock.advance(599_000)
  flood()
  t.equal(told(), 1)
  clock.advance(1000)
  flood()
  t.equal(told(), 2)
  t.end()
})

t.test('a flood in a machine\'s name from elsewhere leaves the machine itself heard', t => {
  const { exchange } = stage(t)
  let decided = 0
  for (let n = 0; n < 100; n++) exchange.receive(discover(), { address: '203.0.113.9', port: 68 }, () => {})
  exchange.receive(discover(), from, () => { decided++ })
  exchange.receive(encodePacket(request({ dhcpMessageType: 'DISCOVER' }, { giaddr: 0x0a090001 })), { address: '10.9.0.1', port: 67 }, () => { decided++ })
  t.equal(decided, 2)
  t.end()
})

t.test('an option that can not be read is told of with its machine, once in a while, and counted each time', t => {
  const { exchange, events, entries } = stage(t)
  const odd = Buffer.concat([discover().subarray(0, 240), Buffer.from('350101390105ff', 'hex')])
  let decided = 0
  for (let n = 0; n < 3; n++) exchange.receive(odd, from, () => { decided++ })
  t.equal(decided, 3)
  t.match(events.filter(event => event.kind === 'odd_option'), Array.from({ length: 3 }, () => ({ code: 57, why: 'length', mac: testMac })))
  t.match(entries().filter(({ msg, level }) => msg === 'dhcp.odd_option' && level === 'info'), [{ mac: testMac, option: 57, reason: 'length' }])
  t.end()
})

t.test('options that do not fit into an answer are told of', async t => {
  const { exchange, events, entries } = stage(t)
  const socket = await new DhcpWire().bind({ address: '0.0.0.0', port: 67 }, () => {})
  const asked = message(request({ dhcpMessageType: 'DISCOVER' }))
  const reply = { ...request({ dhcpMessageType: 'OFFER', other: new Map([[224, Buffer.alloc(200)], [225, Buffer.alloc(200)]]) }), op: 2 } as const
  exchange.send(socket, { reply, to: { address: '10.0.0.1', port: 68 }, name: 'dhcp.offer' }, asked)
  t.match(entries().filter(({ level }) => level === 'warn'), [{ msg: 'dhcp.options_left_out', options: [225], hint: /takes 548 octets/ }])
  t.match(events, [{ kind: 'options_left_out', count: 1 }, { kind: 'sent' }])
})

/** An exchange whose socket is `like` that. */
async function sendingBy (exchange: MessageExchange, like: Partial<UdpSocket>): Promise<(address: string, from?: string) => boolean> {
  const socket = { ...await new DhcpWire().bind({ address: '0.0.0.0', port: 67 }, () => {}), ...like }
  const reply = { ...request({ dhcpMessageType: 'OFFER' }, { yiaddr: 0x0a000001 }), op: 2 } as const
  return (address, from = '0.0.0.0') =>
    exchange.send(socket, { reply, to: { address, port: 68 }, name: 'dhcp.offer' }, message(request({ dhcpMessageType: 'DISCOVER' }), ip(from)))
}

t.test('an answer that the kernel refuses is none: it counts as dropped, and who looks after the link hears once', async t => {
  const heard: Array<string | undefined> = []
  const { exchange, events, entries } = stage(t, { onRefused: why => { heard.push(why) } })
  let refusal: Error | null = new Error('send EPERM')
  const send = await sendingBy(exchange, { sendNow: () => refusal })
  t.same([send('255.255.255.255'), send('255.255.255.255'), send('10.0.0.1')], [false, false, false])
  t.match(events, Array.from({ length: 3 }, () => ({ kind: 'dropped', reason: 'unsent', mac: testMac })))
  t.match(entries().filter(({ level }) => level === 'warn'), [{ msg: 'dhcp.drop', reason: 'unsent', detail: 'send EPERM to 255.255.255.255', mac: testMac }])
  t.notOk(entries().some(({ msg }) => msg === 'dhcp.offer'))
  t.same(heard, ['send EPERM'], 'who asks from elsewhere says nothing of the link')
  refusal = null
  t.equal(send('10.0.0.1'), true)
  t.equal(heard.length, 1)
  t.same([send('255.255.255.255'), send('255.255.255.255')], [true, true])
  t.same(heard, ['send EPERM', undefined])
  t.match(events.slice(3), [{ kind: 'sent', type: 'OFFER', ip: 0x0a000001 }, { kind: 'sent' }, { kind: 'sent' }])
})

t.test('what Node takes for later is an answer, and what is refused later counts too', async t => {
  const { exchange, events } = stage(t)
  let later = (_error: Error | null): void => {}
  const late = await sendingBy(exchange, { send: (_data, _to, sent) => { later = sent! } })
  t.equal(late('10.0.0.1'), true)
  later(new Error('no route'))
  t.match(events, [{ kind: 'sent' }, { kind: 'dropped', reason: 'unsent', detail: 'no route to 10.0.0.1' }])
  const atOnce = await sendingBy(exchange, { send: (_data, _to, sent) => { sent?.(new Error('send EAGAIN')) } })
  t.equal(atOnce('10.0.0.1'), false)
})

t.test('who does not answer ARP gets what is left of the socket\'s buffer, up to a part of it', async t => {
  const answers = mac('52:54:00:00:00:77')
  const neighbours = new Map([['10.0.0.1', { mac: answers }], ['10.0.0.2', { mac: undefined }]])
  const { exchange } = stage(t, { neighbour: ip => neighbours.get(formatIpv4(ip)) })
  let share = 0
  const send = await sendingBy(exchange, { sendNow: () => null, unsentShare: () => share })
  const places = [['255.255.255.255'], ['10.0.0.1'], ['10.9.9.9'], ['10.0.0.2', '10.0.0.2'], ['10.0.0.2', '10.0.0.1']] as const
  t.equal(mostHeld.backOnLink, mostHeld.behindRouter)
  for (const [held, taken] of [[0, 5], [0.24, 5], [mostHeld.onLink, 4], [0.49, 4], [mostHeld.backOnLink, 2], [1.1, 2]] as const) {
    share = held
    t.same(places.map(([place, from]) => send(place, from)), places.map((_, n) => n < taken), `${held} of it held`)
  }
})

t.test('to an address that a message names and does not come from so many leave in a second, for each place it comes from', async t => {
  const { exchange, clock, events } = stage(t, { neighbour: ip => ip >>> 16 === 0x0a00 ? { mac: undefined } : undefined, serves: ip => ip >>> 16 === 0x0a01 })
  const send = await sendingBy(exchange, { sendNow: () => null })
  const most = elsewhereRate.burst
  const sent = (count: number, to: string, from: string): number => Array.from({ length: count }, () => send(to, from)).filter(Boolean).length
  t.equal(sent(most + 1, '203.0.113.9', '198.51.100.1'), most)
  t.match(events.at(-1), { kind: 'dropped', reason: 'rate_limited', detail: 'to 203.0.113.9, from 198.51.100.1', mac: testMac })
  t.equal(sent(most + 1, '203.0.113.9', '198.51.100.2'), most, 'a relay agent that sends from another of its addresses')
  t.equal(sent(most + 1, '203.0.113.10', '198.51.100.1'), most, 'and another address of it')
  for (const [to, what] of [['198.51.100.1', 'to whom it comes from'], ['255.255.255.255', 'to all'], ['10.0.0.9', 'on the link'], ['10.1.0.9', 'in a configured network']] as const) {
    t.equal(sent(3 * most, to, '198.51.100.1'), 3 * most, what)
  }
  clock.advance(1000)
  t.equal(sent(most, '203.0.113.9', '198.51.100.1'), elsewhereRate.perSecond)
})

/** What is decided on of a victim's exchange while somebody sends `perSecond` messages in its name with the ids that `forged` gives. */
function duringFlood (t: Test, perSecond: number, forged: (n: number) => number): readonly string[] {
  const { exchange, clock } = stage(t)
  const heard: string[] = []
  const send = (xid: number, type: 'DISCOVER' | 'REQUEST' = 'DISCOVER'): void => {
    exchange.receive(encodePacket({ ...request({ dhcpMessageType: type }, { mac: testMac }), xid }), from, ({ request: { xid, options } }) => {
      if (xid === genuine) heard.push(`${options.dhcpMessageType} after ${(clock.now() - began) / 1000} s`)
    })
  }
  // PXE's tries (section 2.2.4 of its specification), each right after a message that took what was left, and the REQUEST after an answer.
  const tries = new Set([2, 6, 14])
  const began = clock.now()
  for (let n = 0; n < 15 * perSecond && heard.length === 0; n++) {
    send(forged(n))
    if (tries.has(n / perSecond)) send(genuine)
    if (heard.length > 0) send(genuine, 'REQUEST')
    clock.advance(1000 / perSecond)
  }
  return heard
}
const genuine = 0x12345678

t.test('a flood in a machine\'s name from its own address: it is heard when it comes back', t => {
  const both = ['DISCOVER after 6 s', 'REQUEST after 6 s']
  t.same(duringFlood(t, 500, () => 7), both, 'one message, again and again')
  t.same(duringFlood(t, 500, n => n), both, 'an id for each')
  t.same(duringFlood(t, 2000, n => n), both, 'and many of them')
  t.same(duringFlood(t, 500, n => n % 3), both, 'a few')
  t.end()
})

t.test('transactions that are invented take the memory of so many', t => {
  const transactions = new Transactions()
  for (let n = 0; n < 5 * rememberedTransactions; n++) transactions.heard(n, n)
  t.equal(transactions.size, 2 * rememberedTransactions)
  t.not(transactionOf(testMac, 1), transactionOf(other, 1))
  t.ok(Number.isSafeInteger(transactionOf(mac('ff:ff:ff:ff:ff:ff'), 0xffffffff)))
  t.end()
})
