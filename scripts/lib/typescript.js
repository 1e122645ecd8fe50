// Runs the project's TypeScript as it stands, for tests and what they start: node --import=./scripts/lib/typescript.js FILE.ts
// Most of what a short test takes is its start; tsx, which does the same for any project, adds a quarter of a second of CPU to each.
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync, writeSync } from 'node:fs'
import { register } from 'node:module'
import { isMainThread } from 'node:worker_threads'

/** Where tap is, for the hooks; undefined where it is loaded as any package. */
let tap

// tap comes before the hooks, whose thread would be asked of it too. A thread that a test starts gets this file as well, and needs no tap.
if (isMainThread && process.argv[1]?.endsWith('.test.ts') === true) {
  tap = await tapInOneFile()
  const { default: t } = await import(tap ?? 'tap')
  // tap removes a test's folder before it calls a teardown unless a teardown was there before the folder was: what still writes to it then
  // has it come back, or keeps it from going.
  t.beforeEach(test => { test.teardown(() => {}) })
  process.on('exit', tellCpu)
}
register('./typescript-hooks.js', { parentURL: import.meta.url, data: { tap } })
process.setSourceMapsEnabled(true)

/** tap is two hundred modules, which take twice as long to load as what they come to: 0.2 s of CPU for each of four hundred test files. */
async function tapInOneFile () {
  const packages = new URL('../../node_modules/', import.meta.url)
  const { version } = JSON.parse(readFileSync(new URL('tap/package.json', packages), 'utf8'))
  // tap leaves its own frames out of what it says of a failure, and knows them by this path.
  const file = new URL(`../../.cache/javascript/node_modules/@tapjs/tap-${version}.js`, import.meta.url)
  try {
    if (existsSync(file)) return file.href
    const { build } = await import('esbuild')
    const { outputFiles: [made] } = await build({
      entryPoints: [new URL('tap/dist/esm/index.js', packages).pathname],
      bundle: true,
      write: false,
      platform: 'node',
      format: 'esm',
      target: 'node20',
      // Parts of it are CommonJS, and ask for Node's modules by `require`.
      banner: { js: "import { createRequire as makeRequire } from 'node:module'\nconst require = makeRequire(import.meta.url)" },
      logLevel: 'silent'
    })
    mkdirSync(new URL('.', file), { recursive: true })
    const written = new URL(`${file.href}.${process.pid}`)
    writeFileSync(written, made.contents)
    renameSync(written, file)
    return file.href
  } catch {
    return undefined
  }
}

/** What the file cost, the programs that it started included: what a machine's load does not lengthen as it does the time. */
function tellCpu () {
  try {
    // proc_pid_stat(5): utime, stime, cutime and cstime, in hundredths, counted from behind the name, which may hold anything.
    const fields = readFileSync('/proc/self/stat', 'utf8').replace(/^.*\) /s, '').split(' ')
    const hundredths = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0)
    writeSync(1, `# ${(hundredths / 100).toFixed(2)} s of CPU\n`)
  } catch { /* not Linux, or nobody reads */ }
}
