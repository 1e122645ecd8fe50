// Relay agents and other servers that were seen, and what a stranger can make of the list.
import t from 'tap'
import { mostNeighbours, neighbourRate, Neighbours } from '../../src/dhcp/neighbours.js'
import { ip } from '../helpers/dhcp.js'

const relay = ip('172.31.0.1')
const addresses = (neighbours: Neighbours, kind: 'relay' | 'unexpected_relay' | 'server' = 'relay'): readonly number[] => neighbours.of(kind).seen.map(({ address }) => address)

t.test('when, and how often; the one that was seen last first', t => {
  const neighbours = new Neighbours(1000)
  neighbours.see('relay', relay, 1000)
  neighbours.see('relay', ip('172.32.0.1'), 2000)
  neighbours.see('relay', relay, 5000)
  neighbours.see('server', relay, 6000)
  t.same(neighbours.of('relay'), {
    seen: [{ address: relay, firstSeen: 1000, lastSeen: 5000, times: 2 }, { address: ip('172.32.0.1'), firstSeen: 2000, lastSeen: 2000, times: 1 }], passedOver: 0
  })
  t.same(neighbours.of('server').seen, [{ address: relay, firstSeen: 6000, lastSeen: 6000, times: 1 }])
  t.same(neighbours.of('unexpected_relay'), { seen: [], passedOver: 0 })
  t.end()
})

t.test('an address made up for each message: a bounded list that changes once a second, from which the real one does not go', t => {
  const neighbours = new Neighbours(0)
  for (let n = 0; n < 3; n++) neighbours.see('relay', relay, 0)
  let now = 0
  let before = new Set<number>()
  let mostNew = 0
  for (let made = 0; made < 20_000; made++) {
    now += 5
    neighbours.see('relay', ip('10.0.0.0') + made, now)
    if (made % 200 !== 199) continue
    const seen = addresses(neighbours)
    if (made > 1000) mostNew = Math.max(mostNew, seen.filter(address => !before.has(address)).length)
    before = new Set(seen)
  }
  t.equal(before.size, mostNeighbours)
  t.ok(before.has(relay), 'which was seen more than once')
  t.ok(mostNew <= neighbourRate.perSecond, `${mostNew} new ones a second`)
  t.equal(neighbours.of('relay').passedOver, 20_000 + 1 - neighbourRate.burst - Math.floor(now / 1000 * neighbourRate.perSecond))
  t.same(addresses(neighbours, 'unexpected_relay'), [], 'and what is made up of one kind is no concern of another')
  t.end()
})

t.test('a relay agent that comes while others are made up is there after some messages, one that left gives way', t => {
  const neighbours = new Neighbours(0)
  for (let n = 0; n < mostNeighbours; n++) for (let times = 0; times < 5; times++) neighbours.see('relay', ip('10.0.0.0') + n, 0)
  const later = 90_000_000
  for (let n = 1; n < mostNeighbours; n++) neighbours.see('relay', ip('10.0.0.0') + n, later)
  neighbours.see('relay', relay, later)
  t.ok(addresses(neighbours).includes(relay))
  t.notOk(addresses(neighbours).includes(ip('10.0.0.0')), 'not seen for a day')
  t.end()
})

t.test('a clock that is set back', t => {
  const neighbours = new Neighbours(1_000_000)
  neighbours.see('server', relay, 1_000_000)
  for (let n = 0; n < 100; n++) neighbours.see('server', ip('10.0.0.0') + n, 0)
  t.equal(neighbours.of('server').seen.length, mostNeighbours)
  t.end()
})
