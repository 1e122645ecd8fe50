// Discovery tokens and their members in etcd, so that the members of one new cluster may ask different provisioners. Each change puts
// the index too, and is compared with the one that it was decided on: of two at once one is decided again, and no index is given twice.
import { Buffer } from 'node:buffer'
import type { Logger } from '../base/log.js'
import { endOfPrefix, formatKey, parseKey } from '../etcd/keys.js'
import type { RequestOp } from '../etcd/proto.js'
import { changeFrom, type DiscoveryChange, type DiscoveryState, type DiscoveryStore, stateOf } from './discovery-store.js'
import type { EntryChange } from './entries.js'
import type { SharedState } from './shared-state.js'

export interface EtcdDiscoveryOptions {
  readonly state: Pick<SharedState, 'get' | 'under' | 'onChange' | 'transact' | 'etcdKey' | 'applied' | 'settle'>
  readonly log: Logger
}

const indexKey = formatKey({ kind: 'discovery', what: 'index' })

export class EtcdDiscovery implements DiscoveryStore {
  readonly #options: EtcdDiscoveryOptions
  #stop: (() => void) | undefined

  constructor (options: EtcdDiscoveryOptions) { this.#options = options }

  async load (): Promise<DiscoveryState> {
    const changes = [...this.#options.state.under('discovery')].flatMap(([key, { value }]) => this.#read(key, value) ?? [])
    // A token stands before its members.
    return stateOf(changes.sort((a, b) => Number(a.kind === 'member') - Number(b.kind === 'member') || a.index - b.index))
  }

  onChange (listener: (changes: readonly DiscoveryChange[]) => void): void {
    this.#stop = this.#options.state.onChange('discovery', entries => {
      const changes = entries.flatMap(entry => this.#changeOf(entry) ?? [])
      listener(changes.sort((a, b) => a.index - b.index))
    })
  }

  async put (change: DiscoveryChange): Promise<boolean> {
    const { state } = this.#options
    const index = state.etcdKey(indexKey)
    const { succeeded, header } = await state.transact({
      compare: [{ key: index, target: 'MOD', result: 'EQUAL', mod_revision: state.get(indexKey)?.revision ?? 0 }],
      success: [{ request_put: { key: index, value: valueOf({ kind: 'token', index: change.index, token: '', is: null }) } }, ...this.#written(change)]
    })
    // What comes next is decided on this, or on what another one wrote.
    await (succeeded ? state.applied(Number(header.revision)) : state.settle(indexKey))
    return succeeded
  }

  async close (): Promise<void> { this.#stop?.() }

  #written (change: DiscoveryChange): readonly RequestOp[] {
    const { state } = this.#options
    if (change.is !== null) return [{ request_put: { key: state.etcdKey(keyOf(change)), value: valueOf(change) } }]
    const itself: RequestOp = { request_delete_range: { key: state.etcdKey(keyOf(change)) } }
    if (change.kind === 'member') return [itself]
    // All that begins so; ids of members begin with what comes after the slash.
    const members = state.etcdKey(formatKey({ kind: 'discovery', what: 'member', token: change.token, id: '' }))
    return [itself, { request_delete_range: { key: members, range_end: endOfPrefix(members.toString()) } }]
  }

  #changeOf ({ key, before, after }: EntryChange): DiscoveryChange | undefined {
    if (after !== undefined) return this.#read(key, after.value)
    const gone = before === undefined ? undefined : this.#read(key, before.value)
    // The index at which it went is that of the change beside it.
    return gone === undefined || gone.token === '' ? undefined : { ...gone, index: this.#index(), is: null }
  }

  #index (): number {
    const value = this.#options.state.get(indexKey)?.value
    return (value === undefined ? undefined : changeFrom(value.toString()))?.index ?? 0
  }

  /** undefined for what can't be read: what was known stays. */
  #read (key: string, value: Buffer): DiscoveryChange | undefined {
    const change = changeFrom(value.toString())
    if (change !== undefined && parseKey(key)?.kind === 'discovery' && keyOf(change) === key) return change
    this.#options.log.warn({ key }, 'discovery.unreadable')
    return undefined
  }
}

const valueOf = (change: DiscoveryChange): Buffer => Buffer.from(JSON.stringify(change))

function keyOf (change: DiscoveryChange): string {
  if (change.kind === 'member') return formatKey({ kind: 'discovery', what: 'member', token: change.token, id: change.id })
  return change.token === '' ? indexKey : formatKey({ kind: 'discovery', what: 'token', token: change.token })
}
