// What is amiss with etcd although it answers, kept up to date while a provisioner runs.
import { messageOf } from '../base/errors.js'
import type { Clock, Timer } from '../base/clock.js'
import type { Logger } from '../base/log.js'
import type { SharedState } from './shared-state.js'

export interface MembersHealth {
  /** In words, each with what to do. */
  readonly amiss: readonly string[]
  /** Whether every member answered: one that did not may be what is amiss. */
  readonly isComplete: boolean
}

export interface WatchAmissOptions {
  readonly state: Pick<SharedState, 'standing' | 'onStanding'>
  readonly clock: Clock
  readonly log: Logger
  /** Asks each member; never two at once. */
  readonly look: () => Promise<MembersHealth>
}

export interface AmissWatch {
  readonly amiss: () => readonly string[]
  readonly close: () => Promise<void>
}

/** Milliseconds until the next look, doubled after each that some member left without an answer. */
const soonest = 5000
/** Milliseconds between looks when all is known: an etcd may run out of space, or a member be replaced, long after the first. */
const latest = 600_000

/** Looks whenever etcd is there again and from time to time; tells in the log what was not amiss before. */
export function watchAmiss ({ state, clock, log, look }: WatchAmissOptions): AmissWatch {
  let amiss: readonly string[] = []
  let pause = soonest
  let timer: Timer | undefined
  let looking: Promise<void> | undefined
  /** Whether etcd came back while it looked: what it saw is from before. */
  let isLate = false
  let isClosed = false

  const once = async (): Promise<void> => {
    let isComplete = false
    try {
      const seen = await look()
      for (const text of seen.amiss) if (!amiss.includes(text)) log.error({ error: text }, 'cluster.amiss')
      // Whoever does not answer has not become right by that.
      amiss = seen.isComplete ? seen.amiss : [...new Set([...amiss, ...seen.amiss])]
      isComplete = seen.isComplete
    } catch (error) {
      log.warn({ error: messageOf(error) }, 'cluster.amiss')
    }
    looking = undefined
    if (isClosed) return
    if (isLate) begin()
    else timer = clock.after(isComplete ? latest : pause, again)
    pause = Math.min(2 * pause, latest)
  }
  const again = (): void => {
    timer?.cancel()
    isLate = looking !== undefined
    // While etcd is away that is what is told.
    if (state.standing.inStep) looking ??= once()
  }
  const begin = (): void => {
    pause = soonest
    again()
  }
  const stop = state.onStanding(({ inStep }) => { if (inStep) begin() })
  begin()
  return {
    amiss: () => amiss,
    close: async () => {
      isClosed = true
      stop()
      timer?.cancel()
      await looking
    }
  }
}
