// When new addresses are looked at before they are offered, and when a storm makes the offers go out unasked.
import t from 'tap'
import { ProbePace } from '../../src/dhcp/probe-pace.js'

/** How many of so many new addresses at once are asked for. */
const asked = (pace: ProbePace, now: number, count: number, behind = false): number =>
  Array.from({ length: count }, () => pace.next(now, behind).pace).filter(found => found === 'ask').length

t.test('a rack is asked for, a storm is not, for as long as it lasts', t => {
  const pace = new ProbePace(0)
  t.equal(asked(pace, 0, 100), 100)
  t.equal(asked(pace, 0, 100), 28)
  let [during, now] = [0, 0]
  for (let n = 0; n < 300; n++) during += asked(pace, now += 10, 20)
  t.equal(during, 0, 'two thousand a second, for three seconds')
  t.equal(asked(pace, now + 2000, 1), 0, 'the storm is paid for first')
  t.equal(asked(pace, now + 4100, 200), 128, 'and all is as before')
  t.end()
})

t.test('the first that is passed over is told of', t => {
  const pace = new ProbePace(0)
  t.same(pace.next(0, true), { pace: 'pass', began: true })
  t.same(pace.next(0, true), { pace: 'pass', began: false })
  t.end()
})

t.test('a few machines a second are asked for without end', t => {
  const pace = new ProbePace(0)
  let count = 0
  for (let n = 1; n <= 3000; n++) count += asked(pace, n * 20, 1)
  t.equal(count, 3000)
  t.end()
})

t.test('none while messages wait; a storm is told of once', t => {
  const pace = new ProbePace(0)
  t.equal(asked(pace, 0, 10, true), 0)
  const storm = new ProbePace(0)
  const told = Array.from({ length: 500 }, (_, n) => storm.next(n, false).began).filter(Boolean).length
  t.equal(told, 1)
  t.equal(storm.next(20_000, false).pace, 'ask')
  t.equal(Array.from({ length: 500 }, () => storm.next(20_000, false).began).filter(Boolean).length, 1, 'the next storm is another')
  t.end()
})

t.test('a clock set back gives nothing', t => {
  const pace = new ProbePace(10_000)
  t.equal(asked(pace, 10_000, 128), 128)
  t.equal(asked(pace, 0, 1), 0)
  t.end()
})

t.test('a look ahead is a look: what it takes is not there for another one, and it takes no more than there is', t => {
  const pace = new ProbePace(0)
  t.equal(pace.ahead(0, 64), 64)
  t.equal(asked(pace, 0, 60), 60)
  t.equal(pace.ahead(0, 64), 4)
  t.equal(pace.hasSlack(0), false)
  t.equal(pace.ahead(0, 1), 0)
  t.equal(asked(pace, 0, 100), 0)
  t.equal(pace.ahead(500, 64), 0, 'a storm is paid for first')
  t.equal(pace.hasSlack(1625), false, 'and one that was just begun would be waited for')
  t.equal(pace.ahead(2550, 64), 0)
  t.equal(pace.hasSlack(2563), true)
  t.equal(pace.ahead(2563, 64), 64)
  t.end()
})

t.test('of machines that come faster than there is slack for none waits for a look that was begun a moment before', t => {
  for (const apart of [5, 10]) {
    const pace = new ProbePace(0)
    // When the looks at the addresses that are given next began; 64 were there before anybody came.
    const looks = Array.from({ length: 64 }, () => -1000)
    const [waited, passed]: [number[], number[]] = [[], []]
    for (let now = 0; now < 10_000; now += apart) {
      const began = looks.shift()
      if (began === undefined && pace.next(now, false).pace === 'ask') waited.push(now)
      if (began === undefined) passed.push(now)
      if (began !== undefined && now - began < 300) waited.push(now)
      const wanted = pace.hasSlack(now) ? 64 - looks.length : 0
      for (let count = pace.ahead(now, wanted); count > 0; count--) looks.push(now)
    }
    t.same(waited, [], `one each ${apart} ms`)
    t.ok(passed.length > 300, 'they go on unasked')
  }
  t.end()
})
