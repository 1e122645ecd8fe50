// Which test files a change to one source file concerns, the nearest first: the file of its own name, then by how many imports lie
// between the test and the source, tests of the same room ahead of others. Those that drive firmware, installations or a minute of
// traffic are for CI.
import { dirname, join, posix } from 'node:path'

/** They take minutes, or drive the whole program or others. */
const isSlow = (test: string): boolean => /^test\/(?:interop|scenario|cli|grpc\/crash|mirror\/crash)/.test(test)

export interface ImportGraph {
  /** Every file below src/ and test/, paths from the root of the project. */
  readonly files: readonly string[]
  readonly read: (path: string) => string
}

export function concernedTests (graph: ImportGraph): (source: string) => string[] {
  const { files } = graph
  const importers = importersIn(graph)
  return source => {
    const distances = distancesFrom(source, importers)
    const own = source.replace(/^src\/(.*)\.ts$/, 'test/$1.test.ts')
    const room = dirname(own)
    const rank = (test: string): number => test === own ? 0 : 2 * (distances.get(test) ?? 20) - (dirname(test) === room ? 1 : 0)
    const isConcerned = (path: string): boolean =>
      path.endsWith('.test.ts') && !isSlow(path) && (distances.has(path) || dirname(path) === room)
    return files.filter(isConcerned).sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1))
  }
}

/** The files that import one, by way of others too. */
export const importing = (source: string, graph: ImportGraph): ReadonlySet<string> =>
  new Set(distancesFrom(source, importersIn(graph)).keys())

type Importers = ReadonlyMap<string, ReadonlySet<string>>

function importersIn ({ files, read }: ImportGraph): Importers {
  const importers = new Map<string, Set<string>>()
  for (const path of files) {
    for (const [, target = ''] of read(path).matchAll(/(?:\bfrom |\bimport\(|\bnew URL\()'(\.[^']+)'/g)) {
      const imported = posix.normalize(join(dirname(path), target)).replace(/\.js$/, '.ts')
      importers.set(imported, (importers.get(imported) ?? new Set()).add(path))
    }
  }
  return importers
}

/** How many imports lie between a file and each that imports it. */
function distancesFrom (source: string, importers: Importers): ReadonlyMap<string, number> {
  const distances = new Map([[source, 0]])
  for (const [path, distance] of distances) {
    for (const importer of importers.get(path) ?? []) if (!distances.has(importer)) distances.set(importer, distance + 1)
  }
  return distances
}
