// Changes the sources one small thing at a time, in a copy, and runs the test file that mirrors the changed one: a change that no test
// notices is a survivor. Options: --count N (100), --seed N, --only PATH (below src/, a folder or a file).
import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { random } from '../../test/helpers/random.js'
import { mutationsOf } from '../lib/mutations.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
/** For a change that makes a test wait for ever. */
const patience = 180_000

export async function run (args: readonly string[]): Promise<void> {
  const { values } = parseArgs({ args: [...args], options: { count: { type: 'string', default: '100' }, seed: { type: 'string' }, only: { type: 'string', default: '' } } })
  const seed = Number(values.seed ?? Date.now() % 2 ** 31)
  const chance = random(seed)
  const tested = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
    .filter(name => name.endsWith('.ts') && name.startsWith(values.only) && existsSync(join(root, 'test', name.replace(/\.ts$/, '.test.ts')))).sort()
  const all = tested.flatMap(name => mutationsOf(name, readFileSync(join(root, 'src', name), 'utf8')).map(mutation => ({ name, ...mutation })))
  console.log(`seed ${seed}: ${all.length} changes to ${tested.length} files, ${values.count} of them tried`)
  const copy = mkdtempSync(join(tmpdir(), 'mutants-'))
  for (const file of execFileSync('git', ['ls-files', '-z'], { cwd: root, encoding: 'utf8' }).split('\0')) {
    if (file !== '' && existsSync(join(root, file))) cpSync(join(root, file), join(copy, file))
  }
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'))
  let [tried, noticed] = [0, 0]
  for (; tried < Number(values.count) && all.length > 0; tried++) {
    const [mutation] = all.splice(Math.floor(chance() * all.length), 1)
    const { name, start, end, text, what, line } = mutation!
    const source = readFileSync(join(root, 'src', name), 'utf8')
    writeFileSync(join(copy, 'src', name), source.slice(0, start) + text + source.slice(end))
    const test = `test/${name.replace(/\.ts$/, '.test.ts')}`
    const { status } = spawnSync(process.execPath, ['--import=tsx', test], { cwd: copy, stdio: 'ignore', timeout: patience, killSignal: 'SIGKILL', env: { ...process.env, TAP_BAIL: '1' } })
    if (status !== 0) noticed++
    else console.log(`survived: src/${name}:${line}: ${what}`)
    writeFileSync(join(copy, 'src', name), source)
  }
  rmSync(copy, { recursive: true })
  console.log(`${noticed} of ${tried} noticed (${Math.round(100 * noticed / Math.max(1, tried))} in 100)`)
}
