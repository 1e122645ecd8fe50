// Writes the groups of machines that are enrolled or adopted, one after the other: what the next one is given is decided when the
// store has kept the one before, so two that come at once share nothing.
import { messageOf } from '../base/errors.js'
import type { Group } from '../matchbox/group.js'
import type { Mac } from '../net/mac.js'

/** Machines that wait for their group; more are told to come again. */
export const mostWaiting = 256

export type Planned = { readonly group: Group } | { readonly refusal: string }

/** What came of it. */
export type Enrolled = { readonly group: Group, readonly isNew: boolean } | { readonly refusal: string }

export interface EnrollerOptions {
  /** The store's; `plan` may be asked again where another provisioner was first. */
  readonly addGroup: (plan: () => Promise<Group | undefined>) => Promise<void>
  /** Is told of each group that was written. */
  readonly onWritten: (mac: Mac, group: Group, how: 'enrolled' | 'adopted') => void
}

export class Enroller {
  readonly #options: EnrollerOptions
  #last: Promise<unknown> = Promise.resolve()
  #waiting = 0

  constructor (options: EnrollerOptions) { this.#options = options }

  /** `plan` looks at the store as it is when its turn comes; undefined when there is nothing to do any more. */
  async write (mac: Mac, how: 'enrolled' | 'adopted', plan: () => Promise<Planned | Group>): Promise<Enrolled> {
    if (this.#waiting >= mostWaiting) return { refusal: `${mostWaiting} machines wait to be enrolled already: it has to ask again` }
    this.#waiting++
    const turn = this.#last.then(async (): Promise<Enrolled> => {
      try {
        const found: { planned?: Planned | Group } = {}
        await this.#options.addGroup(async () => {
          const planned = found.planned = await plan()
          return 'group' in planned ? planned.group : undefined
        })
        const { planned } = found
        if (planned === undefined) return { refusal: 'nothing was planned' }
        if ('refusal' in planned) return planned
        if (!('group' in planned)) return { group: planned, isNew: false }
        this.#options.onWritten(mac, planned.group, how)
        return { group: planned.group, isNew: true }
      } catch (error) {
        return { refusal: `its group could not be written: ${messageOf(error)}` }
      } finally {
        this.#waiting--
      }
    })
    this.#last = turn
    return await turn
  }
}
