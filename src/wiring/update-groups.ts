// The groups of updates as the configuration has them now: they may change while the program runs.
import type { Config } from '../config/schema.js'

export type UpdateGroupConfigs = Config['updates']['groups']

export class UpdateGroups {
  #now: UpdateGroupConfigs
  readonly #listeners: Array<(groups: UpdateGroupConfigs) => void> = []

  constructor (groups: UpdateGroupConfigs) { this.#now = groups }

  get now (): UpdateGroupConfigs { return this.#now }

  /** Whether they are others than before; those who listen hear of them then. */
  set (groups: UpdateGroupConfigs): boolean {
    if (JSON.stringify(groups) === JSON.stringify(this.#now)) return false
    this.#now = groups
    for (const listener of this.#listeners) listener(groups)
    return true
  }

  onChange (listener: (groups: UpdateGroupConfigs) => void): void { this.#listeners.push(listener) }
}
