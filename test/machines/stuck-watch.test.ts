import t from 'tap'
import { MachineRegistry } from '../../src/machines/registry.js'
import { StuckWatch } from '../../src/machines/stuck-watch.js'
import { macFromBytes, type Mac } from '../../src/net/mac.js'
import { mac } from '../helpers/dhcp.js'
import { FakeClock } from '../helpers/fake-clock.js'

const card = (n: number): Mac => mac(`52:54:00:00:00:0${n}`)

function world (isKnown: (machine: { readonly mac: Mac }) => boolean = () => true) {
  const [clock, registry] = [new FakeClock(), new MachineRegistry([], { note: () => {}, kindOf: machine => isKnown(machine) ? 'known' : 'stranger' })]
  /** What the system's clock was set by. */
  let set = 0
  const told: string[] = []
  const start = (): StuckWatch => new StuckWatch({
    registry,
    clock: { ...clock, now: () => clock.now() + set, after: clock.after, every: clock.every },
    steady: clock.now,
    onStuck: ({ mac }, { id }) => { told.push(`${mac} ${id}`) }
  })
  return { clock, registry, told, start, now: () => clock.now() + set, jump: (by: number) => { set += by } }
}

t.test('a machine that does not get further is told of once, and again after it did', t => {
  const { clock, registry, told, start } = world()
  const watch = start()
  const see = (stage: 'discover' | 'script' | 'ignition', more: object = {}): void => { registry.record({ mac: card(1), stage, at: clock.now(), program: 'pxe', ...more }) }
  see('script')
  clock.advance(59_000)
  t.same(told, [])
  clock.advance(10_000)
  t.same(told, [`${card(1)} script_silent`])
  t.equal(watch.stuck, 1)
  clock.advance(600_000)
  t.equal(told.length, 1)
  see('discover')
  see('script')
  clock.advance(100_000)
  t.equal(told.length, 1, 'the same again without a boot that went well between is no news')
  see('script', { code: 'group_unmatched', failed: 'no group matches the labels' })
  clock.advance(2000)
  t.equal(told.at(-1), `${card(1)} no_group`, 'another reason is')
  see('ignition')
  clock.advance(2000)
  t.equal(watch.stuck, 0)
  t.match(watch.states, { installing: 1, unknown: 0 })
  see('discover')
  see('script', { code: 'group_unmatched', failed: 'no group matches the labels' })
  clock.advance(2000)
  t.equal(told.length, 3)
  watch.close()
  t.equal(clock.pending, 0)
  t.end()
})

t.test('nothing is told of strangers, of what was stuck before the start, nor because the clock was set', t => {
  const { clock, registry, told, start, now, jump } = world(({ mac }) => mac !== card(9))
  registry.record({ mac: card(1), stage: 'script', at: now() })
  clock.advance(86_400_000)
  const watch = start()
  registry.record({ mac: card(9), stage: 'script', at: now(), code: 'group_unmatched', failed: 'no group matches the labels' })
  registry.record({ mac: card(2), stage: 'loader', at: now() })
  clock.advance(10_000)
  jump(5 * 3_600_000)
  clock.advance(10_000)
  t.same(told, [])
  jump(-9 * 3_600_000)
  clock.advance(10_000)
  registry.record({ mac: card(3), stage: 'script', at: now(), code: 'group_unmatched', failed: 'no group matches the labels' })
  clock.advance(3000)
  t.same(told, [`${card(3)} no_group`], 'what is seen after it counts')
  watch.close()
  t.end()
})

t.test('many machines are looked at a few at a time', t => {
  const { clock, registry, told, start } = world()
  const watch = start()
  const count = 5000
  for (let i = 0; i < count; i++) registry.record({ mac: macFromBytes(Buffer.from([2, 0, 0, 0, i >> 8, i & 255])) as Mac, stage: 'script', at: clock.now() })
  clock.advance(61_000)
  for (let step = 0; step < 30; step++) {
    const before = told.length
    clock.advance(1000)
    t.ok(told.length - before <= 500)
  }
  t.equal(told.length, count)
  t.equal(watch.stuck, count)
  watch.close()
  t.end()
})
