// Runs the tests that a change needs: of what differs from a commit (HEAD, or the one that is named), files not yet added included.
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { testsFor } from './lib/changed-tests.js'
import { tellTestFiles } from './lib/test-files.js'

const root = fileURLToPath(new URL('..', import.meta.url))
const git = (...args: readonly string[]): string[] => execFileSync('git', args, { cwd: root, encoding: 'utf8' }).split('\n').filter(line => line !== '')

const [base = 'HEAD'] = process.argv.slice(2)
const changed = [...git('diff', '--name-only', base), ...git('ls-files', '--others', '--exclude-standard')]
const tests = readdirSync(join(root, 'test'), { recursive: true, encoding: 'utf8' }).map(name => `test/${name}`)
const { wanted, left } = testsFor(changed, { tests, read: path => readFileSync(join(root, path), 'utf8') })
if (wanted.length === 0) console.log(`nothing that a test is about differs from ${base}`)
else {
  console.log(`${wanted.length} test files for ${changed.length} changed files`)
  if (left.length > 0) console.log(`left to the whole suite, since they take seconds each: ${left.join(' ')}`)
  if (!await tellTestFiles(wanted, { root }, { everyFile: false })) process.exitCode = 1
}
