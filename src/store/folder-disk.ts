// The disk that a data folder is on, which may be another machine's and not answer: how many threads wait for it, and whether it
// is silent.
import type { Clock, Timer } from '../base/clock.js'
import { unwaited } from '../base/errors.js'
import { DiskTurns, silenceOf } from '../disk/disk-turns.js'
import { stampAt } from './stored-file.js'

/** Of the threads for files, so many may wait for what is written; as many as Node has where nobody asks for more. */
const writesAtOnce = 4
/** Milliseconds between two looks at whether it answers. */
const lookEvery = 3000

export interface FolderDiskOptions {
  readonly dataPath: string
  readonly clock: Clock
  /** It answers no more. */
  readonly onSilence: (problem: string) => void
}

export class FolderDisk {
  readonly #options: FolderDiskOptions
  readonly #reads: DiskTurns
  readonly #linked: DiskTurns
  readonly #writes: DiskTurns
  #looking: Timer | undefined

  constructor (options: FolderDiskOptions) {
    const { dataPath, clock } = this.#options = options
    this.#reads = new DiskTurns(dataPath, clock)
    this.#linked = new DiskTurns(dataPath, clock)
    this.#writes = new DiskTurns(dataPath, clock, writesAtOnce)
  }

  /** Waits for as long as it takes. */
  read<T> (operation: () => Promise<T>): Promise<T> { return this.#reads.owe(operation) }

  /** Rejects with AppError read_failed, before it began, where the disk is silent. */
  write (operation: () => Promise<void>): Promise<void> { return this.#writes.take(operation) }

  /** The same of a file that is reached through a link, and may be on another disk; false when that is silent, and is still asked. */
  async readLinked (operation: () => Promise<void>): Promise<boolean> {
    return await this.#linked.untilSilent(this.#linked.owe(operation))
  }

  /** Whether a file that is reached through a link is waited for, and does not come. */
  get isLinkSilent (): boolean { return this.#linked.isSilent }

  /** Waits for what was asked of it; false as soon as it is silent. */
  async untilSilent (work: Promise<unknown>): Promise<boolean> {
    return await Promise.race([this.#reads.untilSilent(work), this.#writes.untilSilent(work)])
  }

  /** What is said while it is; undefined while it answers. */
  get silence (): string | undefined {
    return this.#reads.isSilent || this.#writes.isSilent ? silenceOf(this.#options.dataPath) : undefined
  }

  /** Asks it for something now and then, one thing at a time. */
  watch (): void {
    const { dataPath, clock, onSilence } = this.#options
    let [isAsked, wasSilent] = [false, false]
    this.#looking = clock.every(lookEvery, () => {
      const { silence } = this
      if (silence !== undefined && !wasSilent) onSilence(silence)
      wasSilent = silence !== undefined
      if (isAsked) return
      isAsked = true
      unwaited(this.#reads.owe(() => stampAt(dataPath)).finally(() => { isAsked = false }))
    })
  }

  close (): void { this.#looking?.cancel() }
}
