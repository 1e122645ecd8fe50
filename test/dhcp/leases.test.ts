// The lease table: which address is next (never used, then longest expired), what is known of a machine, and that many
// changes keep it small.
import t from 'tap'
import fc from 'fast-check'
import { isActive, isHeld, type Lease, leaseHolder, type LeaseState, LeaseTable, sane, stateAt } from '../../src/dhcp/leases.js'
import { ip, mac } from '../helpers/dhcp.js'
import { cases } from '../helpers/property.js'

const range = { first: ip('10.0.0.10'), last: ip('10.0.0.13') }
const any = (): boolean => true
const machine = (n: number): ReturnType<typeof mac> => mac(`52:54:00:00:00:${n.toString(16).padStart(2, '0')}`)
const lease = (address: string, n: number, expires: number, more: Partial<Lease> = {}): Lease =>
  ({ ip: ip(address), mac: machine(n), state: 'bound', since: 0, expires, ...more })

t.test('never used addresses come first, in order; then the longest expired', t => {
  const table = new LeaseTable()
  const given: string[] = []
  for (const [n, expires] of [[1, 400], [2, 100], [3, 300], [4, 200]] as const) {
    const next = table.nextFree(range, 0, any)
    table.set({ ip: next!, mac: machine(n), state: 'bound', since: 0, expires })
    given.push(String(next! - range.first))
  }
  t.same(given, ['0', '1', '2', '3'])
  t.equal(table.nextFree(range, 99, any), undefined, 'full')
  t.equal(table.nextFree(range, 350, any), ip('10.0.0.11'))
  table.set(lease('10.0.0.11', 5, 9999))
  t.equal(table.nextFree(range, 350, any), ip('10.0.0.13'))
  t.end()
})

t.test('a lease that was renewed does not come up at its old time', t => {
  const table = new LeaseTable()
  for (let n = 0; n < 4; n++) table.set(lease(`10.0.0.1${n}`, n, 100))
  t.equal(table.nextFree(range, 150, any), ip('10.0.0.10'))
  for (let n = 0; n < 4; n++) table.set(lease(`10.0.0.1${n}`, n, 200 + n))
  t.equal(table.nextFree(range, 150, any), undefined)
  t.equal(table.nextFree(range, 201, any), ip('10.0.0.10'))
  t.end()
})

t.test('a released address is free from its release on, the longest first', t => {
  const table = new LeaseTable()
  for (let n = 0; n < 4; n++) table.set(lease(`10.0.0.1${n}`, n, 1000))
  table.set(lease('10.0.0.12', 2, 60, { state: 'released', since: 60 }))
  table.set(lease('10.0.0.11', 1, 50, { state: 'released', since: 50 }))
  t.equal(table.nextFree(range, 70, any), ip('10.0.0.11'))
  t.end()
})

t.test('addresses that may not be used are passed over, and looked at again after a reset', t => {
  const table = new LeaseTable()
  t.equal(table.nextFree(range, 0, address => address >= ip('10.0.0.12')), ip('10.0.0.12'))
  t.equal(table.nextFree(range, 0, any), ip('10.0.0.12'), 'not again while settings stand')
  table.reset()
  t.equal(table.nextFree(range, 0, any), ip('10.0.0.10'))
  t.end()
})

t.test('upcoming: what is given next, and next after that, with nothing changed by asking', t => {
  t.match(fc.check(fc.property(
    fc.array(fc.record({
      last: fc.integer({ min: 8, max: 40 }),
      state: fc.constantFrom<LeaseState>('offered', 'bound', 'declined', 'released'),
      // No two at one time: which of them comes first is nobody's promise.
      order: fc.integer({ min: 1, max: 100_000 })
    }), { maxLength: 60 }),
    fc.double({ min: 0, max: 1, noNaN: true }),
    (given, begin) => {
      const [table, wide] = [new LeaseTable({ grace: 7, start: () => begin }), { first: ip('10.0.0.10'), last: ip('10.0.0.37') }]
      given.forEach(({ last, state, order }, n) => { table.set(lease(`10.0.0.${last}`, n, order * 100 + n, { state, since: order * 100 + n })) })
      const usable = (address: number): boolean => address % 5 !== 0
      const now = 5_000_000
      const upcoming = table.upcoming(wide, now, usable, 12)
      const inTurn: number[] = []
      while (inTurn.length < 12) {
        const next = table.nextFree(wide, now, usable)
        if (next === undefined) break
        inTurn.push(next)
        table.set({ ip: next, mac: machine(200), state: 'bound', since: now, expires: now + 1 })
      }
      return JSON.stringify(upcoming) === JSON.stringify(inTurn)
    }
  ), cases(t, 300)), { failed: false })
  t.end()
})

t.test('upcoming looks at four addresses for each that it may give, whatever the range', t => {
  const table = new LeaseTable()
  let looks = 0
  const wide = { first: ip('10.0.0.0'), last: ip('10.255.255.255') }
  t.same(table.upcoming(wide, 0, () => { looks++; return false }, 64), [])
  t.equal(looks, 256)
  t.end()
})

t.test('a deleted address is free again', t => {
  const table = new LeaseTable()
  for (let n = 0; n < 4; n++) {
    table.set(lease(`10.0.0.1${n}`, n, 1000))
    table.nextFree(range, 0, any)
  }
  table.delete(ip('10.0.0.11'))
  t.equal(table.size, 3)
  t.equal(table.nextFree(range, 0, any), ip('10.0.0.11'))
  t.same(table.ofMac(machine(1)), [])
  t.end()
})

t.test('what is known of a machine, the latest first; an address taken over is forgotten', t => {
  const table = new LeaseTable()
  table.set(lease('10.0.0.10', 1, 10))
  table.set(lease('10.0.0.11', 1, 20))
  t.same(table.ofMac(machine(1)).map(l => l.ip), [ip('10.0.0.11'), ip('10.0.0.10')])
  table.set(lease('10.0.0.10', 1, 30))
  t.same(table.ofMac(machine(1)).map(l => l.ip), [ip('10.0.0.10'), ip('10.0.0.11')])
  table.set(lease('10.0.0.10', 2, 40))
  t.same(table.ofMac(machine(1)).map(l => l.ip), [ip('10.0.0.11')])
  t.end()
})

t.test('100,000 renewals leave a small queue and right answers', t => {
  const table = new LeaseTable()
  for (let turn = 0; turn < 25_000; turn++) for (let n = 0; n < 4; n++) table.set(lease(`10.0.0.1${n}`, n, turn * 10 + n))
  t.equal(table.nextFree(range, 249_000, any), undefined)
  t.equal(table.nextFree(range, 249_990, any), ip('10.0.0.10'))
  t.end()
})

t.test('states', t => {
  const bound = lease('10.0.0.10', 1, 100)
  t.equal(isActive(bound, 99), true)
  t.equal(isActive(bound, 100), false)
  t.equal(stateAt(bound, 99), 'bound')
  t.equal(stateAt(bound, 100), 'expired')
  t.equal(stateAt({ ...bound, state: 'released' }, 100), 'released')
  t.equal(isActive({ ...bound, state: 'released' }, 1), false)
  t.end()
})

t.test('a clock that was set: leases last as long as before', t => {
  const table = new LeaseTable()
  table.set(lease('10.0.0.10', 1, 1000))
  table.set(lease('10.0.0.11', 2, 5000))
  const decade = 10 * 365 * 86_400_000
  table.shift(decade)
  t.match(table.get(ip('10.0.0.10')), { since: decade, expires: decade + 1000 })
  t.equal(table.nextFree({ first: ip('10.0.0.10'), last: ip('10.0.0.11') }, decade + 1001, any), ip('10.0.0.10'))
  table.shift(-decade)
  t.match(table.ofMac(machine(2)), [{ since: 0, expires: 5000 }])
  t.end()
})

t.test('after its end a lease keeps its address from others for a grace; an offer and a declined address do not', t => {
  const table = new LeaseTable({ grace: 50 })
  table.set(lease('10.0.0.10', 1, 100))
  table.set(lease('10.0.0.11', 2, 101, { state: 'offered' }))
  table.set(lease('10.0.0.12', 3, 102, { state: 'declined' }))
  table.set(lease('10.0.0.13', 4, 9000, { state: 'released', since: 103 }))
  for (const again of [false, true]) {
    if (again) table.reset()
    t.same([100, 101].map(at => table.nextFree(range, at, any)), [undefined, ip('10.0.0.11')], `${again}`)
  }
  const order: string[] = []
  for (let next = table.nextFree(range, 150, any); next !== undefined; next = table.nextFree(range, 150, any)) {
    order.push(String(next - range.first))
    table.set({ ip: next, mac: machine(9), state: 'bound', since: 150, expires: 1000 })
  }
  t.same(order, ['1', '2', '3', '0'], 'the longest free first')
  for (const [state, until] of [['bound', 150], ['offered', 100], ['declined', 100]] as const) {
    t.same([until - 1, until].map(at => isHeld(lease('10.0.0.10', 1, 100, { state }), at, 50)), [true, false], state)
  }
  t.end()
})

t.test('who holds an address: nobody an offered, a declined, a returned one, or one whose time is over', t => {
  const table = new LeaseTable()
  for (const [state, at, holder] of [
    ['bound', 99, machine(1)], ['bound', 100, undefined], ['offered', 99, undefined], ['declined', 99, undefined], ['released', 99, undefined]
  ] as const) {
    table.set(lease('10.0.0.10', 1, 100, { state }))
    t.equal(leaseHolder(table, ip('10.0.0.10'), at), holder, `${state} ${at}`)
  }
  t.equal(leaseHolder(table, ip('10.0.0.11'), 0), undefined)
  t.end()
})

t.test('a lease of the future was given by a clock that was ahead', t => {
  const odd = lease('10.0.0.10', 1, 9_000_000, { since: 8_000_000 })
  t.match(sane(odd, 500), { since: 500, expires: 1_000_500 })
  t.equal(sane(odd, 8_500_000), odd)
  t.equal(sane(odd, 8_000_000), odd, 'of this very moment')
  for (const now of [500, 8_500_000]) {
    const late = sane({ ...odd, expires: 8_640_001_796_014_289_000 }, now)
    t.equal(late.expires, now + 2 ** 32 * 1000, 'one of 274 million years')
    t.doesNotThrow(() => new Date(late.expires).toISOString())
  }
  t.match(sane({ ...odd, expires: 7_000_000 }, 500), { since: 500, expires: 500 }, 'one that was over before it began')
  t.end()
})
