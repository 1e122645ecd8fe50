// The ring of a day: what is counted in which minute, and what is forgotten.
import t from 'tap'
import { Fleet, type FleetCounts, minutesKept } from '../../src/ui/fleet.js'
import { fleetPage } from '../../src/ui/fleet-page.js'

const minute = 60_000
const start = Date.parse('2026-11-28T12:00:00Z')
const counts = (more: Partial<FleetCounts> = {}): FleetCounts => ({ finished: 0, disk: 0, failed: 0, octets: 0, resent: 0, leases: 0, ...more })

t.test('what was counted between two looks is told of its minute, leases at their most', t => {
  const fleet = new Fleet()
  t.equal(fleet.since, undefined)
  fleet.add(counts({ finished: 5, octets: 1000, leases: 3 }), start)
  t.same(fleet.spans(start, 1, 60)[0], { from: start, minutes: 60, ...counts(), mostOctets: 0 }, 'what was before the first look is of no minute')
  fleet.add(counts({ finished: 7, failed: 1, octets: 7000, leases: 5 }), start + minute)
  fleet.add(counts({ finished: 7, failed: 1, octets: 8000, resent: 2, leases: 4 }), start + 2 * minute)
  fleet.add(counts({ finished: 8, failed: 1, octets: 8500, resent: 2, leases: 1 }), start + 2 * minute + 59_000)
  t.same(fleet.spans(start + 3 * minute, 2, 60), [
    { from: start - 60 * minute, minutes: 60, ...counts(), mostOctets: 0 },
    { from: start, minutes: 60, finished: 3, disk: 0, failed: 1, octets: 7500, resent: 2, leases: 5, mostOctets: 6000 }
  ])
  t.equal(fleet.since, start)
  t.end()
})

t.test('a day later it is gone, a clock that is set back counts on, counters that begin anew take nothing away', t => {
  const fleet = new Fleet()
  fleet.add(counts(), start)
  fleet.add(counts({ finished: 1 }), start + minute)
  fleet.add(counts({ finished: 2 }), start + minute + minutesKept * minute)
  const sum = (at: number): number => fleet.spans(at, 24, 60).reduce((all, { finished }) => all + finished, 0)
  t.equal(sum(start + minute + minutesKept * minute), 1)
  fleet.add(counts({ finished: 3 }), start - 10 * minute)
  t.equal(sum(start), 1)
  fleet.add(counts({ finished: 0 }), start)
  t.equal(sum(start), 1)
  t.end()
})

t.test('the page says by the hour what its pictures show', t => {
  const fleet = new Fleet()
  fleet.add(counts(), start)
  fleet.add(counts({ finished: 4, disk: 2, failed: 1, octets: 90 * 2 ** 20, leases: 9 }), start + minute)
  const { text } = fleetPage({ hours: fleet.spans(start + minute, 24, 60), pieces: fleet.spans(start + minute, 288, 5), since: fleet.since })
  t.match(text, 'Counted since 2026-11-28 12:00 UTC')
  t.match(text, '<th scope="col">Hour (UTC)</th>')
  t.match(text, '<th scope="row">12:00</th><td>4</td><td>2</td><td>1</td><td>25.6 KiB/s</td><td>1.5 MiB/s</td><td>0</td><td>9</td>')
  t.match(text, 'Boots an hour <span class="count">at most 7')
  t.match(text, '<title>12:00 UTC: 4 finished, 2 from disk, 1 not</title>')
  t.match(text, 'Leases in force <span class="count">at most 9')
  t.notMatch(text, /NaN|Infinity/)
  t.end()
})
