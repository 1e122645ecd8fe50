// What waits when more arrives than can be answered: who goes first, and who is dropped.
import t from 'tap'
import { Backlog, isDiscover, mostDiscovers, mostOfKnown, mostOthers } from '../../src/dhcp/backlog.js'
import type { MessageType } from '../../src/dhcp/constants.js'
import { encodePacket } from '../../src/dhcp/packet.js'
import { hex, request } from '../helpers/dhcp.js'
import { packetFixtures } from '../helpers/fixtures.js'

const rest = (backlog: Backlog<string>): string[] => {
  const taken: string[] = []
  for (let next = backlog.take(); next !== undefined; next = backlog.take()) taken.push(next)
  return taken
}

t.test('others first and in order, then the newest DISCOVER', t => {
  const backlog = new Backlog<string>()
  for (const [item, discover] of [['d1', true], ['r1', false], ['d2', true], ['r2', false]] as const) t.equal(backlog.push(item, discover, 0), true)
  t.equal(backlog.size, 4)
  t.same(rest(backlog), ['r1', 'r2', 'd2', 'd1'])
  t.equal(backlog.size, 0)
  t.equal(backlog.take(), undefined)
  t.end()
})

t.test('stale DISCOVERs are dropped, never a REQUEST', t => {
  const backlog = new Backlog<string>()
  backlog.push('r', false, 0)
  for (let n = 0; n < 5; n++) backlog.push(`d${n}`, true, n * 100)
  t.equal(backlog.expire(300), 1, 'what came 200 ms ago is worth an answer yet')
  t.equal(backlog.expire(301), 1)
  t.equal(backlog.size, 4)
  t.same(rest(backlog), ['r', 'd4', 'd3', 'd2'])
  t.equal(backlog.expire(10_000), 0)
  t.end()
})

t.test('machines that somebody named go before everybody, and nothing of theirs is dropped for a stranger', t => {
  const backlog = new Backlog<string>()
  for (let n = 0; n < mostOthers + 10; n++) backlog.push(`r${n}`, false, 0)
  for (let n = 0; n < mostDiscovers + 10; n++) backlog.push(`d${n}`, true, 0)
  t.equal(backlog.pushKnown('k1', 'one'), true)
  t.equal(backlog.pushKnown('k2', 'two'), true)
  t.equal(backlog.known, 2)
  backlog.expire(10_000)
  t.same([backlog.take(), backlog.take(), backlog.take()], ['k1', 'k2', 'r0'])
  t.equal(backlog.known, 0)
  t.end()
})

t.test('whoever speaks in the name of a machine crowds out that one alone', t => {
  const backlog = new Backlog<string>()
  for (let n = 0; n < mostOfKnown.each; n++) t.equal(backlog.pushKnown('', 'victim'), true)
  t.equal(backlog.pushKnown('', 'victim'), false)
  t.equal(backlog.pushKnown('', 'other'), true)
  backlog.take()
  t.equal(backlog.pushKnown('', 'victim'), true, 'one was answered')
  t.equal(backlog.pushKnown('', 'victim'), false)
  t.equal(backlog.known, 9)
  let taken = 0
  for (let n = 0; backlog.size < mostOfKnown.all; n++) if (backlog.pushKnown('', `m${n >> 3}`)) taken++
  t.equal(backlog.pushKnown('', 'last'), false, `${taken} and no more`)
  while (backlog.take() !== undefined);
  t.equal(backlog.size, 0)
  t.equal(backlog.pushKnown('', 'victim'), true)
  t.end()
})

t.test('whatever arrives, it holds so many', t => {
  const backlog = new Backlog<string>()
  let dropped = 0
  for (let n = 0; n < 100_000; n++) if (!backlog.push(`d${n}`, true, n / 100)) dropped++
  t.equal(backlog.size, 512)
  t.equal(dropped, 100_000 - 512)
  t.equal(backlog.take(), 'd99999')
  for (let n = 0; n < 10_000; n++) backlog.push(`r${n}`, false, 0)
  t.equal(backlog.push('one more', false, 0), false)
  t.equal(backlog.size, 511 + 4096)
  t.equal(backlog.take(), 'r0', 'the first of them are kept')
  t.end()
})

t.test('a DISCOVER is known undecoded', t => {
  const type = (dhcpMessageType: MessageType): boolean => isDiscover(encodePacket(request({ hostName: 'first', dhcpMessageType })))
  t.equal(type('DISCOVER'), true)
  for (const other of ['REQUEST', 'DECLINE', 'RELEASE', 'INFORM'] as const) t.equal(type(other), false, other)
  for (const { name, bytes } of packetFixtures()) t.equal(isDiscover(bytes), /discover/.test(name), name)
  const options = (text: string): boolean => isDiscover(hex('00'.repeat(240) + text))
  const others = (count: number): string => '0c0161'.repeat(count)
  t.equal(options('350101'), true)
  t.equal(options('350102'), false)
  t.equal(options('00350101'), true, 'behind a pad')
  t.equal(options('0000000c000000350101'), true, 'behind pads, and an option without a value')
  t.equal(options(`${others(15)}350101`), true, 'the sixteenth option')
  t.equal(options(`${others(16)}350101`), false, 'of a seventeenth nobody asks')
  t.equal(options('3501'), false, 'cut off')
  for (const odd of ['', '00'.repeat(300), 'ff'.repeat(300), '00'.repeat(240) + '35', '00'.repeat(240) + '0cff']) t.equal(isDiscover(hex(odd)), false)
  t.end()
})
