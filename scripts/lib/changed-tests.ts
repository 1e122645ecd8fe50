// Which test files a change needs: those of the rooms it touches, and those that import a file of it, by way of helpers too.
// The rest of the suite drives the whole program and is for CI.
import { dirname, join, posix } from 'node:path'
import { laneOf } from './test-lanes.js'

/** Paths from the root of the project, with /. */
export interface Sources {
  /** Every file below test/. */
  readonly tests: readonly string[]
  readonly read: (path: string) => string
}

/** Rooms of tests that drive the whole program, firmware or other programs, and take minutes. */
const slow = /^test\/(?:interop|scenario|cli)\//

/**
 * Of the other rooms, what takes seconds of CPU by itself and proves little that its neighbours don't: tens of MiB sent, programs killed,
 * every reader or every key of the configuration. They, and what starts an etcd, a browser, firmware or a machine, are run for a change
 * of themselves, of the file they are the test of, and of a helper that they import.
 */
const heavy: ReadonlySet<string> = new Set([
  'test/disk/durability.test.ts', 'test/disk/kept-files.test.ts', 'test/doctor/named-files.test.ts', 'test/doctor/state-files.test.ts',
  'test/fuzz/growth.test.ts', 'test/grpc/crash.test.ts', 'test/grpc/provider.test.ts', 'test/grpc/vectors.test.ts',
  'test/http/asset-routes.test.ts', 'test/http/client-connections.test.ts', 'test/http/discovery-routes.test.ts', 'test/http/signing.test.ts',
  'test/http/unfinished.test.ts', 'test/ignition/clc/limits.test.ts', 'test/inventory/many-machines.test.ts',
  'test/mirror/crash.test.ts', 'test/mirror/siblings.test.ts', 'test/one-over.test.ts', 'test/updates/day-two.test.ts'
])

/** Starts a browser for whoever imports it. */
const browser = 'test/helpers/browser.ts'

/** `left` are those that the change would need too, and that are left to the whole suite. */
export interface WantedTests { readonly wanted: readonly string[], readonly left: readonly string[] }

export function testsFor (changed: readonly string[], { tests, read }: Sources): WantedTests {
  const importers = importersOf(tests, read)
  const isHelper = (path: string): boolean => path.startsWith('test/helpers/')
  // A helper that changed touches what imports it, and so on.
  const withHelpers = (paths: readonly string[]): ReadonlySet<string> => {
    const reached = new Set(paths)
    for (const path of reached) for (const importer of importers.get(path) ?? []) if (isHelper(importer)) reached.add(importer)
    return reached
  }
  const touched = withHelpers(changed.filter(path => /^(?:src|test|scripts)\//.test(path)))
  // What a helper brings from src/ is not the helper's change: it may bring a whole room.
  const changedHelpers = withHelpers(changed.filter(isHelper))
  const rooms = new Set([...touched].map(path => /^(?:src|test)\/(.+)\/[^/]+$/.exec(path)?.[1]).filter(room => room !== undefined && room !== 'helpers'))
  const isWanted = (test: string): boolean => touched.has(test) || (!slow.test(test) && rooms.has(dirname(test).slice('test/'.length))) ||
    (!slow.test(test) && [...touched].some(path => importers.get(path)?.has(test) === true))
  const found = tests.filter(path => path.endsWith('.test.ts')).filter(isWanted)
  const readTest = (path: string): string | undefined => tests.includes(path) ? read(path) : undefined
  const isHeavy = (test: string): boolean =>
    heavy.has(test) || importers.get(browser)?.has(test) === true || laneOf(test, readTest) !== undefined
  const isLeft = (test: string): boolean => isHeavy(test) && !touched.has(test) && !touched.has(test.replace(/^test(.*)\.test\.ts$/, 'src$1.ts')) &&
    ![...changedHelpers].some(path => importers.get(path)?.has(test) === true)
  return {
    wanted: [...new Set([...found.filter(test => !isLeft(test)), ...touched.size > 0 ? ['test/architecture.test.ts'] : []])].sort(),
    left: found.filter(isLeft).sort()
  }
}

/** By file, the files below test/ that import it. */
function importersOf (tests: readonly string[], read: (path: string) => string): Map<string, Set<string>> {
  const importers = new Map<string, Set<string>>()
  for (const test of tests.filter(path => path.endsWith('.ts'))) {
    for (const [, target = ''] of read(test).matchAll(/\bfrom '(\.[^']+)'/g)) {
      const path = posix.normalize(join(dirname(test), target)).replace(/\.js$/, '.ts')
      importers.set(path, (importers.get(path) ?? new Set()).add(test))
    }
  }
  return importers
}
