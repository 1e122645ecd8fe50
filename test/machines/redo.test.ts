// A record made again of what another provisioner wrote down meanwhile: nothing that was seen is lost, and nothing begins twice.
import t from 'tap'
import { parseMac } from '../../src/net/mac.js'
import type { Machine, Observation, Stage } from '../../src/machines/machine.js'
import { laterOf, observe, recordLimits, redo, type TimelineStep } from '../../src/machines/timeline.js'

const mac = parseMac('52:54:00:00:00:01')!
const seen = (stage: Stage, at: number, more: Partial<Observation> = {}): TimelineStep => {
  const observation: Observation = { mac, stage, at, ...more }
  return { make: before => observe(before, observation), observation }
}
const play = (...steps: readonly TimelineStep[]): Machine => steps.reduce<Machine | undefined>((machine, { make }) => make(machine), undefined)!
const lines = (machine: Machine | undefined): string[] | undefined => machine?.timeline.map(({ stage, at, times }) => `${stage} ${at}${times === undefined ? '' : ` x${times}`}`)

/** Milliseconds between two clocks that are 90 s off from the true time, each the other way (docs/cluster.md). */
const apart = 180_000

/** What the other one saw: a boot from 100,000 to 101,000, in milliseconds. */
const other = play(seen('discover', 100_000, { program: 'pxe', exchange: 7 }), seen('offer', 100_100, { exchange: 7 }), seen('loader', 100_500), seen('script', 101_000, { profile: 'theirs' }))

t.test('what was seen later is seen now; what was seen before stands in its place and begins no boot', t => {
  t.same(lines(redo(undefined, [seen('discover', 1, { program: 'pxe' })])), ['discover 1'])
  t.same(lines(redo(other, [seen('kernel', 102_000)])), ['discover 100000', 'offer 100100', 'loader 100500', 'script 101000', 'kernel 102000'])
  const late = redo(other, [seen('ack', 100_200, { address: '10.0.0.5', profile: 'ours', program: 'pxe' })])!
  t.same(lines(late), ['discover 100000', 'offer 100100', 'ack 100200', 'loader 100500', 'script 101000'])
  t.match(late, { boots: 1, stage: 'script', lastSeen: 101_000, address: '10.0.0.5', profile: 'theirs' }, 'facts that nobody knew are, others stay')
  t.same(lines(redo(other, [seen('discover', 99_000, { program: 'pxe' })])), ['discover 100000 x2', 'offer 100100', 'loader 100500', 'script 101000'], 'the same line once more')
  t.same(lines(redo(redo(other, [seen('discover', 99_000)]), [seen('discover', 99_001)])), ['discover 100000 x3', 'offer 100100', 'loader 100500', 'script 101000'])
  for (const more of [{ detail: 'd' }, { failed: 'f' }, { warning: 'w' }]) t.equal(lines(redo(other, [seen('offer', 100_050, more)]))?.[1], 'offer 100050', JSON.stringify(more))
  t.equal(lines(redo(other, [seen('ack', 100_100)]))?.[2], 'ack 100100', 'behind what was written down of the same moment')
  t.equal(redo(other, [seen('kernel', 100_700)])?.stage, 'kernel', 'a stage that it had not reached')
  t.equal(redo(other, [seen('kernel', 100_700, { failed: 'no such file' })])?.stage, 'script')
  t.same(lines(redo(other, [seen('ack', 100_700, { program: 'other' })])), lines(other), 'a system of its own is no stage')
  t.same(lines(redo(other, [{ make: before => ({ ...before!, timeline: [] }) }])), [], 'what a person says is done')
  t.end()
})

t.test('one exchange that two heard is one boot', t => {
  const boots = (step: TimelineStep): number | undefined => redo(other, [step])?.boots
  const again = (at: number, exchange?: number): TimelineStep => seen('discover', at, { program: 'pxe', ...exchange !== undefined && { exchange } })
  t.same([boots(again(101_001, 7)), boots(again(101_000 + apart - 1, 7)), boots(again(101_000 + apart, 7)), boots(again(101_001, 8)), boots(again(101_001))], [1, 1, 2, 2, 2])
  t.equal(redo({ ...other, exchange: undefined as never }, [again(101_001)])?.boots, 2)
  t.end()
})

t.test('what was seen of an earlier boot is no line of this one', t => {
  t.equal(lines(redo(other, [seen('ignition', 100_000 - apart)]))?.[0], 'ignition -80000', 'by as much as they may')
  const later = play(seen('discover', 300_000, { program: 'pxe' }))
  t.same(lines(redo(later, [seen('kernel', 119_999)])), ['discover 300000'])
  t.equal(redo(later, [seen('installed', 119_999)])?.installedAt, 119_999, 'but for that it was installed')
  t.same(lines(redo(later, [seen('kernel', 120_000)])), ['kernel 120000', 'discover 300000'])
  const many = Array.from({ length: recordLimits.shared.timeline }, (_, n) => seen('loader', 300_001 + n, { detail: `${n}` }))
  const full = redo(play(seen('discover', 300_000, { program: 'pxe' }), ...many), [seen('ack', 300_002)])!
  t.equal(full.timeline.length, recordLimits.shared.timeline)
  t.equal(full.timeline.at(-1)?.at, 300_000 + recordLimits.shared.timeline, 'the oldest give way')
  t.end()
})

t.test('nothing forgets that it was installed but a kernel that it loaded after that', t => {
  const installed = redo(other, [seen('installed', 100_900, { bootedAs: 'a' })])!
  t.match(installed, { installedAt: 100_900, installedAs: 'a', stage: 'installed' })
  t.equal(redo(other, [seen('installed', 100_900)])?.installedAs, undefined)
  t.equal(redo({ ...other, bootedAs: 'b' }, [seen('installed', 100_900)])?.installedAs, 'b')
  t.match(redo(installed, [seen('installed', 100_800, { detail: 'again' })]), { installedAt: 100_900 }, 'an earlier report')
  t.match(redo(installed, [seen('kernel', 100_800)]), { installedAt: 100_900 }, 'a kernel before it')
  t.match(redo(installed, [seen('kernel', 100_900)]), { installedAt: 100_900 }, 'a kernel at the same time')
  t.equal(redo(installed, [seen('kernel', 100_950)])?.installedAt, undefined, 'a kernel behind it')
  t.equal(redo(installed, [seen('kernel', 100_950)])?.installedAs, undefined)
  t.equal(redo(installed, [seen('kernel', 100_950, { failed: 'x' })])?.installedAt, 100_900, 'one that it could not load')
  const booting = redo(other, [seen('kernel', 100_800)])!
  t.equal(redo(booting, [seen('installed', 100_700)])?.installedAt, undefined, 'installed before it loaded another kernel')
  t.equal(redo(booting, [seen('installed', 100_800)])?.installedAt, 100_800)
  t.equal(redo(redo(other, [seen('kernel', 100_800, { failed: 'x' })]), [seen('installed', 100_700)])?.installedAt, 100_700)
  t.end()
})

t.test('of two records the later one, with what the other knows of its installation', t => {
  const record = (lastSeen: number, more: Partial<Machine> = {}): Machine => ({ mac, firstSeen: 0, lastSeen, boots: 1, timeline: [], ...more })
  const kernelAt = (at: number, failed?: string): Partial<Machine> => ({ timeline: [{ stage: 'kernel', at, ...failed !== undefined && { failed } }] })
  const [early, late] = [record(1, { installedAt: 10, installedAs: 'a' }), record(2)]
  for (const [one, two] of [[early, late], [late, early]] as const) t.match(laterOf(one, two), { lastSeen: 2, installedAt: 10, installedAs: 'a' })
  const same = record(1, { name: 'first' })
  t.equal(laterOf(same, record(1, { name: 'second' })), same)
  t.notOk('installedAs' in laterOf(record(1, { installedAt: 10 }), late))
  for (const [what, given, installedAt] of [
    ['installed again', record(2, { installedAt: 11 }), 11], ['installed then', record(2, { installedAt: 10, installedAs: 'b' }), 10], ['installed before', record(2, { installedAt: 9 }), 10],
    ['booted since', record(2, kernelAt(11)), undefined], ['booted then', record(2, kernelAt(10)), 10], ['tried to', record(2, kernelAt(11, 'x')), 10]
  ] as const) t.equal(laterOf(early, given).installedAt, installedAt, what)
  t.equal(laterOf(early, record(2, { installedAt: 10, installedAs: 'b' })).installedAs, 'b')
  t.equal(laterOf(record(1), record(2, { installedAt: 5 })).installedAt, 5)
  t.end()
})
