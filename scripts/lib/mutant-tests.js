// Runs test files again and again in one process, each time with another change to the sources in force (mutant-switch.ts). It is told
// which over the channel to whoever started it (warm-tests.ts). What a test file is made of is run anew each time, so that what a module
// works out when it is loaded is worked out with the change; only packages stay loaded.
import { readFileSync } from 'node:fs'
import { constants, Script } from 'node:vm'
import { Worker } from 'node:worker_threads'
import { t } from './tap.js'

/** @typedef {{ script: string, packages: readonly string[], mutant: number, seconds: number }} Task */

const scripts = new Map()
/** @type {Record<string, unknown>} */
const packages = {}
/** @type {((verdict: string) => void) | undefined} */
let stop

// The first number counts runs, the second is how many milliseconds of processor time this one has, 0 when none runs.
const work = new Int32Array(new SharedArrayBuffer(8))
// A loop that never ends is ended from outside it, with the process.
new Worker(`
  const { workerData: work } = require('node:worker_threads')
  let [run, since] = [0, process.cpuUsage()]
  setInterval(() => {
    if (work[0] !== run) [run, since] = [work[0], process.cpuUsage()]
    const { user, system } = process.cpuUsage(since)
    if (work[1] > 0 && (user + system) / 1000 > work[1]) process.kill(process.pid, 'SIGKILL')
  }, 100)
`, { eval: true, workerData: work }).unref()

// Told over the channel, this process lives for as long as it is there; while a test runs only the test keeps it going.
process.on('beforeExit', () => { stop?.('stalled') })
for (const event of ['uncaughtException', 'unhandledRejection']) process.on(event, () => { stop?.('failed') })

let number = 0

/** Timers, sockets and files that are still there. */
const held = () => process.getActiveResourcesInfo().filter(name => name !== 'Immediate').length

/** @param {Task} task */
async function run ({ script: path, packages: names, mutant, seconds }) {
  for (const name of names) packages[name] ??= await import(name)
  let script = scripts.get(path)
  if (script === undefined) {
    script = new Script(readFileSync(path, 'utf8'), { filename: path, importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER })
    scripts.set(path, script)
  }
  /** @type {Set<number>} */
  const reached = new Set()
  /** @param {number} n */
  const isInForce = n => n === mutant
  /** @param {number} n */
  const note = n => { reached.add(n); return false }
  const before = held()
  const started = performance.now()
  const stopped = new Promise(resolve => { stop = resolve })
  work[1] = seconds * 1000
  work[0]++
  process.channel?.unref()
  const passed = t.test(`${process.pid}-${++number}`, { silent: true, bail: false, timeout: 0 }, async test => {
    // As typescript.js has it.
    test.beforeEach(inner => { inner.teardown(() => {}) })
    await script.runInThisContext()(packages, test, mutant === 0 ? note : isInForce)
  }).then(({ ok, count }) => ok && count > 0 ? 'passed' : 'failed', () => 'failed')
  const verdict = await Promise.race([passed, stopped])
  stop = undefined
  process.channel?.ref()
  work[1] = 0
  // What is left behind may disturb the next.
  await new Promise(resolve => { setImmediate(resolve) })
  const isClean = verdict !== 'stalled' && held() <= before
  process.send?.({ verdict, isClean, milliseconds: performance.now() - started, reached: [...reached] })
}

// Whoever started it is gone.
process.on('disconnect', () => process.exit())
process.on('message', run)
process.send?.({ verdict: 'ready' })
