// FleetLock's server: who of a group may reboot now. A slot is on disk before its machine is told, so that neither a restart nor a
// power cut gives it twice.
import type { Clock } from '../base/clock.js'
import { AppError } from '../base/errors.js'
import type { Mac } from '../net/mac.js'
import { isGroupName, lockSlot, type RebootHolder, type SlotRules } from './reboot-slots.js'
import type { UpdateStore } from './update-store.js'
import { isOpen, nextOpening, type Window } from './window.js'

export interface RebootGroup extends SlotRules {
  readonly name: string
  readonly window: Window | undefined
}

export interface RebootEvent {
  readonly kind: 'lock' | 'unlock' | 'full'
  readonly group: string
  readonly id: string
  readonly address: string
}

export interface RebootsOptions {
  readonly groups: readonly RebootGroup[]
  readonly store: UpdateStore
  /** What the store held. */
  readonly before: ReadonlyMap<string, readonly RebootHolder[]>
  /** Whose address it is, as far as that is certain. */
  readonly macOf: (address: string) => Mac | undefined
  readonly clock: Clock
  readonly onEvent?: (event: RebootEvent) => void
}

/** Why not, as FleetLock's servers word it. */
export type LockRefusal =
  | { readonly kind: 'unknown_group' }
  | { readonly kind: 'failed_lock_semaphore_full' }
  | { readonly kind: 'outside_window', readonly window: string, readonly opens: number }

/** Provisioners that ask for one group at once, each of which has one of its machines decided. */
const mostTries = 20

export class Reboots {
  readonly #options: RebootsOptions
  #groups: ReadonlyMap<string, RebootGroup>
  readonly #holders: Map<string, readonly RebootHolder[]>
  /** Changes of a group go to disk one after the other. */
  readonly #turns = new Map<string, Promise<unknown>>()
  /** Groups that the store told of since their last change here began: what it told stands. */
  readonly #overtaken = new Set<string>()

  constructor (options: RebootsOptions) {
    this.#options = options
    this.#groups = new Map(options.groups.map(group => [group.name, group]))
    this.#holders = new Map(options.before)
    options.store.onChange?.(change => {
      if (change.kind !== 'holders') return
      this.#overtaken.add(change.group)
      this.#hold(change.group, change.holders)
    })
  }

  /** Puts other rules in force from the next request on; who holds a slot goes on holding it. */
  configure (groups: readonly RebootGroup[]): void { this.#groups = new Map(groups.map(group => [group.name, group])) }

  get groups (): ReadonlyMap<string, RebootGroup> { return this.#groups }
  get holders (): ReadonlyMap<string, readonly RebootHolder[]> { return this.#holders }

  /** undefined when it holds a slot. AppError when that can't be kept: then it holds none. */
  lock (group: string, id: string, address: string): Promise<LockRefusal | undefined> {
    const rules = this.#groups.get(group)
    if (rules === undefined || !isGroupName(group)) return Promise.resolve({ kind: 'unknown_group' })
    return this.#decided(group, async () => {
      const { clock, onEvent, macOf } = this.#options
      const mac = macOf(address)
      const now = clock.now()
      const holders = this.#holders.get(group) ?? []
      const decision = lockSlot(holders, { group, id, address, ...mac !== undefined && { mac }, since: now }, rules)
      if (decision.kind === 'held') return undefined
      if (rules.window !== undefined && !isOpen(rules.window, now)) return { kind: 'outside_window', window: rules.window.text, opens: nextOpening(rules.window, now) }
      if (decision.kind === 'taken' && !await this.#set(group, [...holders.filter(holder => !decision.given.includes(holder)), decision.holder])) return 'again'
      onEvent?.({ kind: decision.kind === 'full' ? 'full' : 'lock', group, id, address })
      return decision.kind === 'full' ? { kind: 'failed_lock_semaphore_full' } : undefined
    })
  }

  /** Gives a slot back; false for who had none, which is as good, and for a machine that is not the one that holds it. */
  unlock (group: string, id: string, address: string): Promise<boolean> {
    return this.#free(group, id, address, holder =>
      holder.mac === undefined || holder.address === address || holder.mac === this.#options.macOf(address))
  }

  /** An operator takes it. */
  release (group: string, id: string): Promise<boolean> { return this.#free(group, id, 'operator', () => true) }

  #free (group: string, id: string, address: string, may: (holder: RebootHolder) => boolean): Promise<boolean> {
    return this.#decided(group, async () => {
      const holders = this.#holders.get(group) ?? []
      if (!holders.some(holder => holder.id === id && may(holder))) return false
      if (!await this.#set(group, holders.filter(holder => holder.id !== id))) return 'again'
      this.#options.onEvent?.({ kind: 'unlock', group, id, address })
      return true
    })
  }

  /** On what all provisioners know, and again where another one was first. */
  #decided<T> (group: string, decide: () => Promise<T | 'again'>): Promise<T> {
    return this.#inTurn(group, async () => {
      for (let tries = 0; tries < mostTries; tries++) {
        await this.#options.store.settle?.(group)
        const decided = await decide()
        if (decided !== 'again') return decided
      }
      throw new AppError('store_changed', `the reboot slots of ${group} are changed by others again and again`)
    })
  }

  #inTurn<T> (group: string, act: () => Promise<T>): Promise<T> {
    const turn = (this.#turns.get(group) ?? Promise.resolve()).then(act)
    const settled = turn.then(() => {}, () => {}).finally(() => { if (this.#turns.get(group) === settled) this.#turns.delete(group) })
    this.#turns.set(group, settled)
    return turn
  }

  /** In memory first: the store, should it write itself anew, asks what counts. false when another provisioner was first. */
  async #set (group: string, holders: readonly RebootHolder[]): Promise<boolean> {
    const before = this.#holders.get(group) ?? []
    this.#overtaken.delete(group)
    this.#hold(group, holders)
    let isKept = false
    try {
      isKept = await this.#options.store.put({ kind: 'holders', group, holders })
      return isKept
    } finally {
      if (!isKept && !this.#overtaken.has(group)) this.#hold(group, before)
    }
  }

  #hold (group: string, holders: readonly RebootHolder[]): void {
    if (holders.length === 0) this.#holders.delete(group)
    else this.#holders.set(group, holders)
  }
}
