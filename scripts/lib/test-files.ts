// Runs test files side by side, each by Node itself: tap's runner takes half a second of CPU for each, which is more than most of them do,
// and puts its loader into every Node.js that a test starts.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { availableParallelism, cpus } from 'node:os'
import { join } from 'node:path'
import { bundleTests, type BundledTests, inSources } from './test-bundles.js'
import { idleShare, keepSeconds, longestFirst, type OrderedTest, readSeconds, TestQueue } from './test-order.js'
import { countsOf, failuresIn, failuresInBrief } from './test-output.js'

export interface TestFile {
  readonly file: string
  readonly passed: boolean
  /** All that it printed: TAP, and what it wrote to standard error. */
  readonly output: string
  readonly seconds: number
  /** Of processors, for itself and whatever it started and waited for; undefined where that was not told. */
  readonly cpuSeconds: number | undefined
}

export interface TestRun {
  /** What the files' paths start from. */
  readonly root: string
  /** The Node.js to run them by, and the environment, in place of this process's own. */
  readonly node?: string
  readonly env?: NodeJS.ProcessEnv
  /** How many files are bundled before they run, and not read one by one. */
  readonly leastBundled?: number
}

/** Seconds for a file that hangs, unless it asks for more; how long one takes is the machine's affair. */
const patience = 900

/** As many of those that wait for other programs as leave the cores something to do. */
const leastAtOnce = 2 * availableParallelism()
const mostAtOnce = 4 * availableParallelism()
/** Of all cores' time: with more than this to spare one file more is begun. */
const spare = 0.12

/** Runs all `files`, the longest first, and tells `onFile` of each when it is over. */
export async function runTestFiles (files: readonly string[], run: TestRun, onFile: (result: TestFile) => void): Promise<void> {
  const read = (path: string): string | undefined => { try { return readFileSync(join(run.root, path), 'utf8') } catch { return undefined } }
  const queue = new TestQueue(longestFirst(files, read, readSeconds(run.root)), availableParallelism())
  const seconds: Record<string, number> = {}
  let running = 0
  let before = cpus()
  let timer: NodeJS.Timeout | undefined
  const bundled = await bundleTests(files, run.root, run.leastBundled)
  try {
    await new Promise<void>((resolve, reject) => {
      const begin = async (test: OrderedTest): Promise<void> => {
        running++
        const result = await runTestFile(test.file, run, bundled)
        running--
        queue.ended(test)
        seconds[test.file] = Math.round(result.seconds * 10) / 10
        onFile(result)
        fill(leastAtOnce)
      }
      const fill = (most: number): void => {
        for (let free = most - running; free > 0; free--) {
          const test = queue.take()
          if (test === undefined) break
          begin(test).catch(reject)
        }
        if (running === 0) resolve()
      }
      timer = setInterval(() => {
        const after = cpus()
        if (idleShare(before, after) > spare) fill(Math.min(running + 1, mostAtOnce))
        before = after
      }, 1000)
      fill(leastAtOnce)
    })
  } finally {
    clearInterval(timer)
    bundled?.remove()
    keepSeconds(run.root, seconds)
  }
}

async function runTestFile (
  file: string, { root, node = process.execPath, env = process.env }: TestRun, bundled: BundledTests | undefined
): Promise<TestFile> {
  // What a runner around this one tells its tests is not for these: they would leave the counting to it.
  const own = Object.entries(env).filter(([name]) => !/^_?TAP/.test(name) && name !== 'NODE_OPTIONS')
  const started = performance.now()
  const child = spawn(node, ['--import=./scripts/lib/typescript.js', bundled?.pathOf(file) ?? file], {
    // Without a word from its runner tap gives a file half a minute.
    cwd: root,
    env: { ...Object.fromEntries(own), TAP_TIMEOUT: String(patience) },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 2000 * patience
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => { output += text })
  const [status, signal] = await once(child, 'close') as [number | null, NodeJS.Signals | null]
  const seconds = (performance.now() - started) / 1000
  if (signal !== null) output += `\nended by ${signal} after ${Math.round(seconds)} s\n`
  if (bundled !== undefined) output = inSources(output)
  // A file that ends before it has a plan ran nothing.
  const told = /^# ([\d.]+) s of CPU$/m.exec(output)?.[1]
  return { file, passed: status === 0 && /^1\.\.\d/m.test(output), output, seconds, cpuSeconds: told === undefined ? undefined : Number(told) }
}

/**
 * Runs `files` and prints why each failed one did, the reason of each skip and the counts; with `everyFile` a line for each. What failed
 * is named once more at the end, since who keeps but a part of a long output keeps its end.
 */
export async function tellTestFiles (
  files: readonly string[], run: TestRun, { everyFile }: { readonly everyFile: boolean }
): Promise<boolean> {
  const started = performance.now()
  const total = { passed: 0, failed: 0, skipped: 0 }
  const failed: string[][] = []
  let cpuSum = 0
  await runTestFiles(files, run, ({ file, passed, output, seconds, cpuSeconds }) => {
    cpuSum += cpuSeconds ?? 0
    const counts = countsOf(output)
    total.passed += counts.passed
    // A file that died, hung or ran nothing has no failed assertion of its own.
    total.failed += passed ? 0 : Math.max(counts.failed, 1)
    total.skipped += counts.skips.length
    for (const skip of counts.skips) console.log(`skipped: ${file}: ${skip}`)
    if (!passed) failed.push(failuresInBrief(file, output))
    if (!passed) console.log(failuresIn(output))
    if (!passed || everyFile) console.log(`${passed ? 'ok' : 'not ok'} ${file} (${counts.passed} assertions, ${seconds.toFixed(1)} s${cpuSeconds === undefined ? '' : `, ${cpuSeconds.toFixed(1)} of CPU`})`)
  })
  const took = Math.round((performance.now() - started) / 1000)
  const inFiles = `${files.length} file${files.length === 1 ? '' : 's'}, ${failed.length === 0 ? 'no file' : failed.length} failed`
  for (const line of failed.flat()) console.log(line)
  console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped; ${inFiles}; ${took} s, ${Math.round(cpuSum)} of CPU`)
  return failed.length === 0 && total.passed > 0
}

export const allTestFiles = (root: string): string[] =>
  readdirSync(join(root, 'test'), { recursive: true, encoding: 'utf8' }).filter(name => name.endsWith('.test.ts')).sort().map(name => `test/${name}`)
