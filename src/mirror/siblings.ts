// Files of a release from another provisioner's /assets, which are nearer than the publisher's. It is believed as little as anybody: a
// file counts when the publisher's own signature or digest says so, and who gave a wrong one, or none, is asked no more for this release.
import { rename, rm } from 'node:fs/promises'
import type { Clock } from '../base/clock.js'
import { messageOf } from '../base/errors.js'
import { downloadOnce } from './download.js'
import { HttpClient } from './http-client.js'

export interface SiblingsOptions {
  /** `http://10.0.0.3:8080`, in the order in which they are asked; a few. */
  readonly origins: readonly string[]
  readonly clock: Clock
  /** Milliseconds without a byte. */
  readonly timeout: number
  /** Bytes of one file. */
  readonly maxSize: number
  readonly signal: AbortSignal
  readonly onFailure?: (origin: string, reason: string) => void
}

type OnProgress = (received: number, total: number | undefined) => void

/** Milliseconds for a connection and without a byte, at most: a sibling is near, and the publisher is there as well. */
const impatience = 5000
/** Milliseconds for one file: who sends slower than that is no help. */
const longest = 600_000
const most = 3

/** Those of one release: one of them is asked for a file at a time. */
export class Siblings {
  readonly #options: SiblingsOptions
  #origins: readonly string[]

  constructor (options: SiblingsOptions) {
    this.#options = options
    this.#origins = options.origins.slice(0, most)
  }

  /**
   * The file at `path`, verified; undefined when nobody has it. `assetPath` is below /assets/, `check` judges what is at `path` and
   * rejects what is not the publisher's.
   */
  async file<Checked> (
    assetPath: string, path: string, check: (path: string) => Promise<Checked>, onProgress: OnProgress
  ): Promise<Checked | undefined> {
    const { signal, onFailure } = this.#options
    for (const origin of this.#origins) {
      if (signal.aborted) return undefined
      const from = `${path}.sibling`
      try {
        await this.#fetch(`${origin}/assets/${assetPath.split('/').map(encodeURIComponent).join('/')}`, from, onProgress)
        const checked = await check(from)
        await rename(from, path)
        // What was begun at the publisher is not wanted any more.
        await Promise.all(['.part', '.part.json'].map(async end => { await rm(path + end, { force: true }) }))
        return checked
      } catch (error) {
        await Promise.all(['', '.part', '.part.json'].map(async end => { await rm(from + end, { force: true }) }))
        this.#origins = this.#origins.filter(other => other !== origin)
        onFailure?.(origin, messageOf(error))
      }
    }
    return undefined
  }

  async #fetch (url: string, path: string, onProgress: OnProgress): Promise<void> {
    const { clock, maxSize, signal } = this.#options
    const timeout = Math.min(this.#options.timeout, impatience)
    const ending = new AbortController()
    const end = (): void => { ending.abort() }
    const late = clock.after(longest, end)
    signal.addEventListener('abort', end)
    // Neither a proxy nor a redirect lies between two machines of one fleet.
    const client = new HttpClient({ env: {}, timeout, clock, signal: ending.signal, follow: false })
    try {
      await downloadOnce(url, path, { client, clock, timeout, maxSize, signal: ending.signal, onProgress })
    } finally {
      late.cancel()
      signal.removeEventListener('abort', end)
    }
  }
}
