// What a rush leaves is collected when it is over, in steps, and what was freed goes back to the system.
import { constants, PerformanceObserver } from 'node:perf_hooks'
import t from 'tap'
import { collectInSteps, watchGarbage } from '../../src/base/collect.js'
import { residentMemory } from '../../src/net/freed-memory.js'
import { FakeClock } from '../helpers/fake-clock.js'
import { until } from '../helpers/until.js'

const MiB = 2 ** 20

function watched (start: number, held = start + 50) {
  const clock = new FakeClock()
  const done: string[] = []
  let [used, resident] = [start * MiB, held * MiB]
  let freed = 50
  const giveBack = (): void => {
    done.push('give back')
    resident = used + freed * MiB
  }
  const end = watchGarbage({ clock, used: () => used, resident: () => resident, collect: () => { done.push('collect') }, giveBack })
  /** So much is in use at the next look, and so much resident: what was done then. `left`: what can't be given back, from now on. */
  const look = (inUse: number, held = inUse + 50, left = freed): readonly string[] => {
    ;[used, resident, freed] = [inUse * MiB, held * MiB, left]
    clock.advance(10_000)
    return done.splice(0)
  }
  return { clock, look, end }
}

t.test('a rush is over when what is in use stands still: then it is collected, and given back', t => {
  const { clock, look, end } = watched(30)
  t.same([look(31), look(200), look(400), look(300)], [[], [], [], []], 'while it goes on V8 does it')
  t.same(look(301), ['collect'])
  t.same([look(110, 350), look(35, 350)], [[], []], 'what V8 was made to think is in use with the rest')
  t.same(look(35, 350), ['give back'])
  t.same([look(36), look(100), look(100)], [[], [], ['collect']], 'the next one')
  end()
  t.equal(clock.pending, 0)
  t.end()
})

t.test('what V8 collected by itself is given back', t => {
  const { look } = watched(30)
  t.same([look(200, 300), look(40, 280), look(40, 280)], [[], [], ['give back']])
  t.same(look(41, 92), [])
  t.end()
})

t.test('where nobody knows what is resident, what the first rush left is given back', t => {
  const { look } = watched(200, 0)
  t.same([look(30, 0), look(30, 0)], [[], ['give back']])
  t.equal(residentMemory('/proc/self/nothing'), 0)
  t.ok(residentMemory() > 20 * MiB)
  t.end()
})

t.test('what cannot be given back is not asked for again and again', t => {
  const { look } = watched(30)
  t.same(look(30, 300, 200), ['give back'])
  for (let n = 0; n < 5; n++) t.same(look(31, 235), [])
  t.same(look(30, 300), ['give back'])
  t.end()
})

t.test('what is alive is collected once for each time that it grew by much', t => {
  const { look } = watched(30)
  t.same([look(130), look(130), look(210), look(130)], [[], ['collect'], [], []])
  for (let n = 0; n < 5; n++) t.same(look(131), [])
  t.same([look(200), look(200)], [[], ['collect']])
  t.end()
})

t.test('little is left where it is', t => {
  const { look } = watched(30)
  for (let n = 0; n < 5; n++) t.same(look(90), [])
  t.end()
})

t.test('V8 begins a collection for the sake of what is outside of its heap', async t => {
  // Of the other reasons that it has none has both.
  const forOutside = constants.NODE_PERFORMANCE_GC_FLAGS_SYNCHRONOUS_PHANTOM_PROCESSING | constants.NODE_PERFORMANCE_GC_FLAGS_ALL_EXTERNAL_MEMORY
  let collections = 0
  const observer = new PerformanceObserver(list => {
    for (const { detail } of list.getEntries() as ReadonlyArray<{ detail?: { kind?: number, flags?: number } }>) {
      if (detail?.kind === constants.NODE_PERFORMANCE_GC_MAJOR && detail.flags === forOutside) collections++
    }
  })
  observer.observe({ entryTypes: ['gc'] })
  t.teardown(() => { observer.disconnect() })
  collectInSteps()
  await until('it has collected', () => collections > 0)
  t.ok(collections > 0)
})
