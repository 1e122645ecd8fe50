// The fast way to try changes: all of them compiled into the sources at once, each behind a switch (mutant-switch.ts), and the test files
// kept in a process that stays (warm-tests.ts). A test file that needs what such a process has not does not pass there and is asked for
// nothing; a change that has no switch, or that no test notices here, is for the slow way to judge.
import { join } from 'node:path'
import { switched } from './mutant-switch.js'
import { testScript, type TestScript } from './mutant-scripts.js'
import type { Mutation } from './mutations.js'
import { WarmTests } from './warm-tests.js'
import type { ChildProcess } from 'node:child_process'

export interface Mutant extends Mutation { readonly path: string }

export interface WarmTries {
  readonly root: string
  readonly mutants: readonly Mutant[]
  readonly read: (path: string) => string
  /** Of a source, the nearest first. */
  readonly testsOf: (path: string) => readonly string[]
  /** Of those that reach a change, so many are asked. */
  readonly most: number
  readonly start: () => ChildProcess
  /** What was left out, and why. */
  readonly say: (text: string) => void
}

/** The test file that noticed it, or how many were asked. */
export type WarmVerdict = { readonly noticed: string } | { readonly asked: number }

/** For each change that has a switch, by its place among them. */
export async function * tryWarm (tries: WarmTries): AsyncGenerator<readonly [number, WarmVerdict]> {
  const { root, mutants, read, testsOf, most, start, say } = tries
  const left = new Set<number>()
  const sources = new Map<string, string>()
  // The switch goes by the place, from 1: 0 is none of them.
  for (const path of new Set(mutants.map(({ path }) => path))) {
    const places = mutants.flatMap((mutant, place) => mutant.path === path ? [place] : [])
    const source = switched(path, read(path), places.map(place => mutants[place]!), at => places[at]! + 1)
    sources.set(path, source.text)
    for (const at of source.left) left.add(places[at]!)
  }
  const warm = new WarmTests(start)
  const scripts = new Map<string, TestScript | undefined>()
  /** As it is when it is first asked for: a test file of which nothing is wanted costs nothing. */
  const reaching = async (test: string, number: number): Promise<TestScript | undefined> => {
    const isNew = !scripts.has(test)
    const script = isNew ? await testScript(root, join(root, 't/scripts'), test, sources) : scripts.get(test)
    scripts.set(test, script)
    const baseline = script === undefined ? undefined : await warm.baseline(script)
    if (baseline === undefined && isNew) say(`${test} does not pass in a process that stays, or takes long: left out there`)
    return baseline?.reached.has(number) === true ? script : undefined
  }
  // Source by source, as they have the same tests.
  for (const path of sources.keys()) {
    // Those of other rooms take long, and are asked the slow way.
    const near = testsOf(path).filter(test => roomOf(test) === roomOf(path)).slice(0, 2 * most)
    for (const [place, mutant] of mutants.entries()) {
      if (mutant.path !== path || left.has(place)) continue
      let asked = 0
      let noticed: string | undefined
      for (const test of near) {
        if (asked === most || noticed !== undefined) break
        const script = await reaching(test, place + 1)
        if (script === undefined) continue
        const verdict = await warm.run(script, place + 1)
        if (verdict === undefined) {
          say(`${test} did not pass without a change this time, and was not asked`)
          continue
        }
        asked++
        if (verdict !== 'passed') noticed = verdict === 'hung' ? `${test}, which hung` : test
      }
      yield [place, noticed === undefined ? { asked } : { noticed }]
    }
  }
  await warm.close()
}

/** The folder below src/ or test/. */
const roomOf = (path: string): string => path.split('/')[1]!
