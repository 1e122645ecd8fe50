// Reservations that come and go one by one are those that a list of all would give, and one costs what bears on it.
import fc from 'fast-check'
import t from 'tap'
import { buildReservations, ReservationTable } from '../../src/dhcp/reservation-table.js'
import type { Reservation, Reservations } from '../../src/dhcp/reservations.js'
import { ip, mac, subnet } from '../helpers/dhcp.js'
import { cases } from '../helpers/property.js'

const server = ip('192.168.100.2')
const subnets = [subnet('192.168.100.0/24', undefined, { routers: [ip('192.168.100.1')] }), subnet('10.9.0.0/16')]
const card = (n: number): Reservation['macs'][number] => mac(`52:54:00:00:00:${n.toString(16).padStart(2, '0')}`)
const entry = (source: string, address: number, ...cards: number[]): Reservation => ({ source, ip: address, macs: cards.map(card), hostName: undefined })

const shown = ({ byIp, byMac, problems }: Reservations): unknown => ({
  byIp: [...byIp].sort(([a], [b]) => a - b), byMac: [...byMac].map(([mac, entries]) => [mac, entries.map(({ source }) => source)]).sort(), problems
})

t.test('whatever comes and goes, and in whatever order: what a list of all would have in force', async t => {
  const addresses = [ip('192.168.100.1'), ip('192.168.100.7'), ip('192.168.100.8'), ip('10.9.0.7'), ip('10.10.0.1')]
  const step = fc.record({
    key: fc.integer({ min: 0, max: 7 }),
    address: fc.constantFrom(...addresses),
    gone: fc.boolean(),
    cards: fc.uniqueArray(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 2 })
  })
  fc.assert(fc.property(fc.array(step, { maxLength: 25 }), steps => {
    const table = new ReservationTable(subnets, [server])
    const all = new Map<string, Reservation>()
    for (const { key, address, cards, gone } of steps) {
      const name = `k${key}`
      if (gone) {
        table.delete(name)
        all.delete(name)
      } else {
        const one = entry(name, address, ...cards)
        table.set(name, one)
        all.set(name, one)
      }
      const whole = buildReservations([...all].sort(([a], [b]) => a < b ? -1 : 1).map(([, one]) => one), subnets, server)
      if (JSON.stringify(shown(table.inForce)) !== JSON.stringify(shown(whole))) throw new Error(`${JSON.stringify(shown(table.inForce))}\n${JSON.stringify(shown(whole))}`)
    }
  }), cases(t, 300))
})

t.test('problems are told in the order of the keys, however they came', async t => {
  const table = new ReservationTable(subnets, [server])
  for (const key of ['k2', 'k0', 'k3', 'k1']) table.set(key, entry(key, ip('10.10.0.1'), 1))
  t.same(table.inForce.problems.map(problem => problem.slice(0, 2)), ['k0', 'k1', 'k2', 'k3'])
})

t.test('what an entry costs does not grow with the others; what was handed out stays as it was', async t => {
  const base = ip('10.9.1.0')
  const judgedOf = (size: number): number => {
    const table = new ReservationTable(subnets, [server])
    for (let n = 0; n < size; n++) table.set(`group node-${n}`, { source: `group node-${n}`, ip: base + n, macs: [mac(`52:54:00:00:${(n >> 8).toString(16).padStart(2, '0')}:${(n & 255).toString(16).padStart(2, '0')}`)], hostName: undefined })
    const before = table.judged
    const old = table.inForce
    for (let n = 0; n < 10; n++) table.set(`group node-${n}`, { ...table.entries.get(`group node-${n}`)!, ip: base + 5000 + n })
    table.delete('group node-20')
    t.equal(old.byIp.get(base)?.source, 'group node-0', 'of then')
    t.equal(table.inForce.byIp.has(base), false)
    t.equal(table.inForce.byIp.size, size - 1)
    return table.judged - before
  }
  t.equal(judgedOf(100), 10)
  t.equal(judgedOf(4000), 10)
  const same = new ReservationTable(subnets, [server])
  same.set('a', entry('a', base, 1))
  const inForce = same.inForce
  same.set('a', entry('a', base, 1))
  t.equal(same.inForce, inForce, 'the same again is no change')
})
