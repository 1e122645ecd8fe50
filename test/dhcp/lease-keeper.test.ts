// A lease on its way to the store: in force meanwhile, and what stands when the store keeps it, refuses it or fails.
import t from 'tap'
import pino from 'pino'
import { AppError } from '../../src/base/errors.js'
import { LeaseKeeper } from '../../src/dhcp/lease-keeper.js'
import type { Disposal, Proposal } from '../../src/dhcp/lease-store.js'
import { type Lease, leaseHolder, LeaseTable } from '../../src/dhcp/leases.js'
import { formatIpv4 } from '../../src/net/ipv4.js'
import { ip, mac } from '../helpers/dhcp.js'
import { FakeClock } from '../helpers/fake-clock.js'

const [one, other] = [mac('52:54:00:00:00:01'), mac('52:54:00:00:00:02')]
const address = ip('10.0.0.1')
const clock = new FakeClock()
const lease = (more: Partial<Lease> = {}): Lease => ({ ip: address, mac: one, state: 'bound', since: clock.now(), expires: clock.now() + 60_000, ...more })

function bench (...before: readonly Lease[]) {
  const table = new LeaseTable()
  for (const lease of before) table.set(lease)
  const proposals: Proposal[] = []
  const events: string[] = []
  let answer: () => Promise<Disposal> = async () => ({ kind: 'kept' })
  const keeper = new LeaseKeeper({
    table,
    clock,
    store: {
      load: async () => [],
      close: async () => {},
      propose: async proposal => {
        proposals.push(proposal)
        return await answer()
      }
    },
    log: pino({ level: 'silent' }),
    onEvent: event => { events.push(event.kind === 'lease' ? `${event.change} ${event.mac.slice(-2)} ${formatIpv4(event.ip)}` : event.kind) }
  })
  return { table, proposals, events, keeper, answers: (next: typeof answer): void => { answer = next } }
}

t.test('in force at once; what the store keeps stays so', async t => {
  const { table, keeper, proposals } = bench()
  const keeping = keeper.keep(lease(), { givenBack: true })
  t.same(table.get(address), lease())
  t.same(await keeping, { kind: 'kept' })
  t.same([table.get(address), proposals], [lease(), [{ lease: lease(), now: clock.now(), givenBack: true }]])
})

t.test('where it fails what was there before is in force again, unless something newer is', async t => {
  for (const before of [undefined, lease({ mac: other, state: 'released' })]) {
    const { table, keeper, answers } = bench(...before === undefined ? [] : [before])
    answers(async () => { throw new AppError('disk_full', 'no space left') })
    await t.rejects(keeper.keep(lease()), { code: 'disk_full' })
    t.same(table.get(address), before)
    const newer = lease({ mac: other })
    answers(async () => {
      table.set(newer)
      throw new AppError('disk_full', 'no space left')
    })
    await t.rejects(keeper.keep(lease()), { code: 'disk_full' })
    t.equal(table.get(address), newer)
  }
})

t.test('where it is refused the lease that stands in the way is in force, of that address or of another', async t => {
  const holder = lease({ mac: other })
  const here = bench()
  here.answers(async () => ({ kind: 'refused', holder }))
  t.same(await here.keeper.keep(lease()), { kind: 'refused', holder })
  t.equal(here.table.get(address), holder)
  const newer = lease({ mac: other, expires: clock.now() + 1 })
  here.answers(async () => {
    here.table.set(newer)
    return { kind: 'refused', holder }
  })
  await here.keeper.keep(lease())
  t.equal(here.table.get(address), newer, 'what came meanwhile is newer than the refusal')

  const elsewhere = lease({ ip: ip('10.0.0.2') })
  for (const before of [undefined, lease({ mac: other, state: 'released' })]) {
    const moved = bench(...before === undefined ? [] : [before])
    moved.answers(async () => ({ kind: 'refused', holder: elsewhere }))
    await moved.keeper.keep(lease())
    t.same([moved.table.get(address), moved.table.get(elsewhere.ip)], [before, elsewhere])
  }
})

t.test('a reserved address is its machine\'s whatever the store says', async t => {
  const { table, keeper, proposals, answers } = bench(lease({ mac: other }))
  answers(async () => { throw new AppError('disk_full', 'no space left') })
  await keeper.keepReserved(lease())
  t.same([table.get(address), proposals], [lease(), [{ lease: lease(), now: clock.now(), reserved: true }]])
})

t.test('given back by hand, or ended', async t => {
  const { table, keeper, events, proposals, answers } = bench(lease())
  t.equal(await keeper.release(ip('10.0.0.9')), false)
  t.equal(await keeper.release(address), true)
  t.match(table.get(address), { state: 'released', mac: one })
  answers(async () => ({ kind: 'refused', holder: lease({ mac: other }) }))
  t.equal(await keeper.release(address), false)
  proposals.splice(0)
  keeper.end(lease({ state: 'offered' }), 'it is reserved')
  t.same([table.get(address)?.state, events, proposals.length], ['released', [], 0], 'an offer is nobody\'s yet')
  answers(async () => { throw new AppError('disk_full', 'no space left') })
  table.set(lease())
  keeper.end(lease(), 'it is reserved', { movesTo: ip('10.0.0.3') } as never)
  t.same([table.get(address)?.state, events], ['released', ['ended 01 10.0.0.1']])
  t.match(proposals, [{ lease: { state: 'released' }, movesTo: ip('10.0.0.3') }])
})

t.test('who holds an address', t => {
  const table = new LeaseTable()
  t.equal(leaseHolder(table, address, clock.now()), undefined)
  for (const [what, row, holder] of [
    ['bound', lease(), one], ['offered', lease({ state: 'offered' }), undefined], ['given back', lease({ state: 'released' }), undefined], ['declined', lease({ state: 'declined' }), undefined],
    ['over', lease({ expires: clock.now() }), undefined], ['over in a moment', lease({ expires: clock.now() + 1 }), one]
  ] as const) {
    table.set(row)
    t.equal(leaseHolder(table, address, clock.now()), holder, what)
  }
  t.end()
})
