// A call to a disk by somebody who can't wait for it: a command that tells what it found, and ends.
import type { Clock } from '../base/clock.js'
import { AppError } from '../base/errors.js'
import { askElsewhere, DiskTurns, lookEvery, silenceOf } from './disk-turns.js'

/** Looks after which nothing is waited for any more, whether or not another disk answers: what hangs may hold every thread there is. */
const longest = 600

/**
 * Settles as the operation does; rejects with AppError read_failed when it was not answered and another disk was, as DiskTurns counts it.
 * The operation goes on, and holds a thread until it is answered.
 */
export async function inTime<T> (path: string, operation: Promise<T>, clock: Pick<Clock, 'every'>, elsewhere = askElsewhere): Promise<T> {
  const turns = new DiskTurns(path, clock, 1, elsewhere)
  let [looks, giveUp] = [0, () => {}]
  const tooLate = new Promise<false>(resolve => { giveUp = () => { resolve(false) } })
  const bound = clock.every(lookEvery, () => { if (++looks >= longest) giveUp() })
  try {
    const isAnswered = await Promise.race([turns.untilSilent(turns.take(() => operation)), tooLate])
    if (!isAnswered) throw new AppError('read_failed', silenceOf(path))
    return await operation
  } finally {
    bound.cancel()
    turns.close()
  }
}
