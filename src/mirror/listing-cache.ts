// The listing of images as the mirror's thread made it last: whoever reads the metrics waits for no disk, and makes nobody wait.
import type { Clock } from '../base/clock.js'
import { type ImagesTold, tellImages } from './images-told.js'

/** Milliseconds after which the listing is made again, for the next who reads: others may have changed the folders. */
const keptFor = 60_000

export class ListingCache {
  readonly #list: () => Promise<ImagesTold>
  readonly #clock: Clock
  #told: ImagesTold = tellImages({ sources: [], releases: [] })
  #seen = false
  #at: number | undefined
  #looking: Promise<ImagesTold> | undefined

  constructor (list: () => Promise<ImagesTold>, clock: Clock) {
    this.#list = list
    this.#clock = clock
  }

  /** As it is now. */
  async look (): Promise<ImagesTold> {
    this.#at = this.#clock.now()
    this.#looking ??= this.#list().then(told => {
      this.#told = told
      this.#seen = true
      return told
    }).finally(() => { this.#looking = undefined })
    return await this.#looking
  }

  /** As it was last seen, looked for when it never was. */
  async seen (): Promise<ImagesTold> { return this.#seen ? this.last : await this.look() }

  /** Something changed, which a look that is under way may have missed. */
  forget (): void {
    const again = (): Promise<ImagesTold> => this.look()
    const looked = this.#looking === undefined ? again() : this.#looking.then(again, again)
    looked.catch(() => {})
  }

  /** As it was last seen. */
  get last (): ImagesTold {
    if (this.#at === undefined || Math.abs(this.#clock.now() - this.#at) > keptFor) this.look().catch(() => {})
    return this.#told
  }
}
