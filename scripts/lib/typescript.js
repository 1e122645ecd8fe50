// Runs the project's TypeScript as it stands, for tests and what they start: node --import=./scripts/lib/typescript.js FILE.ts
// Most of what a short test takes is its start; tsx, which does the same for any project, adds a quarter of a second of CPU to each.
import { readFileSync, writeSync } from 'node:fs'
import { register } from 'node:module'
import { isMainThread } from 'node:worker_threads'

// Of the start of a test a third is tap's two hundred modules, each of which would ask the thread of the hooks where it is: they come
// before there is one. A thread that a test starts gets this file too, and needs no tap.
if (isMainThread && process.argv[1]?.endsWith('.test.ts') === true) {
  const { default: t } = await import('tap')
  // tap removes a test's folder before it calls a teardown unless a teardown was there before the folder was: what still writes to it then
  // has it come back, or keeps it from going.
  t.beforeEach(test => { test.teardown(() => {}) })
  process.on('exit', tellCpu)
}
register('./typescript-hooks.js', import.meta.url)
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
