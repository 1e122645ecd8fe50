// Tries changes in a process that stays (mutant-tests.js), where the test file has just passed with none of them in force: after a change
// that it noticed it is run without one again, and where it does not pass then, or left something behind, another process takes its place.
import type { ChildProcess } from 'node:child_process'
import type { TestScript } from './mutant-scripts.js'
import type { Verdict } from './mutant-copy.js'

/** A test file without a change: which of them it reaches. */
export interface WarmBaseline { readonly milliseconds: number, readonly reached: ReadonlySet<number> }

interface Outcome { readonly verdict: 'ready' | 'passed' | 'failed' | 'stalled' | 'ended', readonly isClean: boolean, readonly milliseconds: number, readonly reached: readonly number[] }

/** Seconds of processor time for a run without a change, and the least for one with it, which has ten times as long as that took. */
const work = { first: 15, least: 3 }
/** Milliseconds for one that waits for what never comes. */
const wait = { first: 60_000, least: 20_000 }

export class WarmTests {
  readonly #start: () => ChildProcess
  readonly #baselines = new Map<TestScript, WarmBaseline | undefined>()
  #child: ChildProcess | undefined
  /** Test files that passed in this process, where nothing was noticed since. */
  #passed = new Set<TestScript>()

  /** `start` runs mutant-tests.js with a channel to it. */
  constructor (start: () => ChildProcess) { this.#start = start }

  /** undefined where it does not pass. */
  async baseline (test: TestScript): Promise<WarmBaseline | undefined> {
    if (!this.#baselines.has(test)) {
      // What it takes at first is its compilation.
      const first = await this.#run(test, 0, work.first, wait.first)
      const second = first.verdict === 'passed' ? await this.#run(test, 0, work.first, wait.first) : first
      const passes = second.verdict === 'passed'
      this.#baselines.set(test, passes ? { milliseconds: second.milliseconds, reached: new Set(first.reached) } : undefined)
      if (!passes || !second.isClean) await this.close()
    }
    return this.#baselines.get(test)
  }

  /** What it makes of a change; its baseline is known. undefined where it does not pass without one this time: the machine may be busy. */
  async run (test: TestScript, mutant: number): Promise<Verdict | undefined> {
    const { milliseconds } = this.#baselines.get(test)!
    if (!this.#passed.has(test)) {
      const { verdict } = await this.#run(test, 0, work.first, wait.first)
      // Once more in a process that nothing ran in before.
      if (verdict !== 'passed') {
        await this.close()
        const again = await this.#run(test, 0, work.first, wait.first)
        if (again.verdict !== 'passed') {
          await this.close()
          return undefined
        }
      }
    }
    const patience = [Math.max(work.least, milliseconds / 100), Math.max(wait.least, 20 * milliseconds)] as const
    const { verdict, isClean } = await this.#run(test, mutant, ...patience)
    if (!isClean) await this.close()
    return verdict === 'passed' || verdict === 'failed' ? verdict : 'hung'
  }

  async close (): Promise<void> {
    const child = this.#child
    this.#child = undefined
    this.#passed.clear()
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const ended = new Promise(resolve => { child.once('close', resolve) })
    child.kill('SIGKILL')
    await ended
  }

  async #run (test: TestScript, mutant: number, seconds: number, milliseconds: number): Promise<Outcome> {
    const child = this.#child ??= await this.#started()
    const outcome = await new Promise<Outcome>(resolve => {
      const end = (outcome: Outcome): void => {
        clearTimeout(timer)
        child.off('close', ended).off('error', ended).off('message', heard)
        resolve(outcome)
      }
      // tap has a word of its own on such a channel.
      const heard = (message: Partial<Outcome>): void => { if (message.verdict !== undefined) end(message as Outcome) }
      const ended = (): void => { end({ verdict: 'ended', isClean: false, milliseconds: 0, reached: [] }) }
      const timer = setTimeout(ended, milliseconds)
      child.once('close', ended).once('error', ended).on('message', heard)
      child.send({ ...test, mutant, seconds })
    })
    if (outcome.verdict === 'passed' && outcome.isClean) this.#passed.add(test)
    else this.#passed.clear()
    return outcome
  }

  async #started (): Promise<ChildProcess> {
    const child = this.#start()
    await new Promise<void>((resolve, reject) => {
      const failed = (): void => { reject(new Error('mutant-tests.js did not start')) }
      const heard = ({ verdict }: Partial<Outcome>): void => {
        if (verdict !== 'ready') return
        child.off('error', failed).off('close', failed).off('message', heard)
        resolve()
      }
      child.once('error', failed).once('close', failed).on('message', heard)
    })
    return child
  }
}
