// npm test [--all] [FILE ...], and what scripts/test ends in: the test files that are named; of all others those that take seconds, and in
// CI or with --all every one.
import { readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { allTestFiles, tellTestFiles } from './lib/test-files.js'
import { chooseQuick } from './lib/test-lanes.js'

const root = fileURLToPath(new URL('..', import.meta.url))
const words = process.argv.slice(2)
const named = words.filter(word => word !== '--all').map(path => relative(root, path))
const whole = words.includes('--all') || (process.env['CI'] ?? '') !== ''

function quickOf (files: readonly string[]): readonly string[] {
  const { quick, left } = chooseQuick(files, path => { try { return readFileSync(join(root, path), 'utf8') } catch { return undefined } })
  const counts = [...left].map(([lane, count]) => `${count} of ${lane}`).join(', ')
  console.log(`left to CI, since they take a minute each: test files ${counts} (npm test -- --all runs every one)`)
  return quick
}

const files = named.length > 0 ? named : whole ? allTestFiles(root) : quickOf(allTestFiles(root))
if (!await tellTestFiles(files, { root }, { everyFile: true })) process.exitCode = 1
