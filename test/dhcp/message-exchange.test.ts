// What both servers do alike with messages: what is let in, what a mistake of ours costs, what the log says how often.
import t, { type Test } from 'tap'
import type { DhcpEvent } from '../../src/dhcp/dhcp-event.js'
import { MessageExchange, type MessageExchangeOptions, requestRate } from '../../src/dhcp/message-exchange.js'
import { encodePacket } from '../../src/dhcp/packet.js'
import { createLog } from '../../src/base/log.js'
import { mac, request, testMac } from '../helpers/dhcp.js'
import { DhcpWire } from '../helpers/dhcp-wire.js'
import { FakeClock } from '../helpers/fake-clock.js'
import { logLines } from '../helpers/log-lines.js'

const other = mac('52:54:00:00:00:99')
const discover = (from = testMac): Buffer => encodePacket(request({ dhcpMessageType: 'DISCOVER' }, { mac: from }))

function stage (_: Test, more: Partial<MessageExchangeOptions> = {}) {
  const { stream, entries } = logLines()
  const [clock, events] = [new FakeClock(), [] as DhcpEvent[]]
  const log = createLog({ level: 'debug', pretty: false, destination: stream })
  return { exchange: new MessageExchange({ clock, log, onEvent: event => { events.push(event) }, ...more }), clock, events, entries }
}

t.test('a mistake in deciding costs one message, and is counted', t => {
  const { exchange, events, entries } = stage(t)
  exchange.receive(discover(), () => { throw new TypeError('ours') })
  t.match(events, [{ kind: 'received', type: 'DISCOVER', mac: testMac }, { kind: 'dropped', reason: 'failed', mac: testMac }])
  t.match(entries().at(-1), { level: 'error', msg: 'dhcp.failed', packet: /^DISCOVER .*52:54:00:12:34:56/ })
  let decided = 0
  exchange.receive(discover(), () => { decided++ })
  t.equal(decided, 1, 'the next is looked at')
  t.end()
})

t.test('what is no message, and what comes from here, is not decided on', t => {
  const { exchange, events } = stage(t, { ownMac: other })
  const never = (): void => { t.fail('decided') }
  exchange.receive(Buffer.alloc(10), never)
  exchange.receive(discover(other), never)
  t.match(events, [{ kind: 'dropped', reason: 'malformed', detail: 'op' }])
  t.equal(events.length, 1)
  t.end()
})

t.test('a flood is limited for its sender, told of once in ten minutes, and hurts nobody else', t => {
  const { exchange, clock, events, entries } = stage(t)
  let decided = 0
  const flood = (): void => { for (let n = 0; n < 100; n++) exchange.receive(discover(), () => { decided++ }) }
  const told = (): number => entries().filter(entry => entry['reason'] === 'rate_limited' && entry['level'] === 'info').length
  flood()
  t.equal(decided, requestRate.burst)
  t.equal(events.filter(event => event.kind === 'dropped' && event.reason === 'rate_limited').length, 100 - requestRate.burst)
  exchange.receive(discover(other), ({ mac }) => { t.equal(mac, other) })
  clock.advance(599_000)
  flood()
  t.equal(told(), 1)
  clock.advance(1000)
  flood()
  t.equal(told(), 2)
  t.end()
})

t.test('an answer that the kernel does not take is told of', async t => {
  const { exchange, events, entries } = stage(t)
  const socket = await new DhcpWire().bind({ address: '0.0.0.0', port: 67 }, () => {})
  const refusing = { ...socket, send: (_data: Uint8Array, _to: unknown, sent?: (error: Error | null) => void) => { sent?.(new Error('no route')) } }
  const asked = { request: request({ dhcpMessageType: 'DISCOVER' }), mac: testMac }
  const reply = request({ dhcpMessageType: 'OFFER' }, { yiaddr: 0x0a000001 })
  exchange.send(refusing, { reply: { ...reply, op: 2 }, to: { address: '10.0.0.1', port: 68 }, name: 'dhcp.offer' }, asked)
  t.match(entries().filter(entry => entry['level'] !== 'debug'), [
    { msg: 'dhcp.unsent', to: '10.0.0.1', error: 'no route', mac: testMac }, { msg: 'dhcp.offer', ip: '10.0.0.1', mac: testMac }
  ])
  t.match(events, [{ kind: 'sent', type: 'OFFER', ip: 0x0a000001 }])
})
