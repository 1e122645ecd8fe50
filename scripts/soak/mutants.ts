// Changes the sources one small thing at a time, in a copy, and runs the test files that the change concerns: what no test, nor the
// compiler, nor the linter's rule on promises notices is a survivor. Every kind of change has its turn. Options: --count N (100), --all,
// --seed N, --room PATH (below src/, a folder or a file; several with commas), --kind KIND (scripts/lib/mutations.ts), --tests N (8), or
// --by FILE (tests, with commas) for those that are to notice.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { random } from '../../test/helpers/random.js'
import { concernedTests } from '../lib/concerned-tests.js'
import { MutantCopy } from '../lib/mutant-copy.js'
import { type Mutation, mutationKinds, mutationsOf } from '../lib/mutations.js'

const root = fileURLToPath(new URL('../..', import.meta.url))

interface Mutant extends Mutation { readonly path: string }

export async function run (args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      count: { type: 'string', default: '100' },
      all: { type: 'boolean', default: false },
      seed: { type: 'string' },
      room: { type: 'string', default: '' },
      kind: { type: 'string', default: '' },
      tests: { type: 'string', default: '8' },
      by: { type: 'string' }
    }
  })
  const seed = Number(values.seed ?? Date.now() % 2 ** 31)
  const rooms = values.room.split(',')
  const files = ['src', 'test'].flatMap(folder =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).filter(name => name.endsWith('.ts')).map(name => `${folder}/${name}`)).sort()
  const read = (path: string): string => readFileSync(join(root, path), 'utf8')
  const sources = files.filter(path => path.startsWith('src/') && rooms.some(room => path.startsWith(`src/${room}`)))
  const all = sources.flatMap(path => mutationsOf(path, read(path)).filter(({ kind }) => values.kind === '' || kind === values.kind).map(mutation => ({ path, ...mutation })))
  const chosen = values.all ? all : inTurns(all, random(seed)).slice(0, Number(values.count))
  console.log(`seed ${seed}: ${all.length} changes to ${sources.length} files, ${chosen.length} of them tried`)
  const copy = new MutantCopy(root)
  const stop = (): void => {
    copy.close()
    process.exit(130)
  }
  process.once('SIGINT', stop).once('SIGTERM', stop)
  const by = values.by?.split(',')
  const testsOf = by === undefined ? concernedTests({ files, read }) : () => by
  const scores = new Map<string, { noticed: number, tried: number }>()
  for (const [index, mutant] of chosen.entries()) {
    const { path, kind, start, end, text, what, line } = mutant
    const source = read(path)
    const tests = await passing(copy, testsOf(path), Number(values.tests))
    const noticed = await copy.changed(path, source.slice(0, start) + text + source.slice(end), () => noticedBy(copy, mutant, tests))
    for (const name of ['all', kind, path.split('/')[1]!]) {
      const score = scores.get(name) ?? { noticed: 0, tried: 0 }
      scores.set(name, { noticed: score.noticed + (noticed === undefined ? 0 : 1), tried: score.tried + 1 })
    }
    console.log(`${index + 1} ${noticed === undefined ? 'SURVIVED' : 'noticed'} ${kind} ${path}:${line}: ${what} (${noticed ?? `${tests.length} test files`})`)
  }
  copy.close()
  for (const [name, { noticed, tried }] of scores) console.log(`${name}: ${noticed} of ${tried} noticed (${Math.round(100 * noticed / tried)} in 100)`)
}

/** A kind after the other, of each kind by chance: there are a hundred comparisons for each sync. */
function inTurns (all: readonly Mutant[], chance: () => number): Mutant[] {
  const byKind = mutationKinds.map(kind => all.filter(mutant => mutant.kind === kind))
  const order: Mutant[] = []
  while (order.length < all.length) {
    for (const kind of byKind) if (kind.length > 0) order.push(kind.splice(Math.floor(chance() * kind.length), 1)[0]!)
  }
  return order
}

/** The nearest that pass unchanged. */
async function passing (copy: MutantCopy, tests: readonly string[], most: number): Promise<string[]> {
  const found: string[] = []
  for (const test of tests) {
    if (found.length === most) break
    if (await copy.usual(test) !== undefined) found.push(test)
    else console.log(`  ${test} does not pass here as it is`)
  }
  return found
}

async function noticedBy (copy: MutantCopy, { path, kind }: Mutant, tests: readonly string[]): Promise<string | undefined> {
  for (const test of tests) {
    const verdict = await copy.run(test)
    if (verdict !== 'passed') return verdict === 'hung' ? `${test}, which hung` : test
  }
  if (!copy.compiles()) return 'the compiler'
  return kind === 'await' && !copy.isClean(path) ? 'the linter' : undefined
}
