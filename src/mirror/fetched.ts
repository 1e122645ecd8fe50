// When a machine last fetched something of each release, kept in state_path/images/fetched.json, so that what is being booted
// is not pruned, by whichever process.
import { join } from 'node:path'
import type { Clock } from '../base/clock.js'
import { writeFileAtomic } from '../disk/atomic-file.js'
import { fetchedFormat, refuseNewer } from '../disk/state-formats.js'
import { readWhole } from '../disk/whole-file.js'

/** Milliseconds for which a release is not noted again. */
const fine = 600_000
/** Folders and versions that are known; more are not kept apart from those that were fetched longest ago. */
const most = 1000

const fileOf = (statePath: string): string => join(statePath, fetchedFormat.file)

/**
 * By `flatcar/4230.2.1`, milliseconds since the epoch. What can't be read has not been fetched. AppError state_newer where a newer
 * version wrote it: what it knows of is neither pruned nor forgotten.
 */
export async function readFetched (statePath: string): Promise<ReadonlyMap<string, number>> {
  const written = await contentOf(fileOf(statePath))
  refuseNewer(fileOf(statePath), written.version, fetchedFormat.version, 'and no release is known to have been fetched')
  // The first ones had no version, and the times at the top.
  const times = Object(written.version === undefined ? written : written.fetched) as Readonly<Record<string, unknown>>
  return new Map(Object.entries(times).filter((entry): entry is [string, number] => typeof entry[1] === 'number'))
}

async function contentOf (file: string): Promise<{ readonly version?: unknown, readonly fetched?: unknown }> {
  try {
    return Object(JSON.parse((await readWhole(file, 'state')).toString())) as { readonly version?: unknown, readonly fetched?: unknown }
  } catch {
    return {}
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
  readonly #writes: boolean
  #writing: Promise<void> = Promise.resolve()

  private constructor (options: FetchedOptions, times: ReadonlyMap<string, number>, writes: boolean) {
    this.#options = options
    this.#writes = writes
    this.#times = new Map(times)
  }

  /** One that a newer version wrote is left alone: what is fetched meanwhile is known for as long as this runs. */
  static async open (options: FetchedOptions): Promise<FetchedLog> {
    try {
      return new FetchedLog(options, await readFetched(options.statePath), true)
    } catch (error) {
      options.onError(error)
      return new FetchedLog(options, new Map(), false)
    }
  }

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
    if (!this.#writes) return
    this.#writing = this.#writing.then(() => writeFileAtomic(fileOf(statePath), `${JSON.stringify({ version: fetchedFormat.version, fetched: Object.fromEntries(this.#times) }, null, 2)}\n`)).catch(onError)
  }

  /** Resolves when all that was noted is on disk. */
  async close (): Promise<void> { await this.#writing }
}
