// Updates and reboots of installed machines in etcd: an installed machine, a group's state and the holders of its reboot slots have a key
// each. Who may reboot is compared and put; a grant also puts the group's last grant, and is compared with the one that was known when it
// was decided, so that of two provisioners that count the same one is told to count again. What else becomes of a machine frees a place at
// most, and is written without being compared.
import { unwaited } from '../base/errors.js'
import type { Logger } from '../base/log.js'
import { takesNothing } from '../etcd/failure.js'
import { formatKey, parseKey } from '../etcd/keys.js'
import type { RequestOp } from '../etcd/proto.js'
import { changeIn, type UpdateChange, type UpdateState, type UpdateStore } from '../updates/update-store.js'
import type { Instance } from '../updates/instance.js'
import type { GroupState } from '../updates/policy.js'
import type { RebootHolder } from '../updates/reboot-slots.js'
import type { EntryChange } from './entries.js'
import type { SharedState } from './shared-state.js'

export interface EtcdUpdatesOptions {
  readonly state: Pick<SharedState, 'get' | 'under' | 'onChange' | 'onStanding' | 'standing' | 'transact' | 'etcdKey' | 'applied' | 'settle'>
  readonly log: Logger
}

type InstanceChange = Extract<UpdateChange, { kind: 'instance' }>

/** etcd takes 128 operations a transaction. */
const mostTogether = 100

export class EtcdUpdates implements UpdateStore {
  readonly #options: EtcdUpdatesOptions
  readonly #listeners: Array<(change: UpdateChange) => void> = []
  /** What is to be written of machines, by its key; kept here while etcd is away. */
  readonly #unwritten = new Map<string, InstanceChange>()
  #writing: Promise<void> | undefined
  #stops: ReadonlyArray<() => void> = []

  constructor (options: EtcdUpdatesOptions) { this.#options = options }

  async load (): Promise<UpdateState> {
    const { state } = this.#options
    const instances = new Map<string, Instance>()
    const groups = new Map<string, GroupState>()
    const holders = new Map<string, readonly RebootHolder[]>()
    for (const [key, { value }] of state.under('updates')) {
      const change = this.#read(key, value)
      if (change?.kind === 'group') groups.set(change.group.name, change.group)
      else if (change?.kind === 'holders') holders.set(change.group, change.holders)
      else if (change?.kind === 'instance' && change.instance !== null) instances.set(change.key, change.instance)
    }
    this.#stops = [
      state.onChange('updates', changes => { for (const change of changes) this.#onChange(change) }),
      state.onStanding(({ inStep }) => { if (inStep) unwaited(this.#write()) })
    ]
    return { instances, groups, holders }
  }

  onChange (listener: (change: UpdateChange) => void): void { this.#listeners.push(listener) }

  async settle (group: string): Promise<void> {
    await this.#options.state.settle(formatKey({ kind: 'update', what: 'holders', name: group }))
  }

  async put (change: UpdateChange): Promise<boolean> {
    if (change.kind !== 'instance') return await this.#compareAndPut(keyOf(change), change)
    if (!this.#isGrant(change)) return await this.#soon(change)
    return await this.#compareAndPut(formatKey({ kind: 'update', what: 'grants', name: change.instance?.group ?? '' }), change)
  }

  async close (): Promise<void> {
    for (const stop of this.#stops) stop()
    await this.#write()
  }

  /** Compares `compared` with what was known of it when the change was decided, which is now. */
  async #compareAndPut (compared: string, change: UpdateChange): Promise<boolean> {
    const { state } = this.#options
    const fence = state.etcdKey(compared)
    const put: RequestOp = { request_put: { key: state.etcdKey(keyOf(change)), value: valueOf(change) } }
    const isFenced = compared !== keyOf(change)
    const { succeeded, header } = await state.transact({
      compare: [{ key: fence, target: 'MOD', result: 'EQUAL', mod_revision: state.get(compared)?.revision ?? 0 }],
      success: isFenced ? [{ request_put: { key: fence, value: Buffer.from(keyOf(change)) } }, put] : [put]
    })
    if (succeeded) this.#unwritten.delete(keyOf(change))
    // What comes next is decided on this, or on what another one wrote.
    await (succeeded ? state.applied(Number(header.revision)) : state.settle(compared))
    return succeeded
  }

  /** Written with what else is to be written; while etcd is away it is remembered. */
  async #soon (change: InstanceChange): Promise<boolean> {
    const key = keyOf(change)
    this.#unwritten.set(key, change)
    while (this.#unwritten.get(key) === change && this.#options.state.standing.inStep) await this.#write()
    return true
  }

  async #write (): Promise<void> {
    this.#writing ??= this.#writeAll().finally(() => { this.#writing = undefined })
    await this.#writing
  }

  /** Never rejects. */
  async #writeAll (): Promise<void> {
    const { state, log } = this.#options
    // Everything that arrived in this turn of the event loop goes together.
    await new Promise<void>(resolve => { setImmediate(resolve) })
    while (this.#unwritten.size > 0 && state.standing.inStep) {
      const batch = [...this.#unwritten].slice(0, mostTogether)
      try {
        const { header } = await state.transact({
          compare: [],
          success: batch.map(([key, change]): RequestOp => change.instance === null
            ? { request_delete_range: { key: state.etcdKey(key) } }
            : { request_put: { key: state.etcdKey(key), value: valueOf(change) } })
        })
        await state.applied(Number(header.revision))
        for (const [key, change] of batch) if (this.#unwritten.get(key) === change) this.#unwritten.delete(key)
      } catch (error) {
        if (takesNothing(error)) return
        log.error({ error: String(error), machines: this.#unwritten.size }, 'update.unsaved')
        // What etcd does not take it does not take a moment later.
        for (const [key, change] of batch) if (this.#unwritten.get(key) === change) this.#unwritten.delete(key)
      }
    }
  }

  /** By what was told of the machine: only a grant makes others wait. */
  #isGrant ({ key, instance }: InstanceChange): boolean {
    if (instance?.granted === undefined) return false
    const known = this.#options.state.get(formatKey({ kind: 'update', what: 'instances', name: key }))
    const change = known === undefined ? undefined : this.#read(keyOf({ kind: 'instance', key, instance }), known.value)
    return change?.kind !== 'instance' || change.instance?.granted?.at !== instance.granted.at
  }

  #onChange ({ key, before, after }: EntryChange): void {
    const found = after === undefined ? undefined : this.#read(key, after.value)
    if (found !== undefined) return this.#tell(found)
    const meaning = parseKey(key)
    if (after !== undefined || before === undefined || meaning?.kind !== 'update') return
    if (meaning.what === 'instances') this.#tell({ kind: 'instance', key: meaning.name, instance: null })
    else if (meaning.what === 'holders') this.#tell({ kind: 'holders', group: meaning.name, holders: [] })
  }

  #tell (change: UpdateChange): void {
    // What another one saw later counts more than what could not be written until now; in the same millisecond what was seen here does.
    const unwritten = change.kind === 'instance' ? this.#unwritten.get(keyOf(change)) : undefined
    if (unwritten !== undefined && change.kind === 'instance' && (unwritten.instance?.lastSeen ?? 0) >= (change.instance?.lastSeen ?? 0)) return
    if (unwritten !== undefined) this.#unwritten.delete(keyOf(change))
    for (const listener of this.#listeners) listener(change)
  }

  /** undefined for a group's last grant, and for what can't be read: what was known stays. */
  #read (key: string, value: Buffer): UpdateChange | undefined {
    const meaning = parseKey(key)
    if (meaning?.kind !== 'update' || meaning.what === 'grants') return undefined
    try {
      const change = changeIn(JSON.parse(value.toString()))
      if (change !== undefined && keyOf(change) === key) return change
    } catch { /* told below */ }
    this.#options.log.warn({ key }, 'update.unreadable')
    return undefined
  }
}

const valueOf = (change: UpdateChange): Buffer => Buffer.from(JSON.stringify(change))

function keyOf (change: UpdateChange): string {
  switch (change.kind) {
    case 'instance': return formatKey({ kind: 'update', what: 'instances', name: change.key })
    case 'group': return formatKey({ kind: 'update', what: 'groups', name: change.group.name })
    case 'holders': return formatKey({ kind: 'update', what: 'holders', name: change.group })
  }
}
