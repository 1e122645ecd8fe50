// Changes behind switches: with each the source does what it does when the change is made in its text, and a test file that is run again and
// again in one process notices the same ones as by itself.
import { type ChildProcess, fork } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { runInThisContext } from 'node:vm'
import t from 'tap'
import ts from 'typescript'
import { switched } from '../../scripts/lib/mutant-switch.js'
import { mutationsOf } from '../../scripts/lib/mutations.js'
import { tryWarm } from '../../scripts/lib/warm-mutants.js'

const root = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '')

const source = `
const most = 3
const keys = { 1: 'one', 2: 'two' }
const { 1: one } = keys
export const f = async (a, b, log) => {
  const held = new Set()
  held.add(a)
  let n = 0
  const text = keys[b]
  await log(text)
  if (a > most && b < most || a === b && !text) return [n, 'early']
  while (n < b * 2 - a) n++
  for (const x of held) {
    if (x === b) continue
    n += x % 2 === 0 ? 10 : one.length
  }
  held.delete(a)
  return [n, held.size, b > 2 === true]
}
`

/** Of many arguments, what comes of each; a change may never end. */
async function outcomes (text: string, isOn: (n: number) => boolean): Promise<string> {
  const all: unknown[] = []
  const script = `($mutant => { ${text.replace('export const f', 'const f')}\nreturn f })`
  const f = (runInThisContext(script) as (isOn: (n: number) => boolean) => (...all: unknown[]) => Promise<unknown>)(isOn)
  for (const [a, b] of [[0, 1], [1, 2], [2, 2], [3, 3], [4, 1], [4, 2], [4, 4], [5, 3], [3, 2]]) {
    const logged: unknown[] = []
    const answer = await f(a, b, async (word: unknown) => { await null; logged.push(word) }).catch(String)
    all.push([answer, logged])
  }
  return JSON.stringify(all)
}

t.test('with each switch a source does what the change does', async t => {
  // Never to end is no answer that can be compared.
  const mutations = mutationsOf('x.ts', source).filter(({ kind, line }) => kind !== 'negation' || !source.split('\n')[line - 1]!.includes('while'))
  t.ok(mutations.length > 25)
  const { text, left } = switched('x.ts', source, mutations, place => place + 1)
  t.same(left, new Set())
  t.equal(await outcomes(text, () => false), await outcomes(source, () => false), 'none of them')
  for (const [place, { start, end, text: changed, what }] of mutations.entries()) {
    t.equal(await outcomes(text, n => n === place + 1), await outcomes(source.slice(0, start) + changed + source.slice(end), () => false), `${what} at ${start}`)
  }
})

t.test('every change to every source has one that can be read', async t => {
  const names = ['src/disk/json-lines.ts', 'src/dhcp/options.ts', 'src/go/number.ts']
  for (const name of names) {
    const text = readFileSync(`${root}/${name}`, 'utf8')
    const mutations = mutationsOf(name, text)
    const made = switched(name, text, mutations, place => place + 1)
    t.equal(made.left.size, 0, name)
    const numbers = new Set([...made.text.matchAll(/\$mutant\((\d+)\)/g)].map(([, n]) => Number(n)))
    t.equal(numbers.size, mutations.length, `${name}: each is there`)
    t.same(ts.transpileModule(made.text, { reportDiagnostics: true }).diagnostics, [], name)
  }
})

const counted = `
const most = 3
export async function count (to: number, wait: (ms: number) => Promise<void>): Promise<number> {
  if (to > most) return most
  const held = new Set<number>()
  held.add(to)
  let n = 0
  while (n < to) n += 1
  await wait(0)
  if (held.has(-1)) return -1
  return n
}
export const unasked = (a: number): boolean => a < 1
`
const itsTest = `
import { setTimeout } from 'node:timers/promises'
import t from 'tap'
import { count } from '../../src/few/count.js'

t.test('it counts', async t => {
  t.equal(await count(0, setTimeout), 0)
  t.equal(await count(2, setTimeout), 2)
  t.equal(await count(3, setTimeout), 3)
  t.equal(await count(9, setTimeout), 3)
  let isOver = false
  await count(1, async () => { await setTimeout(1); isOver = true })
  t.ok(isOver)
})
`

t.test('a test file that is run again and again in one process notices what it should, and nothing else', async t => {
  const path = 'src/few/count.ts'
  const folder = t.testdir({
    src: { few: { 'count.ts': counted } },
    test: { few: { 'count.test.ts': itsTest, 'fails.test.ts': "import t from 'tap'\nimport '../../src/few/count.js'\nt.ok(false)" } },
    t: {}
  })
  const mutants = mutationsOf(path, counted).map(mutation => ({ ...mutation, path }))
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^_?TAP/.test(name)))
  const processes: ChildProcess[] = []
  const said: string[] = []
  const tries = tryWarm({
    root: folder,
    mutants,
    read: () => counted,
    testsOf: () => ['test/few/fails.test.ts', 'test/few/count.test.ts'],
    most: 5,
    start: () => {
      const child = fork(`${root}/scripts/lib/mutant-tests.js`, [], { cwd: folder, execArgv: [], env: { ...env, TAP_TIMEOUT: '0' }, stdio: ['ignore', 'ignore', 'ignore', 'ipc'] })
      processes.push(child)
      return child
    },
    say: text => { said.push(text) }
  })
  const found = new Map<string, string>()
  for await (const [place, verdict] of tries) {
    const { kind, what, line } = mutants[place]!
    found.set(`${kind} ${what}, line ${line}`, 'noticed' in verdict ? verdict.noticed : `passed ${verdict.asked}`)
  }
  const [noticed, hung] = ['test/few/count.test.ts', 'test/few/count.test.ts, which hung']
  t.same(Object.fromEntries(found), {
    'bound 3 -> 4, line 2': noticed,
    'negation to > most -> !(to > most), line 4': noticed,
    'return return most -> {}, line 4': noticed,
    // Three of three is three.
    'comparison > -> >=, line 4': 'passed 1',
    // Nobody asks for what was added.
    'call held.add(to) -> ;, line 6': 'passed 1',
    'bound 0 -> 1, line 7': noticed,
    'negation n < to -> !(n < to), line 8': hung,
    'comparison < -> <=, line 8': noticed,
    'bound 1 -> 2, line 8': noticed,
    'await await  -> void , line 9': noticed,
    'bound 0 -> 1, line 9': 'passed 1',
    'negation held.has(-1) -> !(held.has(-1)), line 10': noticed,
    // No test gets there.
    'return return -1 -> {}, line 10': 'passed 0',
    'bound 1 -> 2, line 10': 'passed 0',
    'comparison < -> <=, line 13': 'passed 0',
    'bound 1 -> 2, line 13': 'passed 0'
  })
  t.match(said, [/^test\/few\/fails\.test\.ts does not pass/])
  // One failed without a change, one was ended with its endless loop, one has a timer left that nobody waits for; and the last.
  t.equal(processes.length, 4)
  for (const child of processes) t.ok(child.exitCode !== null || child.signalCode !== null, 'is gone')
})
