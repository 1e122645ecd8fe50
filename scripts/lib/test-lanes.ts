// Which test files `npm test` leaves to CI and to `--all`: those that boot firmware, run clusters, install whole machines or are the
// short form of a soak. They are known by the helper that starts such things, wherever between them and the test file it is imported.
import { posix } from 'node:path'

/** What takes a test file minutes; each is started by these files and by no others. */
const starters = {
  firmware: ['scripts/lib/qemu.ts', 'test/helpers/rom-machine.ts', 'test/helpers/sandbox.ts'],
  clusters: ['test/helpers/etcd.ts', 'test/helpers/etcd-members.ts', 'test/helpers/etcd-network.ts'],
  installations: ['test/helpers/bundle.ts', 'test/helpers/container.ts', 'test/helpers/docs-machine.ts'],
  soaks: [
    'test/helpers/hostile-minute.ts', 'test/helpers/connection-rush.ts', 'test/helpers/dhcp-hostile.ts', 'test/helpers/tftp-hostile.ts', 'test/helpers/dhcp-soak.ts',
    'test/helpers/mirror-storm.ts', 'test/helpers/ui-soak.ts', 'test/helpers/failing-calls.ts', 'test/helpers/fleet/run-fleet.ts'
  ]
} as const

export type Lane = keyof typeof starters

/** All files that may start what makes a test long. */
export const startingFiles: readonly string[] = Object.values(starters).flat()

/** The text of a file below the project's root, undefined where there is none. */
export type ReadSource = (path: string) => string | undefined

/** What makes a test file one for CI, undefined for one that `npm test` runs; each file is read once. */
export function laneReader (read: ReadSource): (test: string) => Lane | undefined {
  const known = new Map<string, readonly string[]>()
  const importedBy = (path: string): readonly string[] => {
    const imports = known.get(path) ?? importsOf(path, read(path) ?? '')
    known.set(path, imports)
    return imports
  }
  return test => {
    const reached = new Set([test])
    // The program's own rooms import no helper.
    for (const path of reached) if (!path.startsWith('src/')) for (const imported of importedBy(path)) reached.add(imported)
    return (Object.keys(starters) as Lane[]).find(lane => starters[lane].some(path => reached.has(path)))
  }
}

export const laneOf = (test: string, read: ReadSource): Lane | undefined => laneReader(read)(test)

export interface ChosenTests {
  readonly quick: readonly string[]
  /** The others, and how many of them for which reason. */
  readonly left: ReadonlyMap<Lane, number>
}

export function chooseQuick (tests: readonly string[], read: ReadSource): ChosenTests {
  const laneOf = laneReader(read)
  const lanes = new Map(tests.map(test => [test, laneOf(test)]))
  const left = new Map<Lane, number>()
  for (const lane of lanes.values()) if (lane !== undefined) left.set(lane, (left.get(lane) ?? 0) + 1)
  return { quick: tests.filter(test => lanes.get(test) === undefined), left }
}

/** What a file imports of the project, types alone left out. */
function importsOf (from: string, text: string): string[] {
  return [...text.matchAll(/^(?:import|export) (?!type\b)[^']*'(\.[^']+)\.js'|\bimport\('(\.[^']+)\.js'\)/gm)]
    .map(([, named, called]) => posix.join(posix.dirname(from), `${named ?? called}.ts`))
}
