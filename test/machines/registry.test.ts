import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import pino from 'pino'
import t from 'tap'
import { MachineJournal } from '../../src/machines/journal.js'
import { MachineRegistry, type StageChange } from '../../src/machines/registry.js'
import type { Machine } from '../../src/machines/timeline.js'
import { macFromBytes, parseMac, type Mac } from '../../src/net/mac.js'
import { FakeClock } from '../helpers/fake-clock.js'

const mac = parseMac('52:54:00:00:00:01') as Mac
const other = parseMac('52:54:00:00:00:02') as Mac
const log = pino({ level: 'silent' })

t.test('who has an address is who was last seen with it', t => {
  const registry = new MachineRegistry([], () => {})
  registry.record({ mac, stage: 'ack', at: 1, program: 'pxe', address: '10.0.0.1' })
  t.equal(registry.macOf('10.0.0.1'), mac)
  registry.record({ mac: other, stage: 'ack', at: 2, program: 'pxe', address: '10.0.0.1' })
  registry.record({ mac, stage: 'ack', at: 3, program: 'pxe', address: '10.0.0.2' })
  t.equal(registry.macOf('10.0.0.1'), other)
  t.equal(registry.macOf('10.0.0.2'), mac)
  t.same(registry.list().map(machine => machine.mac), [mac, other])
  t.end()
})

t.test('waiting for a stage', async t => {
  const registry = new MachineRegistry([], () => {})
  const waiting = registry.waitFor(mac, 'script', new AbortController().signal)
  registry.record({ mac: other, stage: 'script', at: 1 })
  registry.record({ mac, stage: 'discover', at: 2, program: 'pxe' })
  registry.record({ mac, stage: 'script', at: 3 })
  t.match(await waiting, { mac, stage: 'script' })
  t.match(await registry.waitFor(mac, 'discover', new AbortController().signal), { mac }, 'a stage long past is there at once')
  const stop = new AbortController()
  const never = registry.waitFor(mac, 'installed', stop.signal)
  stop.abort()
  t.equal(await never, undefined)
  t.equal(await registry.waitFor(mac, 'installed', stop.signal), undefined)
})

t.test('changes are told once each', t => {
  const registry = new MachineRegistry([], () => {})
  const told: StageChange[] = []
  const stop = registry.onChange(change => told.push(change))
  registry.record({ mac, stage: 'discover', at: 1, program: 'pxe' })
  registry.record({ mac, stage: 'discover', at: 2, program: 'pxe' })
  registry.record({ mac, stage: 'offer', at: 3, program: 'pxe' })
  stop()
  registry.record({ mac, stage: 'ack', at: 4, program: 'pxe' })
  t.same(told.map(change => change.observation.stage), ['discover', 'offer'])
  t.end()
})

t.test('invented machines push out the longest unseen, and no more are kept', t => {
  const registry = new MachineRegistry([], () => {})
  for (let i = 0; i < 20_100; i++) {
    registry.record({ mac: macFromBytes(Buffer.from([2, 0, 0, i >> 16, i >> 8 & 255, i & 255])), stage: 'discover', at: i, program: 'pxe' })
  }
  t.equal(registry.size, 20_000)
  t.equal(registry.get(parseMac('02:00:00:00:00:05') as Mac), undefined)
  t.end()
})

t.test('the journal brings the machines back, whatever its last line looks like', async t => {
  const path = join(t.testdir(), 'state', 'machines.jsonl')
  const clock = new FakeClock()
  const open = async (): Promise<{ registry: MachineRegistry, journal: MachineJournal }> => {
    const holder: { registry?: MachineRegistry } = {}
    const journal = new MachineJournal({ path, clock, log, current: () => holder.registry?.values() ?? [] })
    const registry = holder.registry = new MachineRegistry(await journal.load(), machine => { journal.note(machine) })
    return { registry, journal }
  }
  const first = await open()
  first.registry.record({ mac, stage: 'discover', at: 1, program: 'pxe', address: '10.0.0.1' })
  clock.advance(1000)
  first.registry.record({ mac, stage: 'offer', at: 2, program: 'pxe' })
  first.registry.record({ mac: other, stage: 'script', at: 3, group: 'g' })
  await first.journal.close()
  t.equal(clock.pending, 0)
  appendFileSync(path, '{"mac":"52:54:00:00:00:03","first')

  const second = await open()
  t.match(second.registry.list(), [{ mac, stage: 'offer', address: '10.0.0.1' }, { mac: other, group: 'g' }])
  t.equal(second.registry.macOf('10.0.0.1'), mac)
  for (let i = 0; i < 3000; i++) {
    second.registry.record({ mac, stage: 'script', at: 10 + i, detail: String(i) })
    if (i % 2 === 0) clock.advance(1000)
  }
  await second.journal.close()
  const lines = readFileSync(path, 'utf8').trimEnd().split('\n')
  t.ok(lines.length <= 1010, `stale lines are rewritten away (${lines.length} are left)`)
  t.match((JSON.parse(lines.at(-1) ?? '') as Machine).timeline.at(-1), { detail: '2999' })
  t.ok(existsSync(path))
})

t.test('what the journal could not write is written later', async t => {
  const path = join(t.testdir(), 'machines.jsonl')
  const clock = new FakeClock()
  const machines: Machine[] = []
  const journal = new MachineJournal({ path, clock, log, current: () => machines })
  const registry = new MachineRegistry(await journal.load(), machine => {
    machines.push(machine)
    journal.note(machine)
  })
  // A folder in its place: the file is gone, and none can be made.
  rmSync(path)
  mkdirSync(path)
  registry.record({ mac, stage: 'discover', at: 1, program: 'pxe' })
  clock.advance(1000)
  await journal.idle()
  rmSync(path, { recursive: true })
  registry.record({ mac: other, stage: 'discover', at: 2, program: 'pxe' })
  await journal.close()
  t.same(new Set((await new MachineJournal({ path, clock, log, current: () => [] }).load()).map(machine => machine.mac)), new Set([mac, other]))
})
