// What the service says of its store by itself: real processes in check's place, which leave a line for each time they are asked, and check.
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { StoreChange } from '../../src/matchbox/store.js'
import { watchStoreFindings } from '../../src/wiring/store-diagnosis.js'
import { bundledProgram } from '../helpers/built.js'
import { FakeClock } from '../helpers/fake-clock.js'
import { until } from '../helpers/until.js'

function site (check: readonly string[], sources: readonly string[] = ['config.yaml']) {
  const clock = new FakeClock()
  const amiss = new Map<string, readonly string[]>()
  const logged: Array<Record<string, unknown>> = []
  const listeners: Array<(changes: readonly StoreChange[]) => void> = []
  const closers: Array<() => Promise<void>> = []
  const log = { warn: (facts: object, msg: string) => { logged.push({ ...facts, msg }) } }
  const groups = new Map<string, unknown>()
  const store = { snapshot: { forMachines: { groups } }, onChange: (listener: typeof listeners[number]) => { listeners.push(listener); return () => { listeners.splice(0) } } }
  watchStoreFindings({ check, loaded: { sources }, env: process.env, clock, log, store, amiss, onClose: (closer: () => Promise<void>) => { closers.push(closer) } } as never)
  return {
    clock,
    logged,
    groups,
    listeners,
    told: () => amiss.get('store'),
    change: () => { for (const listener of listeners) listener([]) },
    close: async () => { for (const closer of closers) await closer() }
  }
}

/** Says the first of `answers`, then the next; the last for ever. */
function fake (t: Test, ...answers: readonly unknown[]): { check: readonly string[], asked: () => number } {
  const file = join(t.testdir(), 'asked')
  const script = `const fs = require('node:fs'); fs.appendFileSync(process.argv[1], 'x'); const n = fs.statSync(process.argv[1]).size
const answers = ${JSON.stringify(answers)}; const findings = answers[Math.min(n, answers.length) - 1]
if (findings === null) process.exit(1)
console.log(JSON.stringify({ findings }))`
  return { check: [process.execPath, '-e', script, file], asked: () => existsSync(file) ? readFileSync(file, 'utf8').length : 0 }
}

const missing = { level: 'error', about: 'store', rule: 'missing-profile', file: 'groups/a.json', line: 1, column: 26, text: 'names the profile "gone"' }
const empty = { level: 'warning', about: 'store', rule: 'config-warning', file: 'ignition/a.yaml', line: 1, column: 1, text: 'Configuration is empty' }
const [saidMissing, saidEmpty] = ['groups/a.json:1:26: names the profile "gone"', 'ignition/a.yaml:1:1: Configuration is empty']

t.test('it is looked at after the start, and when it has changed, once a minute at most; what is said already is not logged again', async t => {
  const { check, asked } = fake(t, [empty, missing, { ...missing, rule: 'unreadable' }, { ...missing, level: 'note' }, { ...missing, about: 'tftp' }], [empty], null, [])
  const { clock, told, logged, change, close } = site(check)
  clock.advance(59_999)
  t.equal(told(), undefined)
  clock.advance(1)
  await until('the first look', () => told() !== undefined)
  t.same(told(), [saidMissing, saidEmpty], 'the worst first, and nothing that is told elsewhere')
  t.match(logged, [{ msg: 'store.amiss', rule: 'missing-profile', problem: saidMissing }, { problem: saidEmpty }])

  for (let n = 0; n < 50; n++) change()
  clock.advance(59_999)
  t.equal(asked(), 1, 'it rests')
  clock.advance(1)
  await until('the second look', () => told()?.length === 1)
  t.same([told(), asked()], [[saidEmpty], 2])
  t.equal(logged.length, 2)

  clock.advance(600_000 - 120_000)
  await until('it is looked at now and then', () => asked() === 3)
  t.same(told(), [saidEmpty], 'what could not be asked says nothing new')
  await until('its rest has begun', () => clock.pending === 2)
  clock.advance(600_000)
  await until('all is well', () => told()?.length === 0)
  change()
  await close()
  t.equal(clock.pending, 0)
})

t.test('thirty are told one by one, and how many more there are', async t => {
  for (const [count, last] of [[30, 'f29: x'], [31, '1 more finding of the store: core-provisioner check tells all']] as const) {
    const { check } = fake(t, Array.from({ length: count }, (_, n) => ({ ...missing, file: `f${n}`, line: undefined, text: 'x' })))
    const { clock, told, logged, close } = site(check)
    clock.advance(60_000)
    await until('a look', () => told() !== undefined)
    t.equal(told()?.length, count)
    t.equal(told()?.at(-1), last)
    t.equal(logged.length, count)
    await close()
  }
})

t.test('a configuration that came through a pipe is not asked after, nor is one that nobody names', async t => {
  const { check } = fake(t, [])
  for (const { clock, listeners } of [site(check, ['/dev/stdin']), site([])]) t.same([clock.pending, listeners.length], [0, 0])
})

t.test('one that does not end by itself is ended with the service', async t => {
  const file = join(t.testdir(), 'asked')
  const { clock, close, told } = site([process.execPath, '-e', 'require("node:fs").writeFileSync(process.argv[1], "x"); setInterval(() => {}, 1000)', file])
  clock.advance(60_000)
  await until('it is asked', () => existsSync(file))
  await close()
  t.equal(told(), undefined)
  t.equal(clock.pending, 0)
})

t.test('check itself: what machines will miss, and that it is there again', async t => {
  const folder = t.testdir({
    data: {
      groups: { 'a.json': '{"id":"a","profile":"gone"}', 'b.json': '{"id":"b","profile":"p","selector":{"x":"y"}}' },
      profiles: { 'p.json': '{"id":"p","boot":{"kernel":"/assets/flatcar/1.0.0/vmlinuz"},"ignition_id":"p.yaml"}' },
      ignition: { 'p.yaml': 'variant: nixos\nversion: 1.0.0\n' }
    },
    assets: {}
  })
  const file = join(folder, 'config.yaml')
  writeFileSync(file, `data_path: ${folder}/data\nassets_path: ${folder}/assets\nstate_path: ${folder}/state\ntftp: { address: "" }\nrpc: { address: "" }\n`)
  const { clock, told, change, close } = site([process.execPath, bundledProgram(), 'check', '--json', '--config', file])
  clock.advance(60_000)
  await until('a look', () => told() !== undefined)
  t.match(told(), [
    /groups\/a\.json:1:\d+: names the profile "gone", which is not there/, /ignition\/p\.yaml:\d+:\d+: No translator exists for variant nixos/,
    /profiles\/p\.json:1:\d+: boots \/assets\/flatcar\/1\.0\.0\/vmlinuz, which is not there/, /groups\/a\.json:1:2: no selector/
  ])
  rmSync(join(folder, 'data/groups/a.json'))
  change()
  clock.advance(70_000)
  await until('another look', () => told()?.length === 2)
  await close()
})

t.test('more groups than it may take the memory for are looked at by hand', async t => {
  const { check, asked } = fake(t, [missing], [empty])
  const { clock, told, groups, change, close } = site(check)
  clock.advance(60_000)
  await until('a look', () => told() !== undefined)
  for (let n = 0; n <= 20_000; n++) groups.set(String(n), {})
  clock.advance(60_000)
  change()
  clock.advance(60_000)
  await until('what was said is taken back', () => told() === undefined)
  t.equal(asked(), 1)
  groups.delete('0')
  clock.advance(60_000)
  change()
  clock.advance(60_000)
  await until('it is looked at again', () => told() !== undefined)
  t.same([told(), asked()], [[saidEmpty], 2])
  await close()
})
