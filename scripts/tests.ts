// Every test, or the test files that are named: npm test, and what scripts/test ends in.
import { availableParallelism } from 'node:os'
import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { allTestFiles, tellTestFiles } from './lib/test-files.js'

const root = fileURLToPath(new URL('..', import.meta.url))
const named = process.argv.slice(2).map(path => relative(root, path))
// Most tests wait for programs that they start: more at a time than there are cores.
const run = { root, atOnce: 2 * availableParallelism() }
if (!await tellTestFiles(named.length > 0 ? named : allTestFiles(root), run, { everyFile: true })) process.exitCode = 1
