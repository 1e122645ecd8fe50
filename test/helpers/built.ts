// The program as users start it: bin/core-provisioner over dist/, which is brought up to date first where src/ is newer, so that a
// test run by hand never tests yesterday's sources.
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildSync } from 'esbuild'

const root = fileURLToPath(new URL('../..', import.meta.url))
const main = join(root, 'dist/main.js')
const lock = join(root, '.cache/transpile.lock')

/** Says that dist/ comes from here and not from `npm run build`, which checks types: scripts/test then builds it anew. */
const marker = join(root, 'dist/.transpiled')

let upToDate = false

/** The path of bin/core-provisioner. */
export function builtProgram (): string {
  if (!upToDate) {
    if (isStale()) withLock(() => { if (isStale()) transpile() })
    upToDate = true
  }
  return join(root, 'bin/core-provisioner')
}

const sources = (): string[] =>
  readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' }).filter(name => name.endsWith('.ts')).map(name => join(root, 'src', name))

/** When the last of what dist/ is made of changed, in milliseconds. */
const changed = (): number => Math.max(...[...sources(), join(root, 'tsconfig.json'), join(root, 'package-lock.json')].map(path => statSync(path).mtimeMs))

function isStale (): boolean {
  const built = statSync(main, { throwIfNoEntry: false })?.mtimeMs
  return built === undefined || changed() > built
}

/** A file for each source, as `npm run build` makes them, in a fraction of its time. */
function transpile (): void {
  const newest = Math.ceil(changed()) / 1000
  buildSync({ absWorkingDir: root, entryPoints: sources(), outdir: 'dist', outbase: 'src', format: 'esm', platform: 'node', target: 'node20', sourcemap: true, logLevel: 'error' })
  writeFileSync(marker, '')
  // As old as what was read: a source may change meanwhile, and the clock of a test may be another than that of the files.
  utimesSync(main, newest, newest)
}

/** Test files run side by side: one of them builds, the others wait for it. */
function withLock (work: () => void): void {
  mkdirSync(join(root, '.cache'), { recursive: true })
  for (let tries = 0; ; tries++) {
    try {
      writeFileSync(lock, String(process.pid), { flag: 'wx' })
      break
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      if (tries > 1200) throw new Error(`${lock} has been held for two minutes: remove it when no test runs`)
      // The holder may have been killed.
      if (tries % 10 === 9 && !holderLives()) rmSync(lock, { force: true })
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100)
    }
  }
  try {
    work()
  } finally {
    rmSync(lock, { force: true })
  }
}

function holderLives (): boolean {
  try {
    process.kill(Number(readFileSync(lock, 'utf8')) || process.pid, 0)
    return true
  } catch {
    return false
  }
}
