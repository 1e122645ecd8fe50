// Which test files `npm test` leaves to CI and to `--all`: those that boot firmware, run clusters or install whole machines. They are
// known by the helper that starts such things, wherever between them and the test file it is imported.
import { posix } from 'node:path'

/** What takes a test file minutes; each is started by these files and by no others. */
const starters = {
  firmware: ['scripts/lib/qemu.ts', 'test/helpers/rom-machine.ts', 'test/helpers/sandbox.ts'],
  clusters: ['test/helpers/etcd.ts', 'test/helpers/etcd-members.ts', 'test/helpers/etcd-network.ts'],
  installations: ['test/helpers/bundle.ts', 'test/helpers/container.ts', 'test/helpers/docs-machine.ts']
} as const

export type Lane = keyof typeof starters

/** All files that may start what makes a test long. */
export const startingFiles: readonly string[] = Object.values(starters).flat()

/** The text of a file below the project's root, undefined where there is none. */
export type ReadSource = (path: string) => string | undefined

/** What makes this test file one for CI, undefined for one that `npm test` runs. */
export function laneOf (test: string, read: ReadSource): Lane | undefined {
  const reached = new Set([test])
  for (const path of reached) {
    // The program's own rooms import no helper.
    if (!path.startsWith('src/')) for (const imported of importsOf(path, read(path) ?? '')) reached.add(imported)
  }
  return (Object.keys(starters) as Lane[]).find(lane => starters[lane].some(path => reached.has(path)))
}

export interface ChosenTests {
  readonly quick: readonly string[]
  /** The others, and how many of them for which reason. */
  readonly left: ReadonlyMap<Lane, number>
}

export function chooseQuick (tests: readonly string[], read: ReadSource): ChosenTests {
  const lanes = new Map(tests.map(test => [test, laneOf(test, read)]))
  const left = new Map<Lane, number>()
  for (const lane of lanes.values()) if (lane !== undefined) left.set(lane, (left.get(lane) ?? 0) + 1)
  return { quick: tests.filter(test => lanes.get(test) === undefined), left }
}

/** What a file imports of the project, types alone left out. */
function importsOf (from: string, text: string): string[] {
  return [...text.matchAll(/^(?:import|export) (?!type\b)[^']*'(\.[^']+)\.js'|\bimport\('(\.[^']+)\.js'\)/gm)]
    .map(([, named, called]) => posix.join(posix.dirname(from), `${named ?? called}.ts`))
}
