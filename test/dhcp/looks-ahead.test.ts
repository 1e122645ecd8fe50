// Looks begun before anybody waits for them: for how long they count, for whom, and how many there are.
import t from 'tap'
import { counts, freeLately, lookCounts, LooksAhead, mostLooks } from '../../src/dhcp/looks-ahead.js'
import type { Lease } from '../../src/dhcp/leases.js'
import type { ConflictAnswer } from '../../src/net/conflict-probe.js'
import { ip, mac, testMac } from '../helpers/dhcp.js'

const address = ip('10.0.0.10')
const offered: Lease = { ip: address, mac: testMac, state: 'offered', since: 0, expires: 60_000 }
const free: Promise<ConflictAnswer> = Promise.resolve({ inUse: false })

t.test('it is for one machine, with its answer as soon as there is one', async t => {
  const looks = new LooksAhead<ConflictAnswer>()
  let end = (_answer: ConflictAnswer): void => {}
  looks.begin(address, 0, undefined, new Promise(resolve => { end = resolve }))
  t.equal(looks.has(address, 0), true)
  const look = looks.take(address, 0, undefined, offered)
  t.match(look, { answer: undefined })
  end({ inUse: true, by: testMac })
  t.same(await look?.over, { inUse: true, by: testMac })
  t.same(look?.answer, { inUse: true, by: testMac })
  t.equal(looks.has(address, 0), false)
  t.equal(looks.take(address, 0, undefined, offered), undefined, 'who has the address after this machine may find it there')
})

t.test('it counts for a minute, and not before it began', async t => {
  for (const [now, isCounted] of [[1000, true], [999 + lookCounts, true], [1000 + lookCounts, false], [999, false]] as const) {
    const looks = new LooksAhead<ConflictAnswer>()
    looks.begin(address, 1000, undefined, free)
    t.equal(looks.has(address, now), isCounted, `${now}`)
    t.equal(looks.take(address, now, undefined, offered) !== undefined, isCounted, `${now}`)
  }
})

t.test('not of an address that somebody has had since', async t => {
  const over: Lease = { ...offered, mac: mac('52:54:00:00:00:02'), state: 'bound', expires: 10 }
  for (const [what, before, now, isCounted] of [
    ['its lease is over as it was then', over, over, true],
    ['another machine had it and gave it back', undefined, { ...over, state: 'released' }, false],
    ['its lease was another one', over, { ...over }, false],
    ['the offer is in force already, where it is kept before it is made', over, { ...offered }, true],
    ['the machine has it by another server of the same store', over, { ...offered, state: 'bound' }, false]
  ] as const) {
    const looks = new LooksAhead<ConflictAnswer>()
    looks.begin(address, 0, before, free)
    t.equal(looks.take(address, 0, now, offered) !== undefined, isCounted, what)
  }
})

t.test('so many are remembered, and those that count no more make room', async t => {
  const looks = new LooksAhead<ConflictAnswer>()
  for (let n = 0; n < mostLooks; n++) {
    t.equal(looks.room(n), mostLooks - n)
    looks.begin(address + n, n, undefined, free)
  }
  t.equal(looks.room(mostLooks), 0)
  t.equal(looks.room(lookCounts + 9), 10)
  looks.begin(address + 20, lookCounts + 9, undefined, free)
  t.equal(looks.room(lookCounts + 20), 20, 'one that was begun anew is as new as that')
  looks.forget()
  t.equal(looks.room(lookCounts + 20), mostLooks)
})

t.test('that an idle look found it free is remembered for five minutes, of this lease alone', async t => {
  const since: Lease = { ...offered, mac: mac('52:54:00:00:00:02') }
  for (const [what, idle, answer, now, lease, isRemembered, wasFree] of [
    ['when it counts no more', true, { inUse: false }, 1000 + lookCounts, undefined, true, true],
    ['within five minutes', true, { inUse: false }, 999 + freeLately, undefined, true, true],
    ['later', true, { inUse: false }, 1000 + freeLately, undefined, false, false],
    ['the clock was set back', true, { inUse: false }, 999, undefined, false, false],
    ['another lease since', true, { inUse: false }, 1000 + lookCounts, since, true, false],
    ['it is in use', true, { inUse: true, by: testMac }, 1000 + lookCounts, undefined, false, false],
    ['as machines came, perhaps behind a router', false, { inUse: false }, 1000 + lookCounts, undefined, false, false]
  ] as const) {
    const looks = new LooksAhead<ConflictAnswer>()
    const look = looks.begin(address, 1000, undefined, Promise.resolve(answer), idle)
    await look.over
    looks.room(now)
    t.equal(looks.begunAt(address), isRemembered ? 1000 : undefined, what)
    const taken = looks.take(address, now, lease, offered)
    t.equal(taken !== undefined && taken.isOver && counts(taken, now), false, 'but it does not count')
    t.equal(taken?.answer?.inUse === false, wasFree, what)
  }
})

t.test('as long as a look is made anew the one before it counts, and what it said', async t => {
  for (const [what, now, lease, answer] of [
    ['it counts still', 1000 + lookCounts - 1, undefined, { inUse: false }],
    ['no more, but it was free lately', 1000 + lookCounts, undefined, { inUse: false }],
    ['not even that', 1000 + freeLately, undefined, undefined],
    ['another lease since', 2000, offered, undefined]
  ] as const) {
    const looks = new LooksAhead<ConflictAnswer>()
    await looks.begin(address, 1000, undefined, free, true).over
    let end = (_answer: ConflictAnswer): void => {}
    const look = looks.begin(address, now, lease, new Promise(resolve => { end = resolve }), true)
    t.same(look.answer, answer, what)
    t.same(looks.answers([address, address + 1], now), answer === undefined ? [] : [{ ip: address, answer }])
    end({ inUse: true, by: testMac })
    await look.over
    t.match(looks.answers([address], now), [{ answer: { inUse: true } }])
    t.same(looks.answers([address], now + lookCounts), [], 'as long as it counts')
    looks.drop(address)
    t.same(looks.answers([address], now), [])
  }
})

t.test('what was found free lately gives way to looks that count', async t => {
  const looks = new LooksAhead<ConflictAnswer>()
  for (let n = 0; n < mostLooks; n++) await looks.begin(address + n, 0, undefined, free, true).over
  t.equal(looks.room(lookCounts), mostLooks)
  for (let n = 0; n < mostLooks; n++) looks.begin(address + 1000 + n, lookCounts, undefined, free)
  t.equal(looks.room(lookCounts), 0)
  t.equal(looks.begunAt(address + mostLooks - 1), undefined, 'no more than so many are remembered')
})
