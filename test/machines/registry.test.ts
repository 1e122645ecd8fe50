import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import pino from 'pino'
import t from 'tap'
import { MachineJournal } from '../../src/machines/journal.js'
import { MachineRegistry, registryBudgets, type StageChange } from '../../src/machines/registry.js'
import type { Machine, Stage } from '../../src/machines/machine.js'
import { macFromBytes, parseMac, type Mac } from '../../src/net/mac.js'
import { FakeClock } from '../helpers/fake-clock.js'

const mac = parseMac('52:54:00:00:00:01') as Mac
const other = parseMac('52:54:00:00:00:02') as Mac
const log = pino({ level: 'silent' })

t.test('who has an address is who was last seen with it', t => {
  const registry = new MachineRegistry([], { note: () => {} })
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
  const registry = new MachineRegistry([], { note: () => {} })
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
  const registry = new MachineRegistry([], { note: () => {} })
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

const invented = (i: number): Mac => macFromBytes(Buffer.from([2, 0, 0, i >> 16, i >> 8 & 255, i & 255])) as Mac

t.test('invented machines push out the longest unseen stranger, never a known machine, and take so much', t => {
  const registry = new MachineRegistry([], { note: () => {}, kindOf: machine => machine.group === 'named' ? 'known' : 'stranger' })
  registry.record({ mac, stage: 'script', at: 1, group: 'named' })
  const most = 20_000
  for (let i = 0; i < most; i++) {
    for (let line = 0; line < 3; line++) registry.record({ mac: invented(i), stage: 'script', at: i, detail: 'x'.repeat(5000), failed: `${line}` })
  }
  t.ok(registry.octets <= registryBudgets.stranger + 5000, `${registry.octets} octets`)
  t.ok(registry.strangers > 1000 && registry.strangers < most, `${registry.strangers} strangers are kept`)
  t.equal(registry.get(invented(5)), undefined)
  t.ok(registry.isStranger(invented(most - 1)))
  t.match(registry.get(mac), { mac, group: 'named' })
  t.end()
})

t.test('a stranger has a small record, and a full one once somebody names it', t => {
  const named = new Set<Mac>()
  const registry = new MachineRegistry([], { note: () => {}, kindOf: machine => named.has(machine.mac) ? 'known' : 'stranger' })
  const lines = (from: number): void => { for (let i = from; i < from + 100; i++) registry.record({ mac, stage: 'script', at: i, detail: String(i) }) }
  lines(0)
  t.equal(registry.get(mac)?.timeline.length, 12)
  named.add(mac)
  lines(100)
  t.equal(registry.get(mac)?.timeline.length, 64)
  t.notOk(registry.isStranger(mac))
  t.end()
})

t.test('ten thousand machines with all their boots fit into the budget', t => {
  const registry = new MachineRegistry([], { note: () => {} })
  for (let i = 0; i < 1000; i++) {
    for (let boot = 0; boot < 11; boot++) {
      for (const stage of ['discover', 'offer', 'ack', 'loader', 'script', 'kernel', 'initrd', 'ignition', 'installed'] as const) {
        registry.record({ mac: invented(i), stage, at: boot, program: 'pxe', group: `node-${i}`, profile: 'core', detail: '/assets/flatcar/current/flatcar_production_pxe.vmlinuz' })
      }
    }
  }
  t.equal(registry.size, 1000)
  t.ok(10 * registry.octets < registryBudgets.known, `${registry.octets} octets for a thousand`)
  t.equal(registry.get(invented(999))?.history?.length, 10)
  t.end()
})

t.test('trouble is told from the record, the silence and how long boots of the profile take', t => {
  const registry = new MachineRegistry([], { note: () => {} })
  const boot = (of: Mac, at: number, stages: readonly Stage[]): void => {
    for (const [index, stage] of stages.entries()) registry.record({ mac: of, stage, at: at + index * 10_000, program: 'pxe', profile: 'core' })
  }
  const trouble = (of: Mac, now: number): string | undefined => registry.troubleOf(registry.get(of)!, now)?.id
  boot(mac, 0, ['discover', 'ack', 'loader', 'script', 'kernel'])
  t.equal(trouble(mac, 99_999), undefined, 'a minute before any boot is finished')
  t.equal(trouble(mac, 100_000), 'kernel_silent')
  boot(other, 0, ['discover', 'ack', 'loader', 'script', 'kernel', 'ignition'])
  t.equal(trouble(other, 10_000_000), undefined, 'its config is the end, as far as is known')
  t.equal(trouble(mac, 100_000), undefined, 'three times 50 s now')
  t.equal(trouble(mac, 190_000), 'kernel_silent')
  registry.record({ mac: other, stage: 'installed', at: 60_000 })
  boot(mac, 1_000_000, ['discover', 'ack', 'loader', 'script', 'kernel', 'ignition'])
  t.equal(trouble(mac, 2_000_000), 'ignition_silent', 'machines of this profile report that they are installed')
  t.match(registry.get(mac)?.history, [{ stage: 'kernel', profile: 'core', reason: /nothing after it/ }])
  t.end()
})

t.test('the journal brings the machines back, whatever its last line looks like', async t => {
  const path = join(t.testdir(), 'state', 'machines.jsonl')
  const clock = new FakeClock()
  const open = async (): Promise<{ registry: MachineRegistry, journal: MachineJournal }> => {
    const holder: { registry?: MachineRegistry } = {}
    const journal = new MachineJournal({ path, clock, log, current: () => holder.registry?.values() ?? [] })
    const registry = holder.registry = new MachineRegistry(await journal.load(), { note: machine => { journal.note(machine) } })
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
  const registry = new MachineRegistry(await journal.load(), {
    note: machine => {
      machines.push(machine)
      journal.note(machine)
    }
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

t.test('names as long and as hostile as DHCP carries them change nothing of another machine', t => {
  const registry = new MachineRegistry([], { note: () => {}, kindOf: ({ mac: machine }) => machine === other ? 'known' : 'stranger' })
  const victim = registry.record({ mac: other, stage: 'script', at: 1, address: '10.0.0.2', name: 'node-2', group: 'g' })
  const names = ['<script>alert(1)</script>', '\u001b]0;x\u0007\u001b[2J', 'x'.repeat(255), '\u202egnp.exe', '"},{"mac":"52:54:00:00:00:02"', '\0'.repeat(255), '../../etc/passwd', 'node-2', '__proto__', '\ud800'.repeat(100)]
  for (const [i, name] of names.entries()) {
    const seen = registry.record({ mac: invented(i), stage: 'ack', at: 2 + i, program: 'pxe', name, serial: name, vendorClass: name, address: `10.0.1.${i}` })
    t.ok(Buffer.byteLength(JSON.stringify(seen)) < 6 * 3 * 260 + 1000, JSON.stringify(name).slice(0, 30))
    t.equal(JSON.parse(JSON.stringify(seen)).mac, invented(i))
  }
  t.equal(registry.get(other), victim)
  t.equal(registry.macOf('10.0.0.2'), other)
  t.end()
})

t.test('machines in the order of their addresses, so many from one on', t => {
  const registry = new MachineRegistry([], { note: () => {} })
  for (const n of [3, 1, 5, 4, 2]) registry.record({ mac: invented(n), stage: 'script', at: n })
  const after = (n: number | undefined, most: number): number[] =>
    registry.after(n === undefined ? undefined : invented(n), most).map(({ mac }) => Number.parseInt(mac.slice(-2), 16))
  t.same([after(undefined, 2), after(2, 2), after(0, 1), after(5, 9), after(9, 9)], [[1, 2], [3, 4], [1], [], []])
  registry.forget(invented(3))
  t.same([after(2, 9), registry.size, registry.get(invented(3))], [[4, 5], 4, undefined])
  t.same([after(3, 1), registry.size], [[4], 4], 'from one that is not there any more')
  registry.forget(invented(3))
  t.equal(registry.size, 4, 'once')
  t.end()
})

t.test('what it takes is counted by its texts and lines', t => {
  const registry = new MachineRegistry([], { note: () => {}, kindOf: ({ group, name }) => group !== undefined ? 'known' : name !== undefined ? 'leased' : 'stranger' })
  t.equal(registry.octets, 0)
  registry.take({ mac, firstSeen: 1, lastSeen: 1, boots: 1, timeline: [] })
  t.equal(registry.octets, 700 + 17)
  registry.take({ mac: other, firstSeen: 1, lastSeen: 1, boots: 1, group: 'g', timeline: [{ stage: 'script', at: 1, detail: 'abc', failed: 'de' }] })
  const history = [{ at: 1, ms: 1, reason: 'why', profile: 'pp', stages: {} }, { at: 1, ms: 1 }] as never
  registry.take({ mac: invented(1), firstSeen: 1, lastSeen: 1, boots: 1, name: 'n', timeline: [], history })
  t.equal(registry.octets, 717 + (718 + 140 + 5) + (718 + 140 + 5 + 160 + 140))
  t.equal(registry.strangers, 1)
  for (const one of [mac, other, invented(1)]) registry.forget(one)
  t.equal(registry.octets, 0)
  t.end()
})

t.test('an address is forgotten with its machine, unless another one has it by now', t => {
  const registry = new MachineRegistry([], { note: () => {} })
  const see = (who: Mac, address: string, at: number): void => { registry.record({ mac: who, stage: 'ack', at, program: 'pxe', address }) }
  see(mac, '10.0.0.1', 1)
  see(other, '10.0.0.1', 2)
  registry.forget(mac)
  t.equal(registry.macOf('10.0.0.1'), other)
  registry.forget(other)
  t.equal(registry.macOf('10.0.0.1'), undefined)
  see(mac, '10.0.0.1', 3)
  see(mac, '10.0.0.2', 4)
  t.same([registry.macOf('10.0.0.1'), registry.macOf('10.0.0.2')], [undefined, mac])
  t.end()
})

t.test('what a person says of a machine is noted; of one that was never seen nothing is', async t => {
  const noted: string[] = []
  const kept: string[] = []
  const registry = new MachineRegistry([], {
    note: (machine, { isNews, isNamed }) => { noted.push(`${machine.mac.slice(-2)} ${machine.stage ?? '-'} ${isNews} ${isNamed}`) },
    kept: async who => { kept.push(who) },
    kindOf: ({ group }) => group === undefined ? 'stranger' : 'known'
  })
  registry.assign(mac, { group: 'g' })
  registry.forgetOtherLoader(mac)
  t.same([registry.reset(mac), noted], [false, []])
  registry.record({ mac, stage: 'kernel', at: 1 })
  registry.record({ mac, stage: 'kernel', at: 1 })
  registry.assign(mac, { group: 'g', profile: 'p', name: 'n' })
  t.match(registry.get(mac), { group: 'g', profile: 'p', name: 'n', stage: 'kernel' })
  t.equal(registry.isStranger(mac), false)
  t.equal(registry.reset(mac), true)
  registry.forgetOtherLoader(mac)
  t.same(noted, ['01 kernel true false', '01 kernel false false', '01 kernel true true', '01 - true true'])
  await registry.kept(mac)
  t.same(kept, [mac])
})

t.test('of another provisioner\'s record the lines are told that are new, each once', t => {
  const registry = new MachineRegistry([], { note: () => { t.fail('it is noted elsewhere') } })
  const told: string[] = []
  registry.onChange(({ observation: { stage, at, detail = '', failed = '' }, elsewhere }) => { told.push(`${stage} ${at} ${detail} ${failed} ${elsewhere}`) })
  const lines = [{ stage: 'script', at: 1 }, { stage: 'kernel', at: 2, detail: '/k' }] as const
  const take = (...timeline: Machine['timeline']): void => { registry.take({ mac, firstSeen: 1, lastSeen: 1, boots: 1, timeline }) }
  take(...lines)
  take(...lines, { stage: 'kernel', at: 2, detail: '/l' }, { stage: 'kernel', at: 2, detail: '/k', failed: 'no' }, { stage: 'kernel', at: 3, detail: '/k' }, { stage: 'initrd', at: 2, detail: '/k' })
  t.same(told, ['script 1   true', 'kernel 2 /k  true', 'kernel 2 /l  true', 'kernel 2 /k no true', 'kernel 3 /k  true', 'initrd 2 /k  true'])
  t.end()
})

t.test('what boots took before a restart counts, of those that came to their end', t => {
  const boot = (ms: number, reason?: string) => ({ at: 0, ms, profile: 'p', ...reason !== undefined && { reason } })
  const registry = new MachineRegistry([{ mac, firstSeen: 0, lastSeen: 0, boots: 3, timeline: [], history: [boot(50_000), boot(900_000, 'no group matches'), { ...boot(900_000), profile: undefined }] } as never], { note: () => {} })
  const machine = registry.record({ mac: other, stage: 'script', at: 1000, profile: 'p' })
  t.same([registry.troubleOf(machine, 1000 + 149_999), registry.troubleOf(machine, 1000 + 150_000)?.id], [undefined, 'script_silent'], 'three times fifty seconds')
  t.end()
})
