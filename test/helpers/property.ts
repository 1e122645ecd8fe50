// How often a property is tried, and from which seed: a fixed number of cases, so that a run proves the same on every machine.
// FUZZ_SEED repeats a run, FUZZ_TIMES multiplies its cases.
import type { Test } from 'tap'

/** A seed by the time, unless the environment says which; it is printed. */
export function fuzzSeed (t: Pick<Test, 'comment'>): number {
  const seed = Number(process.env['FUZZ_SEED'] ?? Date.now() % 2 ** 31)
  t.comment(`FUZZ_SEED=${seed}`)
  return seed
}

/** What fast-check is given for a property of a test: the test prints its seed. */
export const cases = (t: Pick<Test, 'comment'>, runs: number): { readonly seed: number, readonly numRuns: number } =>
  ({ seed: fuzzSeed(t), numRuns: runs * Number(process.env['FUZZ_TIMES'] ?? 1) })
