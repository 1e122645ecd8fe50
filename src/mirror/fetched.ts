// When a machine last fetched something of each release, kept in state_path/images/fetched.json, so that what is being booted
// is not pruned, by whichever process.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../base/clock.js'
import { writeFileAtomic } from '../disk/atomic-file.js'

/** Milliseconds for which a release is not noted again. */
const fine = 600_000
/** Folders and versions that are known; more are not kept apart from those that were fetched longest ago. */
const most = 1000

const fileOf = (statePath: string): string => join(statePath, 'images', 'fetched.json')

/** By `flatcar/4230.2.1`, milliseconds since the epoch. What can't be read has not been fetched. */
export async function readFetched (statePath: string): Promise<ReadonlyMap<string, number>> {
  try {
    const value = JSON.parse(await readFile(fileOf(statePath), 'utf8')) as unknown
    return new Map(Object.entries(Object(value) as Readonly<Record<string, unknown>>).filter((entry): entry is [string, number] => typeof entry[1] === 'number'))
  } catch {
    return new Map()
  }
}

export interface FetchedOptions {
  readonly statePath: string
  readonly clock: Clock
  readonly onError: (error: unknown) => void
}

export class FetchedLog {
  readonly #options: FetchedOptions
  readonly #times: Map<string, number>
  #writing: Promise<void> = Promise.resolve()

  private constructor (options: FetchedOptions, times: ReadonlyMap<string, number>) {
    this.#options = options
    this.#times = new Map(times)
  }

  static async open (options: FetchedOptions): Promise<FetchedLog> { return new FetchedLog(options, await readFetched(options.statePath)) }

  /** `release` is a folder and what is in it: `flatcar/4230.2.1`. */
  note (release: string): void {
    const { clock, statePath, onError } = this.#options
    const now = clock.now()
    const last = this.#times.get(release)
    if (last !== undefined && Math.abs(now - last) < fine) return
    this.#times.delete(release)
    this.#times.set(release, now)
    for (const oldest of this.#times.keys()) {
      if (this.#times.size <= most) break
      this.#times.delete(oldest)
    }
    this.#writing = this.#writing.then(() => writeFileAtomic(fileOf(statePath), `${JSON.stringify(Object.fromEntries(this.#times), null, 2)}\n`)).catch(onError)
  }

  /** Resolves when all that was noted is on disk. */
  async close (): Promise<void> { await this.#writing }
}
