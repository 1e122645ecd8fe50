// A boot beside the one before it: what differs, in words.
import t from 'tap'
import type { MachineShown } from '../../src/control/machine-shown.js'
import { bootSection, compareBoots } from '../../src/ui/waterfall.js'

const timeline = (times: Readonly<Record<string, number>>): MachineShown['timeline'] =>
  Object.entries(times).map(([stage, ms]) => ({ stage, ms, at: new Date(ms).toISOString() }) as MachineShown['timeline'][number])
const before = (stages?: Readonly<Record<string, number>>): NonNullable<MachineShown['history']>[number] =>
  ({ at: '2026-11-28T12:00:00.000Z', ms: 9000, stage: 'ignition', ...stages !== undefined && { stages } })
const words = (now: Readonly<Record<string, number>>, then: Readonly<Record<string, number>>, isStopped = false): readonly string[] =>
  compareBoots(timeline(now), before(then), isStopped).flatMap(({ stage, differs }) => differs === undefined ? [] : [`${stage}: ${differs}`])
const usual = { discover: 0, offer: 100, ack: 200, loader: 1000, script: 3000, kernel: 4000, ignition: 9000 }

t.test('what takes much longer or shorter, by a second and by half at least', t => {
  t.same(words(usual, usual), [])
  t.same(words({ ...usual, ignition: 12_400 }, usual), ['kernel: 3.4 s longer than in the boot before'])
  t.same(words({ ...usual, ignition: 11_000 }, usual), [], 'not by half')
  t.same(words({ ...usual, ack: 300, loader: 1100, script: 3100, kernel: 4100, ignition: 9100 }, usual), [], 'not by a second')
  t.same(words({ ...usual, ignition: 5000 }, usual), ['kernel: 4.0 s shorter than in the boot before'])
  t.end()
})

t.test('where one of them was and the other not', t => {
  const { ignition: _, kernel: __, ...short } = usual
  t.same(words(short, usual), ['kernel: not reached yet; the boot before was here after 4.0 s', 'ignition: not reached yet; the boot before was here after 9.0 s'])
  t.same(words(short, usual, true)[0], 'kernel: not reached; the boot before was here after 4.0 s')
  t.same(words(usual, short), ['kernel: was not in the boot before', 'ignition: was not in the boot before'])
  t.end()
})

t.test('a stage counts from its first line; a failed one is marked', t => {
  const lines = timeline({ discover: 0, loader: 1000 }).concat(timeline({ loader: 2000, script: 3000 }))
  const compared = compareBoots(lines.with(-1, { ...lines.at(-1)!, failed: 'no group matches' }), undefined, true)
  t.same(compared.map(({ stage, now, failed }) => [stage, now?.at, now?.took, failed]), [['discover', 0, 1000, false], ['loader', 1000, 2000, false], ['script', 3000, undefined, true]])
  t.end()
})

t.test('a picture with both bars, a table, and the words; what an older version kept; the first boot', t => {
  const { text } = bootSection(timeline({ ...usual, ignition: 15_000 }), before(usual), false)
  t.match(text, 'Unlike the boot before: kernel: 6.0 s longer than in the boot before.')
  t.equal(text.match(/<rect class="before"/g)?.length, 7)
  t.match(text, '<th scope="row">kernel</th><td>4.0 s</td><td>11.0 s</td><td>4.0 s</td><td>5.0 s</td><td><strong class="warning">6.0 s longer')
  t.match(bootSection(timeline(usual), before(usual), false).text, 'No stage took much longer or shorter than in the boot before.')
  const old = bootSection(timeline(usual), before(), false).text
  t.match(old, 'The boot before took 9.0 s; how long its stages took was not written down.')
  t.equal(old.match(/<rect class="before"/g)?.length, 1)
  t.notMatch(bootSection(timeline(usual), undefined, false).text, /boot before (?:took|was)|id="differs"/)
  t.match(bootSection([], undefined, false).text, '<svg')
  t.end()
})

t.test('what stands in a file is no reason to fail', t => {
  const odd = { kernel: '<b>', nonsense: 5, loader: -1, script: null, ack: 10 } as unknown as Record<string, number>
  t.same(compareBoots([], before(odd), false).map(({ stage }) => stage), ['ack'])
  t.notMatch(bootSection([], before(odd), false).text, '<b>')
  t.end()
})
