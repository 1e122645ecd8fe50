// When the journal writes, and what it says of it: on a clock that is played, with a file that can be taken away.
import { mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import pino from 'pino'
import t, { type Test } from 'tap'
import { MachineJournal } from '../../src/machines/journal.js'
import type { Machine } from '../../src/machines/machine.js'
import { mac } from '../helpers/dhcp.js'
import { FakeClock } from '../helpers/fake-clock.js'

const machine = (n: number, boots = 1): Machine => ({ mac: mac(`52:54:00:00:00:0${n}`), firstSeen: 0, lastSeen: 0, boots, timeline: [] })

async function opened (t: Test) {
  const path = join(t.testdir(), 'machines.jsonl')
  const clock = new FakeClock()
  const current: Machine[] = []
  const journal = new MachineJournal({ path, clock, log: pino({ level: 'silent' }), current: () => current })
  t.same(await journal.load(), [])
  const note = (seen: Machine): void => {
    current.push(seen)
    journal.note(seen)
  }
  /** `N BOOTS` of each line. */
  const lines = (): readonly string[] => readFileSync(path, 'utf8').split('\n').slice(1, -1).map(line => {
    const { mac, boots } = JSON.parse(line) as Machine
    return `${mac.slice(-1)} ${boots}`
  })
  return { path, clock, journal, note, lines, current }
}

t.test('what came within a second is written together, the last of each machine', async t => {
  const { clock, journal, note, lines } = await opened(t)
  note(machine(1))
  clock.advance(600)
  note(machine(1, 2))
  note(machine(2))
  clock.advance(399)
  await journal.idle()
  t.same([lines(), clock.pending], [[], 1])
  clock.advance(1)
  await journal.idle()
  t.same([lines(), clock.pending], [['1 2', '2 1'], 0])
  note(machine(1, 3))
  t.equal(clock.pending, 1, 'and the next second begins with the next')
  await journal.close()
  t.same([lines(), clock.pending], [['1 2', '2 1', '1 3'], 0], 'what was gathered is written when it is closed')
})

t.test('who asks whether it is kept has it written, and waits no second', async t => {
  const { clock, journal, note, lines } = await opened(t)
  await journal.kept(machine(1).mac)
  note(machine(1))
  note(machine(2))
  await journal.kept(machine(3).mac)
  t.same([lines(), clock.pending], [[], 1], 'of another machine nothing is to be written')
  await journal.kept(machine(1).mac)
  t.same([lines(), clock.pending], [['1 1', '2 1'], 0])
  note(machine(1, 2))
  clock.advance(1000)
  await journal.kept(machine(1).mac)
  t.same(lines(), ['1 1', '2 1', '1 2'], 'what is being written is waited for')
  await journal.close()
})

t.test('what could not be written is said to whoever asks, and all of it is written with the next', async t => {
  const { path, clock, journal, note, lines } = await opened(t)
  rmSync(path)
  mkdirSync(path)
  note(machine(1))
  await t.rejects(journal.kept(machine(1).mac), { code: 'write_failed', message: 'what is known of the machine could not be written to machines.jsonl' })
  await t.rejects(journal.kept(machine(1).mac), { code: 'write_failed' })
  rmSync(path, { recursive: true })
  note(machine(2))
  clock.advance(1000)
  await journal.kept(machine(1).mac)
  const kept = new Set(lines())
  t.same(kept, new Set(['1 1', '2 1']))
  note(machine(2, 2))
  await journal.kept(machine(2).mac)
  t.equal(lines().at(-1), '2 2')
  t.equal(lines().filter(line => line === '1 1').length, [...lines()].filter(line => line === '2 1').length, 'those alone that changed, from then on')
  await journal.close()
})

t.test('in the order in which they were last seen', async t => {
  const { path, clock, journal, note } = await opened(t)
  for (const seen of [machine(1), machine(2), machine(1, 2)]) {
    note(seen)
    await journal.kept(seen.mac)
  }
  await journal.close()
  const again = new MachineJournal({ path, clock, log: pino({ level: 'silent' }), current: () => [] })
  t.same((await again.load()).map(({ mac, boots }) => `${mac.slice(-1)} ${boots}`), ['2 1', '1 2'])
  await again.close()
})
