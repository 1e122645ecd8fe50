// Changes the sources one small thing at a time, in a copy, and runs the test files that the change concerns: what no test, nor the
// compiler, nor the linter's rule on promises notices is a survivor. Every kind of change has its turn. Options: --count N (100), --all,
// --seed N, --room PATH (below src/, a folder or a file; several with commas), --kind KIND (scripts/lib/mutations.ts), --tests N (8), or
// --by FILE (tests, with commas) for those that are to notice.
import { readdirSync } from 'node:fs'
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
  const copy = new MutantCopy(root)
  const read = (path: string): string => copy.read(path)
  const sources = files.filter(path => path.startsWith('src/') && rooms.some(room => path.startsWith(`src/${room}`)))
  const all = sources.flatMap(path => mutationsOf(path, read(path)).filter(({ kind }) => values.kind === '' || kind === values.kind).map(mutation => ({ path, ...mutation })))
  const chosen = values.all ? all : inTurns(all, random(seed)).slice(0, Number(values.count))
  console.log(`seed ${seed}: ${all.length} changes to ${sources.length} files, ${chosen.length} of them tried`)
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
    const tests = testsOf(path).slice(0, Number(values.tests))
    const noticed = await noticedBy(copy, mutant, source.slice(0, start) + text + source.slice(end), tests)
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

async function noticedBy (
  copy: MutantCopy, { path, kind }: Mutant, changed: string, tests: readonly string[]
): Promise<string | undefined> {
  for (const test of tests) {
    const verdict = await copy.changed(path, changed, () => copy.run(test))
    if (verdict === 'passed') continue
    // One that does not pass as it is can notice nothing.
    if (await copy.passes(test)) return verdict === 'hung' ? `${test}, which hung` : test
    console.log(`  ${test} does not pass here as it is`)
  }
  return await copy.changed(path, changed, async () => {
    if (!copy.compiles()) return 'the compiler'
    return kind === 'await' && !copy.isClean(path) ? 'the linter' : undefined
  })
}
