// What a proposal of a lease gives way to: a row for each thing that is known of the address, the machine, and who wrote what when.
import t from 'tap'
import type { Proposal } from '../../src/dhcp/lease-store.js'
import type { Lease } from '../../src/dhcp/leases.js'
import { KnownLeases } from '../../src/cluster/known-leases.js'
import { givingWay } from '../../src/cluster/giving-way.js'
import { inTheWay, isAnothers, neverShorter, outweighs } from '../../src/cluster/lease-precedence.js'
import { formatKey } from '../../src/etcd/keys.js'
import { ip, mac, subnet } from '../helpers/dhcp.js'

const [now, grace] = [1_000_000, 5000]
const [machine, other] = [mac('52:54:00:00:00:01'), mac('52:54:00:00:00:02')]
const [here, there] = [ip('10.0.0.1'), ip('10.0.0.2')]
const lease = (state: Lease['state'], more: Partial<Lease> = {}): Lease => ({ ip: here, mac: machine, state, since: now, expires: now + 1000, ...more })
const proposal = (state: Lease['state'], more: Partial<Proposal> = {}): Proposal => ({ lease: lease(state), now, ...more })

/** What etcd has: each lease with the revision it was written at and by whom; the machine's key leads to the last of its own. */
function knowing (...leases: ReadonlyArray<readonly [lease: Lease, revision: number, server: string]>): KnownLeases {
  const known = new KnownLeases({ subnets: [subnet('10.0.0.0/24').subnet], onUnreadable: () => {} })
  for (const [one, revision, server] of leases) {
    known.set(one, revision, server)
    known.bindings.set(known.bindings.keyOf(one.mac, one.ip)!, { ip: one.ip, revision })
  }
  return known
}

t.test('an address that another machine has', t => {
  for (const [what, kept, asked, expected] of [
    ['bound', lease('bound', { mac: other }), proposal('bound'), true],
    ['within its grace', lease('bound', { mac: other, expires: now - grace + 1 }), proposal('bound'), true],
    ['after it', lease('bound', { mac: other, expires: now - grace }), proposal('bound'), false],
    ['an offer has none', lease('offered', { mac: other, expires: now }), proposal('bound'), false],
    ['an offer that stands', lease('offered', { mac: other }), proposal('bound'), true],
    ['released', lease('released', { mac: other }), proposal('bound'), false],
    ['its own', lease('bound'), proposal('bound'), false],
    ['reserved for the machine', lease('bound', { mac: other }), proposal('bound', { reserved: true }), false]
  ] as const) t.equal(isAnothers(kept, asked, grace), expected, what)
  t.end()
})

t.test('another address of the machine', t => {
  const elsewhere = (state: Lease['state'], more: Partial<Lease> = {}): KnownLeases => knowing([lease(state, { ip: there, ...more }), 5, 'a'])
  for (const [what, known, asked, knew, expected] of [
    ['none', knowing(), proposal('bound'), undefined, false],
    ['bound there', elsewhere('bound'), proposal('bound'), undefined, true],
    ['offered there', elsewhere('offered'), proposal('bound'), undefined, false],
    ['over', elsewhere('bound', { expires: now - grace }), proposal('bound'), undefined, false],
    ['reserved here', elsewhere('bound'), proposal('bound', { reserved: true }), undefined, false],
    ['an offer, which did not know', elsewhere('bound'), proposal('offered'), undefined, true],
    ['an offer, which knew', elsewhere('bound'), proposal('offered'), there, false],
    ['an offer, which did not know of an offer', elsewhere('offered'), proposal('offered'), undefined, true],
    ['a release', elsewhere('bound'), proposal('released'), undefined, false],
    ['of another machine', knowing([lease('bound', { ip: there, mac: other }), 5, 'a']), proposal('bound'), undefined, false]
  ] as const) t.equal(inTheWay(known, { proposal: asked, tries: 0, knew }, grace)?.ip, expected ? there : undefined, what)
  t.end()
})

t.test('what stands counts more than what was decided before it', t => {
  const of = (server: string, asked: Proposal, { tries = 0, kept = lease('bound'), revision = 7 } = {}): boolean =>
    outweighs(knowing([kept, revision, 'a'], [lease('bound', { ip: there }), 8, 'a']), kept, { proposal: asked, tries, knew: undefined }, { server, grace })
  t.equal(of('a', proposal('offered')), true, 'an offer')
  t.equal(of('a', proposal('offered'), { kept: lease('bound', { mac: other }) }), false, 'to another machine')
  t.equal(of('a', proposal('offered'), { kept: lease('offered') }), false)
  t.equal(of('a', proposal('offered'), { kept: lease('bound', { expires: now - grace }) }), false)
  t.equal(of('a', proposal('bound')), false)
  t.equal(of('a', proposal('released')), false, 'a release of what is known')
  t.equal(of('a', proposal('released'), { tries: 1 }), true, 'of what was not')
  t.equal(of('b', proposal('released')), false)
  t.equal(of('b', proposal('released', { givenBack: true })), true, 'given back to who acknowledged it last')
  t.equal(of('a', proposal('released', { givenBack: true })), false)
  t.equal(of('b', proposal('released', { movesTo: there })), false, 'it moved on later')
  t.equal(of('b', proposal('released', { movesTo: there }), { revision: 9 }), true, 'and came back since')
  t.equal(of('b', proposal('released', { movesTo: there }), { revision: 8 }), false)
  t.equal(of('a', proposal('released', { movesTo: there }), { revision: 9 }), false)
  t.equal(of('b', proposal('bound', { givenBack: true })), false)
  t.end()
})

t.test('a renewal never shortens what was promised', t => {
  const [short, long] = [lease('bound'), lease('bound', { expires: now + 9000 })]
  t.same(neverShorter(long, short), { ...short, expires: long.expires })
  t.equal(neverShorter(short, long), long)
  t.equal(neverShorter(undefined, short), short)
  for (const kept of [{ ...long, mac: other }, { ...long, state: 'offered' as const }]) t.equal(neverShorter(kept, short), short)
  const offered = lease('offered')
  t.equal(neverShorter(long, offered), offered)
  t.end()
})

t.test('records that give way: those of leases first, the oldest of each, so many at once', t => {
  const key = (n: number): string => formatKey({ kind: 'machine', mac: mac(`52:54:00:00:00:0${n}`) })
  const records = new Map([3, 1, 2, 4].map(n => [key(n), { value: Buffer.alloc(0), revision: n }] as const)) as never
  const leased = new Set([mac('52:54:00:00:00:03'), mac('52:54:00:00:00:04')])
  const gone = (written: readonly number[], most: number, atOnce = 10): readonly number[] =>
    givingWay(records, new Set(written.map(key)), { most, atOnce, isLeased: of => of !== undefined && leased.has(of) }).map(one => Number(one.slice(-1)))
  t.same(gone([5], 5), [])
  t.same(gone([5], 4), [3])
  t.same(gone([5, 6], 3), [3, 4, 1])
  t.same(gone([5, 6], 3, 2), [3, 4])
  t.same(gone([3], 3), [], 'what is only written again takes no place')
  t.same(gone([3, 5], 4), [4], 'what is written does not go')
  t.end()
})
