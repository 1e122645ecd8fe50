// Whether this provisioner is in step with etcd, since when not and why: what is told of it once, to who has to know and in the log.
import type { Clock } from '../base/clock.js'
import { AppError, messageOf } from '../base/errors.js'
import type { Logger } from '../base/log.js'

/** How far what is in memory can be relied on. */
export interface Standing {
  /** Whether etcd answers and its changes arrive. */
  readonly inStep: boolean
  /** Milliseconds since it was last in step; undefined when nothing was ever read. */
  readonly age: number | undefined
  /** Why it is not in step. */
  readonly reason: string
  /** What that was told by. */
  readonly cause?: unknown
}

/** Of one time away, in the log: members that fail by turns, each in its own way, would fill it. */
const mostReasons = 8

/** With which nothing can be written down. */
export const keepsOut: ReadonlySet<string> = new Set(['etcd_away', 'etcd_foreign', 'etcd_full'])

/** Faults that waiting does not mend: a start ends with them. */
export const lasting: ReadonlySet<string> = new Set(['etcd_foreign', 'state_newer'])

export interface StandingKeeperOptions {
  readonly clock: Clock
  readonly log: Logger
  /** What is in memory was all that etcd had at that time. */
  readonly onProven: (asOf: number) => void
}

export class StandingKeeper {
  readonly #options: StandingKeeperOptions
  readonly #listeners = new Set<(standing: Standing) => void>()
  /** Why it is away, as the log has it. */
  readonly #saidReasons = new Set<string>()
  #isIn = false
  #closed = false
  /** When it was last in step; undefined when it never was, and nothing was kept of before. */
  asOf: number | undefined
  reason = 'etcd has not answered yet'
  #cause: unknown

  constructor (options: StandingKeeperOptions) { this.#options = options }

  get isIn (): boolean { return this.#isIn }

  get standing (): Standing {
    return {
      inStep: this.#isIn,
      age: this.#isIn ? 0 : this.asOf === undefined ? undefined : Math.max(0, this.#options.clock.now() - this.asOf),
      reason: this.#isIn ? '' : this.reason,
      ...!this.#isIn && { cause: this.#cause }
    }
  }

  onStanding (listener: (standing: Standing) => void): () => void {
    this.#listeners.add(listener)
    return () => { this.#listeners.delete(listener) }
  }

  take (at: { readonly endpoint: string, readonly revision: number }): void {
    this.asOf = this.#options.clock.now()
    if (this.#isIn) return
    this.#isIn = true
    this.#options.onProven(this.asOf)
    this.#options.log.info(at, 'cluster.in_step')
    this.#tell()
  }

  /** Told once, however many calls fail; a reason that comes up later too: the first of a busy member may be that its time was up. */
  away (error: unknown): void {
    const { log } = this.#options
    this.reason = messageOf(error)
    this.#cause = error
    if (!this.#isIn) {
      if (this.#saidReasons.size >= mostReasons || this.#saidReasons.has(this.reason)) return
      this.#saidReasons.add(this.reason)
      if (error instanceof AppError && error.code !== 'etcd_away') log.error({ error: this.reason }, 'cluster.refused')
      else if (this.#saidReasons.size > 1) log.warn({ error: this.reason }, 'cluster.still_away')
      return
    }
    this.#isIn = false
    this.#saidReasons.clear()
    this.#saidReasons.add(this.reason)
    if (this.asOf !== undefined) this.#options.onProven(this.asOf)
    if (!this.#closed) log.warn({ error: this.reason }, 'cluster.away')
    this.#tell()
  }

  /** Nobody hears any more. */
  close (): void { this.#closed = true }

  #tell (): void {
    if (!this.#closed) for (const listener of [...this.#listeners]) listener(this.standing)
  }
}
