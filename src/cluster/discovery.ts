// The discovery service of etcd 2 and 3: members of a cluster that does not exist yet find one another by a token, below
// which each writes down its address, until as many have as the cluster is to have. The protocol is etcd's v2 keys API
// (etcd's Documentation/dev-internal/discovery_protocol.md), of which this is the part that its clients use.
import type { Clock } from '../base/clock.js'
import { AppError } from '../base/errors.js'
import { ownText } from '../base/own-text.js'
import { discoveryLimits, givesWay, givesWayToMember, sizeIn } from './discovery-limits.js'
import { directoryOf, eventOf, eventsBefore, memberOf, sizeOf } from './discovery-nodes.js'
import { applyChange, type DiscoveryChange, type DiscoveryMember, type DiscoveryState, type DiscoveryStore, type DiscoveryToken } from './discovery-store.js'
import { concerns, KeyHistory, type KeyWatch } from './key-history.js'
import { keyAnswer, type KeyEvent, keyError, type KeysAnswer, memberKey, sizeKey, tokenKey } from './keys-answer.js'

export type DiscoveryEvent =
  | { readonly kind: 'token' | 'size', readonly token: string, readonly size: number, readonly from: string, readonly cluster: string }
  | { readonly kind: 'member' | 'left', readonly token: string, readonly cluster: string, readonly id: string, readonly value: string, readonly mac: string | undefined, readonly members: number, readonly size: number }
  | { readonly kind: 'forgotten', readonly token: string }

export interface DiscoveryOptions {
  readonly store: DiscoveryStore
  readonly before: DiscoveryState
  readonly clock: Clock
  /** 32 hexadecimal digits that nobody guesses. */
  readonly makeToken: () => string
  /** Which machine has an address for certain. */
  readonly macOf: (address: string) => string | undefined
  readonly onEvent: (event: DiscoveryEvent) => void
  /** As many as discoveryLimits allows without them. */
  readonly mostTokens?: number
  readonly mostMembers?: number
}

/** Thrown where another provisioner was first. */
const wasLate = Symbol('late')
/** Changes that others may be first with. */
const mostTries = 50

interface Waiting extends KeyWatch {
  /** The index of the first event that is told: in a fleet another provisioner may have told those that this one has yet to hear of. */
  readonly from: number
  readonly tell: (answer: KeysAnswer) => void
}

export class Discovery {
  readonly #options: DiscoveryOptions
  readonly #tokens: Map<string, DiscoveryToken>
  readonly #byCluster = new Map<string, string>()
  readonly #history = new KeyHistory()
  readonly #waiting = new Map<string, Set<Waiting>>()
  #index: number
  #writing: Promise<unknown> = Promise.resolve()
  #queued = 0

  constructor (options: DiscoveryOptions) {
    const { before: { index, tokens } } = options
    this.#options = options
    this.#index = index
    this.#tokens = new Map(tokens)
    for (const { token, cluster } of tokens.values()) if (cluster !== '') this.#byCluster.set(cluster, token)
    options.store.onChange?.(changes => { for (const change of changes) this.#take(change, eventOf(change, this.#tokens)) })
    // What was said before a restart is asked for after it: a member waits for the event of its own joining.
    for (const event of eventsBefore(tokens.values())) this.#history.add(event)
  }

  get state (): DiscoveryState { return { index: this.#index, tokens: this.#tokens } }

  get waiting (): number { return [...this.#waiting.values()].reduce((sum, { size }) => sum + size, 0) }

  /** A token that a network asks for (net/shares). Throws AppError discovery_full when it has too many, or all have. */
  async newToken (size: number, from: string): Promise<string> {
    return await this.#inTurn(async () => {
      await this.#makeRoom(from)
      return await this.#create(size, from, '')
    })
  }

  /** The token of a cluster that groups name: made once, its size kept in step. */
  async tokenOf (cluster: string, size: number): Promise<string> {
    return await this.#inTurn(async () => {
      const known = this.#tokens.get(this.#byCluster.get(cluster) ?? '')
      if (known === undefined) return await this.#create(size, '', cluster)
      if (known.size !== size) await this.#setSize(known, size)
      return known.token
    })
  }

  /** As far as it is kept. */
  knownTokenOf (cluster: string): string | undefined { return this.#byCluster.get(cluster) }

  /** A machine is installed anew: what it once said of itself is no member. */
  async forget (mac: string, cluster: string): Promise<void> {
    await this.#inTurn(async () => {
      const token = this.#byCluster.get(cluster)
      for (const member of this.#tokens.get(token ?? '')?.members.values() ?? []) if (member.mac === mac) await this.#remove(token!, member)
    })
  }

  /** `wait=true` is asked of `wait`. */
  list (token: string): KeysAnswer {
    const known = this.#tokens.get(token)
    return known === undefined ? this.#missing(tokenKey(token)) : keyAnswer({ action: 'get', node: directoryOf(known) }, this.#index)
  }

  size (token: string): KeysAnswer {
    const known = this.#tokens.get(token)
    return known === undefined ? this.#missing(sizeKey(token)) : keyAnswer({ action: 'get', node: sizeOf(known) }, this.#index)
  }

  member (token: string, id: string): KeysAnswer {
    const known = this.#tokens.get(token)?.members.get(id)
    return known === undefined ? this.#missing(memberKey(token, id)) : keyAnswer({ action: 'get', node: memberOf(token, known) }, this.#index)
  }

  async putSize (token: string, value: string): Promise<KeysAnswer> {
    const size = sizeIn(value)
    if (size === undefined) return keyError('invalidField', `the size of a cluster is a number from 1 to ${discoveryLimits.largestSize}`, this.#index)
    return await this.#inTurn(async () => {
      const known = this.#tokens.get(token)
      return known === undefined ? this.#missing(sizeKey(token)) : keyAnswer(await this.#setSize(known, size), this.#index)
    })
  }

  /** `mustExist` is prevExist: undefined for either. */
  async putMember (asked: string, name: string, said: string, mustExist: boolean | undefined, from: string): Promise<KeysAnswer> {
    return await this.#inTurn(async () => {
      const known = this.#tokens.get(asked)
      if (known === undefined) return this.#missing(tokenKey(asked))
      // They are remembered, the request that they were cut from is not.
      const [token, id, value] = [known.token, ownText(name), ownText(said)]
      const key = memberKey(token, id)
      const before = known.members.get(id)
      if (mustExist === false && before !== undefined) return keyError('nodeExists', key, this.#index)
      if (mustExist === true && before === undefined) return this.#missing(key)
      if (Buffer.byteLength(value) > discoveryLimits.valueOctets) return keyError('invalidField', `a value has ${discoveryLimits.valueOctets} octets at most`, this.#index)
      if (before === undefined && known.members.size >= discoveryLimits.members) return keyError('invalidField', `${discoveryLimits.members} members have joined already`, this.#index)
      if (before === undefined) {
        const given = givesWayToMember(this.#tokens, known, this.#options.mostMembers ?? discoveryLimits.membersOfAll)
        if (given !== undefined) await this.#drop(given)
      }
      const index = this.#index + 1
      const mac = this.#options.macOf(from)
      const createdIndex = mustExist === true ? before!.createdIndex : index
      const is = { value, createdIndex, modifiedIndex: index, ...mac !== undefined && { mac } }
      const action = mustExist === undefined ? 'set' : mustExist ? 'update' : 'create'
      const event = await this.#commit({ kind: 'member', index, token, id, used: this.#options.clock.now(), is }, {
        action, node: memberOf(token, { id, ...is }), ...before !== undefined && { prevNode: memberOf(token, before) }
      })
      this.#tellMember('member', token, { id, ...is })
      return keyAnswer(event, index)
    })
  }

  async deleteMember (token: string, id: string): Promise<KeysAnswer> {
    return await this.#inTurn(async () => {
      const known = this.#tokens.get(token)?.members.get(id)
      return known === undefined ? this.#missing(memberKey(token, id)) : keyAnswer(await this.#remove(token, known), this.#index)
    })
  }

  /** The next event of a key, or of all below it; `tell` is called once, now or later, unless the returned function was before. */
  wait (watched: KeyWatch, token: string, from: number | undefined, tell: (answer: KeysAnswer) => void): () => void {
    const happened = from === undefined ? undefined : this.#history.since(from, watched)
    if (happened === 'cleared') {
      tell(keyError('eventIndexCleared', `the requested history has been cleared [${from}]`, this.#index))
      return () => {}
    }
    if (happened !== undefined) {
      tell({ status: 200, index: this.#index, body: happened })
      return () => {}
    }
    const waiting = { ...watched, from: from ?? 0, tell }
    const those = this.#waiting.get(token) ?? new Set()
    this.#waiting.set(token, those.add(waiting))
    return () => {
      those.delete(waiting)
      if (those.size === 0) this.#waiting.delete(token)
    }
  }

  #missing (key: string): KeysAnswer { return keyError('keyNotFound', key, this.#index) }

  /** One write after the other: each is decided on what the one before left. */
  async #inTurn<T> (act: () => Promise<T>): Promise<T> {
    if (this.#queued >= discoveryLimits.waitingWrites) throw new AppError('discovery_full', 'too many members write at once: ask again')
    this.#queued++
    const done = this.#writing.then(() => this.#decided(act))
    this.#writing = done.then(() => {}, () => {})
    try {
      return await done
    } finally {
      this.#queued--
    }
  }

  /** Again where another provisioner was first. */
  async #decided<T> (act: () => Promise<T>): Promise<T> {
    for (let tries = 0; tries < mostTries; tries++) {
      try {
        return await act()
      } catch (error) {
        if (error !== wasLate) throw error
      }
    }
    throw new AppError('discovery_full', 'other provisioners write at once again and again: ask again')
  }

  /** On disk, then in memory, then told. Throws `wasLate` where another provisioner was first. */
  async #commit<T extends KeyEvent | undefined> (change: DiscoveryChange, event: T): Promise<T> {
    if (!await this.#options.store.put(change)) throw wasLate
    if (this.#options.store.onChange === undefined) this.#take(change, event)
    return event
  }

  #take (change: DiscoveryChange, event: KeyEvent | undefined): void {
    this.#index = Math.max(this.#index, change.index)
    applyChange(this.#tokens, change)
    if (change.kind === 'token' && change.is !== null && change.is.cluster !== '') this.#byCluster.set(change.is.cluster, change.token)
    if (change.kind === 'token' && change.is === null) this.#forgotten(change.token)
    if (event !== undefined) {
      this.#history.add(event)
      for (const waiting of [...this.#waiting.get(change.token) ?? []]) {
        if (event.node.modifiedIndex < waiting.from || !concerns(event, waiting)) continue
        this.#waiting.get(change.token)?.delete(waiting)
        waiting.tell({ status: 200, index: this.#index, body: event })
      }
      if (this.#waiting.get(change.token)?.size === 0) this.#waiting.delete(change.token)
    }
  }

  #forgotten (token: string): void {
    for (const { tell } of this.#waiting.get(token) ?? []) tell(this.#missing(tokenKey(token)))
    this.#waiting.delete(token)
  }

  async #create (size: number, from: string, cluster: string): Promise<string> {
    const token = this.#options.makeToken()
    const index = this.#index + 1
    const is = { size, createdIndex: index, sizeIndex: index, used: this.#options.clock.now(), from, cluster }
    await this.#commit({ kind: 'token', index, token, is }, { action: 'set', node: sizeOf({ token, ...is }) })
    this.#options.onEvent({ kind: 'token', token, size, from, cluster })
    return token
  }

  async #setSize (known: DiscoveryToken, size: number): Promise<KeyEvent> {
    const { token, createdIndex, from, cluster } = known
    const index = this.#index + 1
    const is = { size, createdIndex, sizeIndex: index, used: this.#options.clock.now(), from, cluster }
    const event = await this.#commit({ kind: 'token', index, token, is }, { action: 'set', node: sizeOf({ token, ...is }), prevNode: sizeOf(known) })
    this.#options.onEvent({ kind: 'size', token, size, from, cluster })
    return event
  }

  async #remove (token: string, member: DiscoveryMember): Promise<KeyEvent> {
    const index = this.#index + 1
    const { id, createdIndex } = member
    const event = await this.#commit({ kind: 'member', index, token, id, used: this.#options.clock.now(), is: null }, {
      action: 'delete', node: { key: memberKey(token, id), modifiedIndex: index, createdIndex }, prevNode: memberOf(token, member)
    })
    this.#tellMember('left', token, member)
    return event
  }

  #tellMember (kind: 'member' | 'left', token: string, { id, value, mac }: DiscoveryMember): void {
    const { members, size, cluster } = this.#tokens.get(token)!
    this.#options.onEvent({ kind, token, cluster, id, value, mac, members: members.size, size })
  }

  /** Forgets what nobody uses, and one more where that does not do. */
  async #makeRoom (from: string): Promise<void> {
    const oldest = this.#options.clock.now() - discoveryLimits.unused
    const asked = [...this.#tokens.values()].filter(({ cluster }) => cluster === '')
    for (const { token, used } of asked) if (used < oldest) await this.#drop(token)
    const given = givesWay(this.#tokens, from, this.#options.mostTokens ?? discoveryLimits.tokens)
    if (given !== undefined) await this.#drop(given)
  }

  async #drop (token: string): Promise<void> {
    await this.#commit({ kind: 'token', index: this.#index + 1, token, is: null }, undefined)
    this.#options.onEvent({ kind: 'forgotten', token })
  }
}
