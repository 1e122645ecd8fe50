// A hiccup of etcd's: one answer that did not come in time, of an etcd that answers again a moment later. Whoever was in the middle of
// something waits for that, and does it once more. Of an etcd that was away before, nobody waits.
import type { Clock } from '../base/clock.js'
import { AppError } from '../base/errors.js'
import type { StandingKeeper } from './standing.js'

/** Milliseconds. */
export const longestHiccup = 5000

/** `work` may have been carried out although it failed, and is done a second time all the same. */
export async function overHiccup<T> (
  state: Pick<StandingKeeper, 'standing' | 'onStanding'>, clock: Pick<Clock, 'after'>, work: () => Promise<T>
): Promise<T> {
  if (!state.standing.inStep) return await work()
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'etcd_away' || !await isBack(state, clock)) throw error
    return await work()
  }
}

const isBack = async (state: Pick<StandingKeeper, 'standing' | 'onStanding'>, clock: Pick<Clock, 'after'>): Promise<boolean> =>
  state.standing.inStep || await new Promise(resolve => {
    const end = (is: boolean): void => {
      late.cancel()
      stop()
      resolve(is)
    }
    const late = clock.after(longestHiccup, () => { end(false) })
    const stop = state.onStanding(({ inStep }) => { if (inStep) end(true) })
  })
