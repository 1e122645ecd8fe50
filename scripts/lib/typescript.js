// Runs the project's TypeScript as it stands, for tests and what they start: node --import=./scripts/lib/typescript.js FILE.ts
// Most of what a short test takes is its start; tsx, which does the same for any project, adds a quarter of a second of CPU to each.
import { readFileSync, writeSync } from 'node:fs'
import { register } from 'node:module'
import { fileURLToPath } from 'node:url'
import { isMainThread } from 'node:worker_threads'

/** A test file that its runner made into JavaScript beforehand (test-bundles.ts) needs no hooks. It goes by the name of its source. */
const [, source] = (isMainThread ? /\/\.cache\/tests\/\d+\/(.+)\.js$/.exec(process.argv[1] ?? '') : undefined) ?? []
if (source !== undefined) process.argv[1] = fileURLToPath(new URL(`../../${source}.ts`, import.meta.url))

/** Where tap is, for the hooks; undefined where nothing asks for it, or it is loaded as any package. */
let tap

// tap comes before the hooks, whose thread would be asked of it too. A thread that a test starts gets this file as well, and needs no tap.
if (isMainThread && process.argv[1]?.endsWith('.test.ts') === true) {
  const own = new URL('./tap.js', import.meta.url).href
  const { default: t } = await import(own).then(module => { tap = own; return module }, () => import('tap'))
  // tap removes a test's folder before it calls a teardown unless a teardown was there before the folder was: what still writes to it then
  // has it come back, or keeps it from going.
  t.beforeEach(test => { test.teardown(() => {}) })
  process.on('exit', tellCpu)
}
if (source === undefined) register('./typescript-hooks.js', { parentURL: import.meta.url, data: { tap } })
process.setSourceMapsEnabled(true)

/** What the file cost, the programs that it started included: what a machine's load does not lengthen as it does the time. */
function tellCpu () {
  try {
    // proc_pid_stat(5): utime, stime, cutime and cstime, in hundredths, counted from behind the name, which may hold anything.
    const fields = readFileSync('/proc/self/stat', 'utf8').replace(/^.*\) /s, '').split(' ')
    const hundredths = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0)
    writeSync(1, `# ${(hundredths / 100).toFixed(2)} s of CPU\n`)
  } catch { /* not Linux, or nobody reads */ }
}
