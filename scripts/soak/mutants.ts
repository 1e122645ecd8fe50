// Changes the sources one small thing at a time, in a copy, and runs the test files that run what was changed, the nearest first: what
// none of them notices is a survivor. A change that the compiler refuses counts as neither. Every kind of change has its turn. Options:
// --count N (100), --all, --seed N, --room PATH (below src/, a folder or a file; several with commas), --kind KIND
// (scripts/lib/mutations.ts), --tests N (8), or --by FILE (tests, with commas) for those that are to notice; --from N goes on with the
// Nth of a seed, --numbers N,N tries those of it alone; --only PATH:LINE (with commas) for the changes of those lines. --warm tries them
// first in a process that stays (scripts/lib/warm-mutants.ts), a fraction of a second each, and by themselves only those that are not
// noticed there; with --unconfirmed those are left at that, and the score is the least that it can be.
import { readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { random } from '../../test/helpers/random.js'
import { concernedTests, importing } from '../lib/concerned-tests.js'
import { MutantCompiler } from '../lib/mutant-compiler.js'
import { type Baseline, MutantCopy } from '../lib/mutant-copy.js'
import { mutationKinds, mutationsOf } from '../lib/mutations.js'
import { numberOf, numbersOf, seedOf } from '../lib/number-arguments.js'
import { type Mutant, tryWarm } from '../lib/warm-mutants.js'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** A test file that takes longer than this many milliseconds is asked after the others. */
const quick = 10_000

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
      by: { type: 'string' },
      from: { type: 'string', default: '1' },
      numbers: { type: 'string' },
      only: { type: 'string' },
      warm: { type: 'boolean', default: false },
      unconfirmed: { type: 'boolean', default: false }
    }
  })
  const seed = seedOf('--seed', values.seed)
  const [most, from, mostTests] = [numberOf('--count', values.count), numberOf('--from', values.from), numberOf('--tests', values.tests)]
  const chosen = values.numbers === undefined ? undefined : numbersOf('--numbers', values.numbers)
  const rooms = values.room.split(',')
  const files = ['src', 'test'].flatMap(folder =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).filter(name => name.endsWith('.ts')).map(name => `${folder}/${name}`)).sort()
  const copy = new MutantCopy(root)
  const read = (path: string): string => copy.read(path)
  const sources = files.filter(path => path.startsWith('src/') && rooms.some(room => path.startsWith(`src/${room}`)))
  const only = values.only?.split(',')
  const all = sources.flatMap(path => mutationsOf(path, read(path)).map(mutation => ({ path, ...mutation })))
    .filter(({ kind, path, line }) => (values.kind === '' || kind === values.kind) && only?.includes(`${path}:${line}`) !== false)
  const count = values.all || only !== undefined ? all.length : most
  console.log(`seed ${seed}: ${all.length} changes to ${sources.length} files, ${Math.min(count, all.length)} of them tried`)
  const stop = (): void => {
    copy.close()
    process.exit(130)
  }
  process.once('SIGINT', stop).once('SIGTERM', stop)
  const by = values.by?.split(',')
  const testsOf = by === undefined ? concernedTests({ files, read }) : () => by
  // What a program that they start runs is not counted with them.
  const startProgram = importing('test/helpers/built.ts', { files, read })
  const compiler = new MutantCompiler(copy.folder)
  const changedBy = ({ path, start, end, text }: Mutant): string => {
    const source = read(path)
    return source.slice(0, start) + text + source.slice(end)
  }
  const order = inTurns(all, random(seed))
  const { taken, refused } = takenOf(order, count, mutants =>
    compiler.take(mutants.map(mutant => ({ path: join(copy.folder, mutant.path), text: changedBy(mutant) }))))
  const numbers = chosen ?? [...taken.keys()].map(place => place + 1).slice(from - 1)
  const mutants = numbers.map(number => taken[number - 1]).filter(mutant => mutant !== undefined)
  const scores = new Map<string, { noticed: number, tried: number }>()
  const tell = ({ kind, path, line, what }: Mutant, place: number, noticed: string | undefined, how: string): void => {
    for (const name of ['all', kind, path.split('/')[1]!]) {
      const score = scores.get(name) ?? { noticed: 0, tried: 0 }
      scores.set(name, { noticed: score.noticed + (noticed === undefined ? 0 : 1), tried: score.tried + 1 })
    }
    console.log(`${numbers[place]} ${noticed === undefined ? 'SURVIVED' : 'noticed'} ${kind} ${path}:${line}: ${what} (${noticed ?? how})`)
  }
  const done = new Set<Mutant>()
  if (values.warm) {
    const tries = tryWarm({ root: copy.folder, mutants, read, testsOf, most: mostTests, start: () => copy.startWarm(), say: text => { console.log(`  ${text}`) } })
    for await (const [place, verdict] of tries) {
      const mutant = mutants[place]!
      if ('noticed' in verdict) {
        tell(mutant, place, verdict.noticed, '')
      } else if (values.unconfirmed) tell(mutant, place, undefined, `unconfirmed, ${verdict.asked} test files`)
      else {
        console.log(`  ${numbers[place]} not noticed yet: ${mutant.kind} ${mutant.path}:${mutant.line}: ${mutant.what} (${verdict.asked} test files)`)
        continue
      }
      done.add(mutant)
    }
  }
  for (const [place, mutant] of mutants.entries()) {
    if (done.has(mutant) || (values.warm && values.unconfirmed)) continue
    const { path, line, column } = mutant
    let asked = 0
    let noticed: string | undefined
    const runsIt = ({ coverage }: Baseline, test: string): boolean =>
      by !== undefined || coverage.ran(path, line - 1, column) || (startProgram.has(test) && roomOf(test) === roomOf(path))
    for await (const test of passing(copy, testsOf(path), mostTests, runsIt)) {
      asked++
      const verdict = await copy.changed(path, changedBy(mutant), () => copy.run(test))
      if (verdict === 'passed') continue
      noticed = verdict === 'hung' ? `${test}, which hung` : test
      break
    }
    tell(mutant, place, noticed, asked === 0 ? 'no test file runs it' : `${asked} test files`)
  }
  copy.close()
  console.log(`${refused} more were refused by the compiler`)
  for (const [name, { noticed, tried }] of scores) console.log(`${name}: ${noticed} of ${tried} noticed (${Math.round(100 * noticed / tried)} in 100)`)
}

/** The first so many that the compiler takes, and how many it refused on the way. */
function takenOf (
  order: readonly Mutant[], count: number, take: (mutants: readonly Mutant[]) => boolean[]
): { readonly taken: readonly Mutant[], readonly refused: number } {
  const taken: Mutant[] = []
  let refused = 0
  for (let next = 0; next < order.length && taken.length < count;) {
    // Many at once, as one compilation takes a second for all of them.
    const some = order.slice(next, next + count - taken.length)
    next += some.length
    for (const [at, isTaken] of take(some).entries()) {
      if (isTaken) taken.push(some[at]!)
      else refused++
    }
  }
  return { taken, refused }
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

const roomOf = (path: string): string => dirname(path).replace(/^(?:src|test)\//, '')

const said = new Set<string>()

/** So many of the nearest test files for each that is wanted are looked at whether they run what was changed. */
const lookedAt = 2

/** The nearest test files that run it and pass as they are, those that take long last: one that does not pass can notice nothing. */
async function * passing (
  copy: MutantCopy, nearest: readonly string[], most: number, runs: (baseline: Baseline, test: string) => boolean
): AsyncGenerator<string> {
  const slow: string[] = []
  let count = 0
  for (const test of nearest.slice(0, lookedAt * most)) {
    if (count === most) break
    const baseline = await copy.baseline(test)
    if (baseline.passes) {
      if (!runs(baseline, test)) continue
      count++
      if (baseline.milliseconds < quick) yield test
      else slow.push(test)
    } else if (!said.has(test)) {
      said.add(test)
      console.log(`  ${test} does not pass here as it is, and is left out`)
    }
  }
  yield * slow
}
