// When what etcd has by now is known here too: of a key, of a folder, of a revision. What is asked of etcd tells what has to arrive.
import type { Clock } from '../base/clock.js'
import { endOfPrefix } from '../etcd/keys.js'
import type { RangeRequest, RangeResponse } from '../etcd/proto.js'
import { Conditions } from './conditions.js'
import type { Entries, SharedEntry } from './entries.js'

export interface ArrivalsOptions {
  readonly clock: Pick<Clock, 'after'>
  /** Milliseconds that a change which etcd has may take to arrive. */
  readonly patience: number
  readonly prefix: string
  readonly entries: Pick<Entries, 'get' | 'under'>
  /** The last that is known whole. */
  readonly revision: () => number
  /** Throws AppError etcd_away at once while it is. */
  readonly range: (request: RangeRequest) => Promise<RangeResponse>
}

export class Arrivals {
  readonly #options: ArrivalsOptions
  readonly #conditions: Conditions

  constructor (options: ArrivalsOptions) {
    this.#options = options
    this.#conditions = new Conditions(options.clock, options.patience)
  }

  /** Something changed. */
  look (): void { this.#conditions.look() }

  close (): void { this.#conditions.close() }

  async read (key: string): Promise<SharedEntry | undefined> { return (await this.#readAt(key)).entry }

  async revision (revision: number): Promise<void> { await this.#conditions.until(() => this.#options.revision() >= revision) }

  /** When a key is here as etcd has it now, or newer. Throws AppError etcd_away. */
  async settle (key: string): Promise<void> {
    const { entry, at } = await this.#readAt(key)
    await this.#conditions.until(() => {
      const here = this.#options.entries.get(key)
      if (here === undefined) return entry === undefined || this.#options.revision() > entry.revision
      return here.revision > at || here.revision === entry?.revision
    })
  }

  /** The same of all keys of a folder. */
  async settleAll (folder: string): Promise<void> {
    const prefix = this.#key(`${folder}/`)
    const { kvs, header } = await this.#options.range({ key: prefix, range_end: endOfPrefix(prefix.toString()), keys_only: true })
    const wanted = new Map(kvs.map(({ key, mod_revision: revision }) => [this.#told(key), Number(revision)]))
    const at = Number(header.revision)
    const isHere = (key: string, revision: number): boolean => {
      const here = this.#options.entries.get(key)
      return here === undefined ? this.#options.revision() > revision : here.revision >= revision
    }
    await this.#conditions.until(() => [...wanted].every(([key, revision]) => isHere(key, revision)) &&
      [...this.#options.entries.under(folder)].every(([key, { revision }]) => wanted.has(key) || revision > at))
  }

  async #readAt (key: string): Promise<{ readonly entry: SharedEntry | undefined, readonly at: number }> {
    const { kvs: [found], header } = await this.#options.range({ key: this.#key(key) })
    const at = Number(header.revision)
    return { entry: found === undefined ? undefined : { value: found.value, revision: Number(found.mod_revision) }, at }
  }

  #key (key: string): Buffer { return Buffer.from(this.#options.prefix + key) }
  #told (key: Buffer): string { return key.toString().slice(this.#options.prefix.length) }
}
