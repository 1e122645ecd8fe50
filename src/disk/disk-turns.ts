// Turns at the disk behind a folder, a few at a time. Where that does not answer (a mount whose server is gone), each call holds one of the
// few threads that Node has for all files: so it holds those that have their turn, which wait for it, and whoever comes after them is
// told. Everything else goes on. A disk is silent only where another one answers: of a machine that is too busy to ask either, time
// tells nothing.
import { stat } from 'node:fs/promises'
import type { Clock, Timer } from '../base/clock.js'
import { AppError, unwaited } from '../base/errors.js'

/** Of the threads that bin/core-provisioner asks for. */
export const turnsAtOnce = 3
/** Milliseconds between two looks at whether anything was answered, and after how many without it the disk is silent. */
export const lookEvery = 100
export const silentAfter = 50

/** A call to the disk that the program is on. */
export const askElsewhere = (): Promise<unknown> => stat('/')

interface WaitingTurn {
  readonly begin: () => void
  readonly refuse: (error: AppError) => void
  readonly isWanted: () => boolean
}

const always = (): boolean => true

/** Of those whom nobody waits for, so many are told in a turn of the event loop. */
const toldAtOnce = 32

export class DiskTurns {
  readonly #folder: string
  readonly #clock: Pick<Clock, 'every'>
  readonly #waiting: WaitingTurn[] = []
  /** What is owed goes first: it gives back what was taken for those who wait. */
  readonly #owed: Array<() => void> = []
  readonly #most: number
  readonly #elsewhere: () => Promise<unknown>
  #taken = 0
  #watch: Timer | undefined
  #isLooking = false
  #answers = 0
  #unanswered = 0
  readonly #onSilence = new Set<() => void>()

  /** `most` of the threads may wait for it. `elsewhere` asks another disk. */
  constructor (folder: string, clock: Pick<Clock, 'every'>, most = turnsAtOnce, elsewhere = askElsewhere) {
    this.#folder = folder
    this.#clock = clock
    this.#most = most
    this.#elsewhere = elsewhere
  }

  /** How many looks one after another found that the disk had answered nothing of what it was asked, and another disk had. */
  get unanswered (): number { return this.#unanswered }

  /** Whether the disk is asked, and answers nothing. Counted in looks: a machine that was suspended has made none. */
  get isSilent (): boolean { return this.#unanswered >= silentAfter }

  /** Waits for what the disk was asked: fulfilled with true, or with false as soon as it is silent. Rejects as `work` does before. */
  async untilSilent (work: Promise<unknown>): Promise<boolean> {
    let tell = (): void => {}
    const silence = new Promise<false>(resolve => {
      tell = () => { resolve(false) }
      if (this.isSilent) tell()
      else this.#onSilence.add(tell)
    })
    // What fails after that has been given up, and is nobody's error.
    return await Promise.race([silence, work.then(() => true)]).finally(() => { this.#onSilence.delete(tell) })
  }

  /**
   * Rejects with AppError read_failed, before it began, where the disk is silent, or where nobody wants it any more when its turn has come:
   * who comes and goes by the thousand would have the disk work for them after they went, and be remembered until then.
   */
  take<T> (operation: () => Promise<T>, isWanted = always): Promise<T> {
    return this.#inTurn(operation, async () => { await this.#turn(isWanted) })
  }

  /** The same for what has to be done some time, as closing a file: before all others, and it waits for as long as it takes. */
  owe<T> (operation: () => Promise<T>): Promise<T> {
    return this.#inTurn(operation, async () => { await new Promise<void>(resolve => { this.#owed.push(resolve) }) })
  }

  /** For whoever has given up: it is looked at no more. */
  close (): void {
    this.#watch?.cancel()
    this.#watch = undefined
  }

  async #inTurn<T> (operation: () => Promise<T>, wait: () => Promise<void>): Promise<T> {
    if (this.#taken < this.#most) this.#taken++
    else await wait()
    this.#watch ??= this.#clock.every(lookEvery, () => { this.#look() })
    try {
      return await operation()
    } finally {
      this.#answered()
    }
  }

  async #turn (isWanted: () => boolean): Promise<void> {
    if (this.isSilent) throw this.#silence()
    await new Promise<void>((resolve, reject) => { this.#waiting.push({ begin: resolve, refuse: reject, isWanted }) })
  }

  #answered (): void {
    this.#answers++
    this.#unanswered = 0
    this.#handOn()
  }

  #handOn (): void {
    const owed = this.#owed.shift()
    if (owed !== undefined) {
      owed()
      return
    }
    for (let told = 0; told < toldAtOnce; told++) {
      const next = this.#waiting.shift()
      if (next === undefined) {
        this.#giveBack()
        return
      }
      if (next.isWanted()) {
        next.begin()
        return
      }
      next.refuse(unwanted)
    }
    setImmediate(() => { this.#handOn() })
  }

  #giveBack (): void {
    this.#taken--
    if (this.#taken > 0) return
    this.#watch?.cancel()
    this.#watch = undefined
  }

  #look (): void {
    if (this.#isLooking) return
    this.#isLooking = true
    const before = this.#answers
    const counted = (): void => {
      this.#isLooking = false
      if (this.#answers === before && this.#watch !== undefined) this.#count()
    }
    unwaited(this.#elsewhere().then(counted, counted))
  }

  #count (): void {
    this.#unanswered++
    if (!this.isSilent) return
    for (const tell of this.#onSilence) tell()
    for (const { refuse } of this.#waiting.splice(0)) refuse(this.#silence())
  }

  #silence (): AppError {
    return new AppError('read_failed', silenceOf(this.#folder))
  }
}

/** One for all: making a thousand of them takes longer than what they save. */
const unwanted = new AppError('read_failed', 'nobody waits for it any more')

/** What is said of a folder whose disk is silent. */
export const silenceOf = (folder: string): string => `${folder} does not answer: is the disk or the server behind it there?`
