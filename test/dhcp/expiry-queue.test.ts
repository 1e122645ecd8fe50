// The heap gives what it was given, in order of time.
import t from 'tap'
import fc from 'fast-check'
import { ExpiryQueue } from '../../src/dhcp/expiry-queue.js'

t.test('sorted, whatever came in', t => {
  fc.assert(fc.property(fc.array(fc.integer({ min: 0, max: 50 })), times => {
    const queue = new ExpiryQueue()
    times.forEach((at, ip) => { queue.push({ ip, at }) })
    const listed = [...queue.inOrder()]
    t.same(listed.map(({ at }) => at), [...times].sort((a, b) => a - b), 'listed, with none taken out')
    t.equal(new Set(listed).size, times.length)
    const out: number[] = []
    for (let entry = queue.pop(); entry !== undefined; entry = queue.pop()) out.push(entry.at)
    t.same(out, [...times].sort((a, b) => a - b))
    t.equal(queue.size, 0)
    t.equal(queue.peek(), undefined)
  }), { seed: 20260101, numRuns: 200 })
  t.end()
})
