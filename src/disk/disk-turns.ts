// Turns at the disk behind a folder, a few at a time. Where that does not answer (a mount whose server is gone), each call holds one of the
// few threads that Node has for all files: so it holds those that have their turn, which wait for it, and whoever comes after them is
// told. Everything else goes on.
import type { Clock, Timer } from '../base/clock.js'
import { AppError } from '../base/errors.js'

/** Of the threads that bin/core-provisioner asks for. */
export const turnsAtOnce = 3
/** Milliseconds between two looks at whether anything was answered, and after how many without it the disk is silent. */
const lookEvery = 1000
const silentAfter = 5

interface WaitingTurn { readonly begin: () => void, readonly refuse: ((error: AppError) => void) | undefined }

export class DiskTurns {
  readonly #folder: string
  readonly #clock: Pick<Clock, 'every'>
  readonly #waiting: WaitingTurn[] = []
  #taken = 0
  #watch: Timer | undefined
  #looks = 0

  readonly #most: number

  /** `most` of the threads may wait for it. */
  constructor (folder: string, clock: Pick<Clock, 'every'>, most = turnsAtOnce) {
    this.#folder = folder
    this.#clock = clock
    this.#most = most
  }

  /** Whether the disk is asked, and answers nothing. Counted in looks: a machine that was suspended has made none. */
  get isSilent (): boolean { return this.#looks >= silentAfter }

  /** Rejects with AppError read_failed, before it began, where the disk is silent. */
  take<T> (operation: () => Promise<T>): Promise<T> {
    return this.#take(operation, true)
  }

  /** The same for what has to be done some time, as closing a file: it waits for as long as it takes. */
  owe<T> (operation: () => Promise<T>): Promise<T> {
    return this.#take(operation, false)
  }

  async #take<T> (operation: () => Promise<T>, mayBeRefused: boolean): Promise<T> {
    if (this.#taken < this.#most) this.#taken++
    else await this.#turn(mayBeRefused)
    this.#watch ??= this.#clock.every(lookEvery, () => { this.#look() })
    try {
      return await operation()
    } finally {
      this.#answered()
    }
  }

  async #turn (mayBeRefused: boolean): Promise<void> {
    if (mayBeRefused && this.isSilent) throw this.#silence()
    await new Promise<void>((resolve, reject) => { this.#waiting.push({ begin: resolve, refuse: mayBeRefused ? reject : undefined }) })
  }

  #answered (): void {
    this.#looks = 0
    const next = this.#waiting.shift()
    if (next !== undefined) {
      next.begin()
      return
    }
    this.#taken--
    if (this.#taken > 0) return
    this.#watch?.cancel()
    this.#watch = undefined
  }

  #look (): void {
    this.#looks++
    if (!this.isSilent) return
    for (const waiter of this.#waiting.splice(0)) {
      if (waiter.refuse === undefined) this.#waiting.push(waiter)
      else waiter.refuse(this.#silence())
    }
  }

  #silence (): AppError {
    return new AppError('read_failed', silenceOf(this.#folder))
  }
}

/** What is said of a folder whose disk is silent. */
export const silenceOf = (folder: string): string => `${folder} does not answer: is the disk or the server behind it there?`
