// Tries again what a publisher may answer better later: three times more, each time after a longer wait, and not before the publisher
// says (Retry-After, RFC 9110 section 10.2.3). Every request to a publisher goes through this.
import type { Clock } from '../base/clock.js'
import { AppError } from '../base/errors.js'

/** A failure that may go better when it is tried again. */
export class TransientError extends AppError {
  /** Milliseconds until which the publisher wants to be left alone. */
  readonly retryAfter: number | undefined

  constructor (code: AppError['code'], message: string, { retryAfter, ...options }: ErrorOptions & { readonly retryAfter?: number | undefined } = {}) {
    super(code, message, options)
    this.retryAfter = retryAfter
  }
}

export interface PatienceOptions {
  readonly clock: Clock
  readonly signal: AbortSignal
}

/** Milliseconds before each further try. */
const pauses = [500, 2000, 5000] as const
/** Who is to be left alone for longer is asked again at the next sync. Milliseconds. */
export const longestWait = 300_000

/** `attempt` until it resolves or has failed too often. `gained`: whether a failed one got ahead, which makes up for those before. */
export async function patiently<Result> (
  attempt: () => Promise<Result>, { clock, signal }: PatienceOptions, gained: () => Promise<boolean> = async () => false
): Promise<Result> {
  for (let tries = 0; ; tries++) {
    try {
      return await attempt()
    } catch (error) {
      if (!(error instanceof TransientError) || signal.aborted) throw error
      if (await gained()) tries = 0
      const pause = Math.max(pauses[tries] ?? Infinity, error.retryAfter ?? 0)
      if (pause > longestWait) throw error
      await waited(pause, { clock, signal })
    }
  }
}

/** A pause that ends at once when all is given up. */
const waited = async (milliseconds: number, { clock, signal }: PatienceOptions): Promise<void> => await new Promise(resolve => {
  // A clock's timer keeps no process alive, and there is no connection now that would.
  const alive = setInterval(() => {}, 2 ** 31 - 1)
  const done = (): void => {
    clearInterval(alive)
    timer.cancel()
    signal.removeEventListener('abort', done)
    resolve()
  }
  const timer = clock.after(milliseconds, done)
  signal.addEventListener('abort', done, { once: true })
})

/** Milliseconds that a Retry-After header speaks of, which has seconds or a date; undefined for one that says nothing. */
export function retryAfterOf (header: string | undefined, now: number): number | undefined {
  if (header === undefined) return undefined
  if (/^\d{1,9}$/.test(header.trim())) return Number(header) * 1000
  const until = Date.parse(header)
  return Number.isNaN(until) ? undefined : Math.max(0, until - now)
}
