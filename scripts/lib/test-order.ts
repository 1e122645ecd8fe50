// In which order test files run, and how many at a time. The longest go first, so that a run ends in short ones on all cores; how long a
// file takes is known from the last run here, and where there was none, as in CI, from a list of the few that take minutes.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { laneReader, type Lane, type ReadSource } from './test-lanes.js'

export interface OrderedTest {
  readonly file: string
  readonly lane: Lane | undefined
}

/** Seconds of those that take minutes, roughly: only their order counts. */
const minutes: Readonly<Record<string, number>> = {
  'test/interop/boot-chain.test.ts': 200,
  'test/interop/bundle.test.ts': 150,
  'test/interop/cluster-boot.test.ts': 200,
  'test/interop/cluster-storm.test.ts': 150,
  'test/interop/docs.test.ts': 300,
  'test/interop/first-hour.test.ts': 200,
  'test/scenario/fleet.test.ts': 180
}
/** Seconds of a file of which no more is known. */
const usual: Readonly<Record<Lane, number>> = { firmware: 100, installations: 90, clusters: 40, soaks: 30 }
const quick = 3
/** Rooms whose files drive other programs. */
const driving = /^test\/(?:interop|scenario|updates|ui|cluster|cli|mirror)\//
const drivingSeconds = 10

const keptIn = (root: string): string => join(root, '.cache/test-seconds.json')

/** Seconds that each file took when it last ran here. */
export type TestSeconds = Readonly<Record<string, number>>

export function readSeconds (root: string): TestSeconds {
  try {
    return JSON.parse(readFileSync(keptIn(root), 'utf8')) as TestSeconds
  } catch {
    return {}
  }
}

export function keepSeconds (root: string, taken: TestSeconds): void {
  // What a test of the runner has it run is there for a moment.
  const own = Object.fromEntries(Object.entries(taken).filter(([file]) => file.startsWith('test/')))
  try {
    mkdirSync(dirname(keptIn(root)), { recursive: true })
    writeFileSync(keptIn(root), JSON.stringify({ ...readSeconds(root), ...own }))
  } catch { /* the next run has the list alone */ }
}

/** The longest first; those that are expected to take as long stay in their order. */
export function longestFirst (files: readonly string[], read: ReadSource, kept: TestSeconds): OrderedTest[] {
  const laneOf = laneReader(read)
  const tests = files.map(file => ({ file, lane: laneOf(file) }))
  const guess = ({ file, lane }: OrderedTest): number => lane !== undefined ? usual[lane] : driving.test(file) ? drivingSeconds : quick
  const expected = new Map(tests.map(test => [test, kept[test.file] ?? minutes[test.file] ?? guess(test)]))
  return tests.sort((a, b) => expected.get(b)! - expected.get(a)!)
}

/** What is named here and is to be there. */
export const namedFiles: readonly string[] = Object.keys(minutes)

/**
 * What runs next. A machine that boots firmware takes a core for itself, and is patient for so long only: as many of those at a time as
 * there are cores, and others beside them.
 */
export class TestQueue {
  readonly #left: OrderedTest[]
  readonly #cores: number
  #firmware = 0

  constructor (tests: readonly OrderedTest[], cores: number) {
    this.#left = [...tests]
    this.#cores = cores
  }

  /** undefined where nothing is left that may run beside what runs. */
  take (): OrderedTest | undefined {
    const at = this.#left.findIndex(({ lane }) => lane !== 'firmware' || this.#firmware < this.#cores)
    const [test] = at < 0 ? [] : this.#left.splice(at, 1)
    if (test?.lane === 'firmware') this.#firmware++
    return test
  }

  ended ({ lane }: OrderedTest): void { if (lane === 'firmware') this.#firmware-- }
}

/** What a core's time went to so far, as os.cpus() tells. */
export interface CoreTimes { readonly times: Readonly<Record<'user' | 'nice' | 'sys' | 'idle' | 'irq', number>> }

/** The part of all cores' time between two looks in which nothing ran: 0 to 1. */
export function idleShare (before: readonly CoreTimes[], after: readonly CoreTimes[]): number {
  const sum = (cores: readonly CoreTimes[], names: ReadonlyArray<keyof CoreTimes['times']>): number =>
    cores.reduce((total, { times }) => total + names.reduce((of, name) => of + times[name], 0), 0)
  const all = ['user', 'nice', 'sys', 'idle', 'irq'] as const
  const passed = sum(after, all) - sum(before, all)
  return passed <= 0 ? 0 : (sum(after, ['idle']) - sum(before, ['idle'])) / passed
}
