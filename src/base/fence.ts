// Where an error ends that belongs to no request: in a timer, an event handler, a promise that nobody waits for. It is counted and
// logged with its place, and what was to be done there is not done; everything else goes on.
import type { Clock } from './clock.js'
import { messageOf } from './errors.js'
import type { Logger } from './log.js'

export interface FenceOptions {
  readonly log: Logger
  /** Told of every error, also of those that are not logged. */
  readonly onError?: (place: string) => void
}

export class Fence {
  readonly #options: FenceOptions
  /** How often, by place. */
  readonly #counts = new Map<string, number>()

  constructor (options: FenceOptions) { this.#options = options }

  get counts (): ReadonlyMap<string, number> { return this.#counts }

  /** `part` says what goes on without it: `timer`, `dhcp`, `http`. */
  caught (error: unknown, part: string): void {
    const place = placeOf(error)
    const count = (this.#counts.get(place) ?? 0) + 1
    this.#counts.set(place, count)
    this.#options.onError?.(place)
    // The 1st, 2nd, 4th, 8th ...: whoever can cause it shall not fill the disk.
    if ((count & (count - 1)) !== 0) return
    const stack = error instanceof Error ? error.stack?.split('\n').slice(1, 9).map(line => line.trim()) : undefined
    this.#options.log.error({ part, place, count, error: messageOf(error), stack }, 'error.fenced')
  }

  /** The handler, as one that neither throws nor rejects. */
  around<Args extends readonly unknown[]> (part: string, handler: (...args: Args) => unknown): (...args: Args) => void {
    return (...args) => {
      try {
        const result = handler(...args)
        if (result instanceof Promise) result.catch((error: unknown) => { this.caught(error, part) })
      } catch (error) {
        this.caught(error, part)
      }
    }
  }

  /** The clock, with timers that are fenced. */
  clock ({ now, after, every }: Clock): Clock {
    return {
      now,
      after: (milliseconds, fire) => after(milliseconds, this.around('timer', fire)),
      every: (milliseconds, fire) => every(milliseconds, this.around('timer', fire))
    }
  }
}

const ours = /\/(?:src|dist)\/(.+?)\.[jt]s:(\d+)/

/** The first line of our own that the error came through: `tftp/listeners:78`. A bundle has one file, whose function is named. */
export function placeOf (error: unknown): string {
  const lines = error instanceof Error ? (error.stack ?? '').slice(0, 10_000).split('\n').filter(line => /^\s+at /.test(line)) : []
  for (const line of lines) {
    const [, file, number] = line.includes('/node_modules/') ? [] : ours.exec(line) ?? []
    if (file !== undefined) return `${file}:${number}`
  }
  return lines[0]?.replace(/^\s+at /, '').slice(0, 100) ?? 'unknown'
}
