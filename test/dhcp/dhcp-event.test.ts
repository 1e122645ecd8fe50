// Which events of DHCP may be told later, and which are of this machine itself.
import t from 'tap'
import { type DhcpEvent, isBeforeLease, isOwnQuestion, machineOf } from '../../src/dhcp/dhcp-event.js'
import { mac } from '../helpers/dhcp.js'

const [own, other] = [mac('52:54:00:00:00:0a'), mac('52:54:00:00:00:0b')]
const message = (kind: string, type: string, of = own): DhcpEvent => ({ kind, type, client: { mac: of } }) as unknown as DhcpEvent

t.test('what may be told later', t => {
  for (const [event, may] of [
    [message('received', 'DISCOVER'), true], [message('sent', 'OFFER'), true], [message('sent', 'ACK'), false], [message('received', 'REQUEST'), false],
    [message('received', 'OFFER'), false], [{ kind: 'dropped', reason: 'overload', detail: '' }, false]
  ] as const) t.equal(isBeforeLease(event as DhcpEvent), may, `${event.kind}`)
  t.end()
})

t.test('whose it is', t => {
  const lease: DhcpEvent = { kind: 'lease', change: 'ended', mac: other, ip: 1 }
  t.equal(machineOf(message('received', 'DISCOVER')), own)
  t.equal(machineOf(lease), other)
  t.equal(machineOf({ kind: 'dropped', reason: 'malformed', detail: '' }), undefined)
  for (const [event, of, is] of [
    [message('received', 'DISCOVER'), own, true], [message('received', 'DISCOVER', other), own, false], [lease, other, true], [lease, undefined, false],
    [{ kind: 'dropped', reason: 'malformed', detail: '' }, undefined, false],
    [{ kind: 'other_server', ip: 1, mac: own, news: true }, own, false]
  ] as const) t.equal(isOwnQuestion(event as DhcpEvent, of), is, event.kind)
  t.end()
})
