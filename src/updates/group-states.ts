// What is kept of each group beside its rules: what people paused and approved, and what safe mode stopped. A change is in force at once,
// so that two at a time see each other, and taken back when it can't be kept.
import { AppError } from '../base/errors.js'
import { decidedAgain } from './decided-again.js'
import { type GroupState, newGroupState } from './policy.js'
import type { UpdateStore } from './update-store.js'

export class GroupStates {
  readonly #store: UpdateStore
  readonly #states: Map<string, GroupState>

  constructor (store: UpdateStore, before: ReadonlyMap<string, GroupState>) {
    this.#store = store
    this.#states = new Map(before)
  }

  get all (): ReadonlyMap<string, GroupState> { return this.#states }

  of (name: string): GroupState { return this.#states.get(name) ?? newGroupState(name) }

  /** What another provisioner made of it. */
  take (state: GroupState): void { this.#states.set(state.name, state) }

  /** A change that leaves the state as it is is none. */
  async set (name: string, change: (state: GroupState) => GroupState): Promise<void> {
    const done = await decidedAgain(async () => {
      const before = this.#states.get(name)
      const known = this.of(name)
      const state = change(known)
      if (state === known) return true
      this.#states.set(name, state)
      const undo = (): void => {
        if (this.#states.get(name) !== state) return
        if (before === undefined) this.#states.delete(name)
        else this.#states.set(name, before)
      }
      const isKept = await this.#store.put({ kind: 'group', group: state }).catch((error: unknown) => {
        undo()
        throw error
      })
      if (!isKept) undo()
      return isKept ? true : undefined
    })
    if (done === undefined) throw new AppError('store_changed', `the group ${name} is changed by others again and again`)
  }
}
