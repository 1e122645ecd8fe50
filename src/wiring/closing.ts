// The end, in stages: first whatever listens, side by side; then what works by itself; last the files that must be whole, which
// nothing that hangs before them keeps from being closed.
import type { Clock } from '../base/clock.js'
import { messageOf } from '../base/errors.js'
import type { Logger } from '../base/log.js'

/**
 * Milliseconds that each stage may take; listeners bring graces of their own, and so much more to cut off what is left. All are a multiple
 * of what is needed, since the machine may be busy, and together within TimeoutStopSec of the unit.
 */
export const stageLimits = { listener: 1000, worker: 3000, file: 3000 } as const

type ClosingStage = keyof typeof stageLimits
const stages: readonly ClosingStage[] = ['listener', 'worker', 'file']

/** Has `closer` called at the end, also when a later part does not start. */
export type OnClose = (closer: () => Promise<void>, stage?: 'worker' | 'file') => void

interface Closer { readonly name: string, readonly stage: ClosingStage, readonly grace: number, readonly close: () => Promise<void> }

export class Closing {
  readonly #clock: Clock
  readonly #log: Logger
  readonly #closers: Closer[] = []
  #closing: Promise<boolean> | undefined

  constructor (clock: Clock, log: Logger) {
    this.#clock = clock
    this.#log = log
  }

  readonly onClose: OnClose = (close, stage = 'worker') => { this.#closers.push({ name: stage, stage, grace: 0, close }) }

  onCloseListener (name: string, grace: number, close: (grace: number) => Promise<void>): void {
    this.#closers.push({ name, stage: 'listener', grace, close: () => close(grace) })
  }

  /** Milliseconds after which `close` has come back, whatever hangs. */
  get patience (): number { return stages.reduce((sum, stage) => sum + stageLimits[stage] + this.#graceOf(stage), 0) }

  /** Fulfilled with whether everything came to its end in time. */
  close (): Promise<boolean> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close (): Promise<boolean> {
    let orderly = true
    for (const stage of stages) {
      // The newest first, as far as order tells: none waits for another of its stage.
      const ended = await Promise.all(this.#of(stage).reverse().map(closer => this.#closeOne(closer)))
      orderly &&= ended.every(Boolean)
    }
    return orderly
  }

  async #closeOne ({ name, stage, grace, close }: Closer): Promise<boolean> {
    const limit = grace + stageLimits[stage]
    return await new Promise<boolean>(resolve => {
      const late = this.#clock.after(limit, () => {
        this.#log.warn({ part: name, milliseconds: limit }, 'appliance.close_late')
        resolve(false)
      })
      Promise.resolve().then(close).then(() => { resolve(true) }, (error: unknown) => {
        this.#log.error({ part: name, error: messageOf(error) }, 'appliance.close')
        resolve(false)
      }).finally(() => { late.cancel() })
    })
  }

  #of (stage: ClosingStage): Closer[] { return this.#closers.filter(closer => closer.stage === stage) }

  #graceOf (stage: ClosingStage): number {
    return Math.max(0, ...this.#of(stage).map(({ grace }) => grace))
  }
}
