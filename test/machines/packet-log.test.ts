// The last packets of each machine: how many, whose give way to whose, and what all of them take.
import t from 'tap'
import { longestPacket, octetsOfPacket, packetBudgets, PacketLog, packetsOfMachine } from '../../src/machines/packet-log.js'
import { macFromBytes, type Mac } from '../../src/net/mac.js'
import { mac } from '../helpers/dhcp.js'

const end = { address: '172.30.0.21', port: 68 }
const packet = (octets: number, at = 0): Parameters<PacketLog['record']>[1] =>
  ({ protocol: 'dhcp', at, isSent: false, from: end, to: end, data: Buffer.alloc(octets, 1) })
const numbered = (n: number): Mac => macFromBytes(Buffer.from([0x02, 0, n >>> 24, n >>> 16, n >>> 8, n]))
const own = mac('52:54:00:00:00:01')

t.test('the last fifty, as copies, and no more of one than a frame holds', t => {
  const log = new PacketLog(() => 'known')
  const data = Buffer.alloc(2000, 7)
  for (let at = 0; at < 60; at++) log.record(own, { ...packet(0, at), data })
  data.fill(0)
  const kept = log.of(own)
  t.same([kept.length, kept[0]?.at, kept.at(-1)?.at], [packetsOfMachine, 10, 59])
  t.same([kept[0]?.data.length, kept[0]?.length, kept[0]?.data[0]], [longestPacket, 2000, 7])
  t.equal(log.octets, packetsOfMachine * (longestPacket + octetsOfPacket))
  t.same(log.of(numbered(1)), [])
  t.end()
})

t.test('a flood of strangers pushes out strangers, within what they may take', t => {
  const log = new PacketLog(found => found === own ? 'known' : 'stranger')
  log.record(own, packet(300))
  const most = packetBudgets.stranger + packetBudgets.known
  for (let n = 0; n < 20_000; n++) log.record(numbered(n), packet(548))
  t.ok(log.octets <= packetBudgets.stranger + 1000, `${log.octets}`)
  t.equal(log.of(own).length, 1)
  t.equal(log.of(numbered(0)).length, 0)
  t.equal(log.of(numbered(19_999)).length, 1, 'the latest is there')
  for (let n = 0; n < 20_000; n++) log.record(own, packet(548))
  t.ok(log.octets < most)
  t.equal(log.of(numbered(19_999)).length, 1, 'nor does a flood in one name push out anybody else')
  t.end()
})

t.test('whoever takes a lease under any hardware address pushes out those who did, within what they may take', t => {
  const log = new PacketLog(found => found === own ? 'known' : 'leased')
  log.record(own, packet(300))
  for (let n = 0; n < 20_000; n++) log.record(numbered(n), packet(548))
  t.ok(log.octets <= packetBudgets.leased + 2000, `${log.octets}`)
  t.same([own, numbered(0), numbered(19_999)].map(found => log.of(found).length), [1, 0, 1])
  t.end()
})

t.test('a stranger whom somebody names is one no longer', t => {
  let known = false
  const log = new PacketLog(() => known ? 'known' : 'stranger', { known: 10_000, leased: 0, stranger: 2000 })
  log.record(own, packet(300, 1))
  known = true
  log.record(own, packet(300, 2))
  for (let n = 0; n < 5; n++) { known = false; log.record(numbered(n), packet(300)) }
  t.same(log.of(own).map(({ at }) => at), [1, 2])
  t.ok(log.octets <= 12_000)
  t.end()
})
