// The program as users start it: bundled, as it ships, or bin/core-provisioner over dist/; brought up to date first where src/ is newer,
// so that a test run by hand never tests yesterday's sources.
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildSync } from 'esbuild'
import { bundleOptions } from '../../scripts/lib/bundle-program.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
const lock = join(root, '.cache/transpile.lock')

/** Says that dist/ comes from here and not from `npm run build`, which checks types: scripts/test then builds it anew. */
const marker = join(root, 'dist/.transpiled')

/** As `npm run build` makes it: the path of bin/core-provisioner. */
export function builtProgram (): string {
  bringUpToDate(built)
  return join(root, 'bin/core-provisioner')
}

/** As it ships, in pieces rather than six hundred files, which starts in half the CPU: the path of its main.js. */
export function bundledProgram (): string {
  bringUpToDate(bundled)
  return bundled.main
}

interface Output { readonly main: string, readonly make: () => void }

const built: Output = {
  main: join(root, 'dist/main.js'),
  // A file for each source, as `npm run build` makes them, in a fraction of its time.
  make: () => {
    buildSync({ absWorkingDir: root, entryPoints: sources(), outdir: 'dist', outbase: 'src', format: 'esm', platform: 'node', target: 'node20', sourcemap: true, logLevel: 'error' })
    writeFileSync(marker, '')
  }
}

const bundled: Output = {
  // Two below the root, where the program looks for what ships with it.
  main: join(root, '.cache/program/main.js'),
  make: () => {
    rmSync(join(bundled.main, '..'), { recursive: true, force: true })
    buildSync({ ...bundleOptions(root), outdir: '.cache/program', target: 'node20', external: ['koffi'], logLevel: 'error' })
  }
}

const upToDate = new Set<Output>()

function bringUpToDate (output: Output): void {
  if (upToDate.has(output)) return
  if (isStale(output)) {
    withLock(() => {
      if (!isStale(output)) return
      const newest = Math.ceil(changed()) / 1000
      output.make()
      // As old as what was read: a source may change meanwhile, and the clock of a test may be another than that of the files.
      utimesSync(output.main, newest, newest)
    })
  }
  upToDate.add(output)
}

const sources = (): string[] =>
  readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' }).filter(name => name.endsWith('.ts')).map(name => join(root, 'src', name))

/** When the last of what the program is made of changed, in milliseconds. */
const changed = (): number => Math.max(...[...sources(), join(root, 'tsconfig.json'), join(root, 'package-lock.json')].map(path => statSync(path).mtimeMs))

function isStale ({ main }: Output): boolean {
  const made = statSync(main, { throwIfNoEntry: false })?.mtimeMs
  return made === undefined || changed() > made
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
