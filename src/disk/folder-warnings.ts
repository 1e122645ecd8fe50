// What is amiss with folders as it comes and goes: told in the log, but for what was told at the start.
import type { Clock, Timer } from '../base/clock.js'
import { unwaited } from '../base/errors.js'
import type { Logger } from '../base/log.js'

export interface FolderWarningsOptions {
  /** Each gives what is to be said of one folder, or of what is in some; nothing where all is well. */
  readonly looks: ReadonlyArray<() => Promise<string | readonly string[] | undefined>>
  /** What was said at the start, of folders and of other things. */
  readonly atStart: readonly string[]
  readonly clock: Pick<Clock, 'every'>
  readonly log: Pick<Logger, 'info' | 'warn'>
}

/** Milliseconds between two looks. */
const lookEvery = 30_000

export class FolderWarnings {
  readonly #options: FolderWarningsOptions
  /** Those of the start that are of folders. */
  readonly #known = new Set<string>()
  readonly #timer: Timer
  #now: readonly string[] = []
  #looking: Promise<void> | undefined

  /** Looks at once. */
  constructor (options: FolderWarningsOptions) {
    this.#options = options
    this.#begin(true)
    this.#timer = options.clock.every(lookEvery, () => { this.#begin(false) })
  }

  /** What is amiss now, in place of what was said of the folders at the start. */
  get all (): readonly string[] { return [...this.#options.atStart.filter(warning => !this.#known.has(warning)), ...this.#now] }

  close (): void { this.#timer.cancel() }

  #begin (isFirst: boolean): void {
    if (this.#looking !== undefined) return
    this.#looking = this.#look(isFirst).finally(() => { this.#looking = undefined })
    unwaited(this.#looking)
  }

  async #look (isFirst: boolean): Promise<void> {
    const { looks, atStart, log } = this.#options
    const found = (await Promise.all(looks.map(look => look()))).flatMap(text => text ?? [])
    for (const warning of found) {
      if (isFirst && atStart.includes(warning)) this.#known.add(warning)
      else if (!this.#now.includes(warning)) log.warn({ warning }, 'folder.amiss')
    }
    for (const warning of this.#now) if (!found.includes(warning)) log.info({ warning }, 'folder.well')
    this.#now = found
  }
}
