import { Buffer } from 'node:buffer'
import t from 'tap'
import { clientHash, delayOf, mixing, rankOf, turn } from '../../src/cluster/client-hash.js'
import { mac } from '../helpers/dhcp.js'

t.test("RFC 3074's table is a permutation, and its hash takes every octet", async t => {
  t.same([...mixing].sort((a, b) => a - b), Array.from({ length: 256 }, (_, n) => n))
  t.equal(clientHash(Buffer.alloc(0)), 0)
  t.equal(clientHash(Buffer.from([5])), mixing[1 ^ 5])
  t.equal(clientHash(Buffer.from([7, 5])), mixing[mixing[2 ^ 5]! ^ 7])
})

t.test('each machine has one first server, all servers agree, and each has its share', async t => {
  const servers = ['p3', 'p1', 'p2']
  const first = new Map<string, number>()
  for (let n = 0; n < 3000; n++) {
    const machine = mac(`52:54:00:00:${(n >> 8).toString(16).padStart(2, '0')}:${(n & 255).toString(16).padStart(2, '0')}`)
    const ranks = servers.map(server => rankOf(machine, server, servers))
    t.same([...ranks].sort(), [0, 1, 2])
    const leader = servers[ranks.indexOf(0)]!
    first.set(leader, (first.get(leader) ?? 0) + 1)
  }
  for (const server of servers) t.ok(first.get(server)! > 800, `${server}: ${first.get(server)} of 3000`)
  t.equal(rankOf(mac('52:54:00:00:00:01'), 'p9', servers), 3, 'who is not there comes last')
  t.equal(rankOf(mac('52:54:00:00:00:01'), 'p9', []), 0, 'alone')
})

t.test('turns grow with rank, until a machine has asked for long', async t => {
  t.same([delayOf(0, 0), delayOf(2, 3), delayOf(2, 4)], [0, 2 * turn, 0])
})
