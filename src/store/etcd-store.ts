// The store in etcd, shared by several provisioners: each holds all of it in memory and serves machines from there. A put is answered
// when etcd has it and this provisioner's snapshot does. A value that cannot be used is a problem, and what it held before stays in force.
import type { Clock } from '../base/clock.js'
import { AppError } from '../base/errors.js'
import { KeyedMutex } from '../base/keyed-mutex.js'
import type { Logger } from '../base/log.js'
import type { EntryChange } from '../cluster/entries.js'
import type { SharedState } from '../cluster/shared-state.js'
import type { Group } from '../matchbox/group.js'
import type { Profile } from '../matchbox/profile.js'
import { assertSafeName, type StoreChange, type ConfigKind, type ObjectProblem, type OpenStore, type Problem, type Settled, type Snapshot, type StoreSource } from '../matchbox/store.js'
import { bytesOf, type StoreFolder, folderOf, folders, fileOf, keyOf, kindIn, objectOf, problemOf } from './object-files.js'
import { type ObjectKind, StoreMemory, type StoredObject } from './store-memory.js'

/** etcd takes requests of 1.5 MiB by itself. */
export const largestValue = 1024 * 1024

export interface EtcdStoreOptions {
  readonly state: Pick<SharedState, 'get' | 'under' | 'onChange' | 'read' | 'transact' | 'etcdKey' | 'applied' | 'settle' | 'settleAll' | 'resync' | 'standing' | 'overHiccup'>
  /** Milliseconds for which machines still read what was deleted; 0 for not at all. */
  readonly tombstoneMs: number
  readonly clock: Clock
  readonly log: Logger
}

/** Put with each group that is added: who adds one has seen the one before. */
const turnKey = 'shared/enrolment'
const mostTries = 30

interface GroupSent { readonly at: string, readonly bytes: Buffer }

/** What can be read is in the snapshot at once: `state` has started. The caller closes `state` after the store. */
export function openEtcdStore (options: EtcdStoreOptions): OpenStore { return new EtcdStore(options) }

class EtcdStore implements OpenStore {
  readonly #options: EtcdStoreOptions
  readonly #memory: StoreMemory
  /** By key, what is in force because of it, now or since before it broke. */
  readonly #objects = new Map<string, StoredObject>()
  readonly #broken = new Map<string, ObjectProblem>()
  readonly #perKey = new KeyedMutex()
  readonly #stops: ReadonlyArray<() => void>

  constructor (options: EtcdStoreOptions) {
    this.#options = options
    this.#memory = new StoreMemory(options)
    const { state } = options
    for (const folder of folders) {
      this.#take(folder, [...state.under(folder)].map(([key, after]) => ({ key, before: undefined, after })))
    }
    this.#stops = folders.map(folder => state.onChange(folder, changes => { this.#take(folder, changes) }))
  }

  get snapshot (): Snapshot { return this.#memory.snapshot }

  onChange (listener: (changes: readonly StoreChange[]) => void): () => void { return this.#memory.onChange(listener) }

  problems (): readonly Problem[] {
    const { age, reason } = this.#options.state.standing
    return [
      ...age === undefined ? [{ kind: undefined, name: undefined, where: '', message: `nothing was read yet: ${reason}` }] : [],
      ...[...this.#broken].map(([key, problem]) => {
        const { kind, name } = placeOf(key)
        return { kind, name, where: fileOf(kind, name), ...problem }
      })
    ]
  }

  * sources (): Iterable<StoreSource> {
    for (const folder of folders) {
      for (const [key, { value }] of this.#options.state.under(folder)) {
        const place = placeOf(key)
        yield { ...place, where: fileOf(place.kind, place.name), bytes: value }
      }
    }
  }

  rescan (): Promise<void> { return this.#options.state.resync() }

  /** An object that this provisioner knows can be told of while etcd is away; that another is not there cannot. */
  async settle (kind: ObjectKind, name?: string): Promise<Settled> {
    const { state } = this.#options
    try {
      await (name === undefined ? state.settleAll(folderOf(kind)) : state.settle(keyOf(kind, name)))
      return 'now'
    } catch (error) {
      if (!(error instanceof AppError) || error.kind !== 'unavailable') throw error
      if (name !== undefined && this.#objects.get(keyOf(kind, name)) === undefined) throw error
      return 'before'
    }
  }

  putGroup (group: Group): Promise<void> { return this.#put({ kind: 'group', name: group.id, value: group }) }
  putProfile (profile: Profile): Promise<void> { return this.#put({ kind: 'profile', name: profile.id, value: profile }) }
  putConfig (kind: ConfigKind, name: string, content: Buffer): Promise<void> {
    return this.#put({ kind, name, value: { kind, name, content } })
  }

  deleteGroup (id: string): Promise<void> { return this.#write('group', id, undefined) }
  deleteProfile (id: string): Promise<void> { return this.#write('profile', id, undefined) }
  deleteConfig (kind: ConfigKind, name: string): Promise<void> { return this.#write(kind, name, undefined) }

  async close (): Promise<void> {
    for (const stop of this.#stops) stop()
    await this.#perKey.idle()
    this.#memory.close()
  }

  async addGroup (plan: () => Promise<Group | undefined>): Promise<void> {
    const { state } = this.#options
    const unanswered: GroupSent[] = []
    await state.overHiccup(() => this.#addInTurn(plan, unanswered))
  }

  /** `unanswered`: groups that etcd may have taken, now or in a moment, although it did not say so. */
  async #addInTurn (plan: () => Promise<Group | undefined>, unanswered: GroupSent[]): Promise<void> {
    const { state } = this.#options
    for (let tries = 0; tries < mostTries; tries++) {
      await state.settle(turnKey)
      if (unanswered.some(({ at, bytes }) => state.get(at)?.value.equals(bytes))) return
      const turn = state.get(turnKey)?.revision ?? 0
      const group = await plan()
      if (group === undefined) return
      assertSafeName(group.id, '.json')
      const [at, bytes] = [keyOf('group', group.id), bytesOf({ kind: 'group', name: group.id, value: group })]
      unanswered.push({ at, bytes })
      const [key, turns] = [state.etcdKey(at), state.etcdKey(turnKey)]
      const { succeeded, header } = await state.transact({
        compare: [{ key: turns, target: 'MOD', result: 'EQUAL', mod_revision: turn }, { key, target: 'CREATE', result: 'EQUAL', create_revision: 0 }],
        success: [{ request_put: { key: turns, value: Buffer.from(group.id) } }, { request_put: { key, value: bytes } }]
      })
      if (succeeded) return await state.applied(Number(header.revision))
      unanswered.pop()
      await state.settle(at)
    }
    throw new AppError('store_changed', 'other provisioners add groups again and again: try again')
  }

  async #put (object: StoredObject): Promise<void> {
    const { kind, name } = object
    assertSafeName(name, kind === 'group' || kind === 'profile' ? '.json' : '')
    const bytes = bytesOf(object)
    if (bytes.length > largestValue) {
      throw new AppError('message_too_large', `${kind} ${JSON.stringify(name.slice(0, 80))} is too large for etcd: ${bytes.length} bytes, and at most ${largestValue} (1 MiB) can be shared`)
    }
    await this.#write(kind, name, bytes)
  }

  /** Deletes without `bytes`. Whoever else changed the object since it was looked at has it: AppError store_changed. */
  async #write (kind: ObjectKind, name: string, bytes: Buffer | undefined): Promise<void> {
    assertSafeName(name, kind === 'group' || kind === 'profile' ? '.json' : '')
    const { state } = this.#options
    const at = keyOf(kind, name)
    const key = state.etcdKey(at)
    const isAs = (value: Buffer | undefined): boolean => bytes === undefined || value === undefined ? value === bytes : value.equals(bytes)
    await this.#perKey.run(at, () => state.overHiccup(async () => {
      const before = await state.read(at)
      if (isAs(before?.value)) return await state.settle(at)
      const { succeeded, header, responses } = await state.transact({
        compare: [{ key, target: 'MOD', result: 'EQUAL', mod_revision: before?.revision ?? 0 }],
        success: [bytes === undefined ? { request_delete_range: { key } } : { request_put: { key, value: bytes } }],
        failure: [{ request_range: { key } }]
      })
      // A member may have carried it out without answering: then another one finds it done.
      if (!succeeded && !isAs(responses[0]?.response_range?.kvs[0]?.value)) {
        throw new AppError('store_changed', `another provisioner changed ${kind} ${JSON.stringify(name.slice(0, 80))} at the same time: look at it and try again`)
      }
      await (succeeded ? state.applied(Number(header.revision)) : state.settle(at))
    }))
  }

  /** What etcd has from now on, in one step for whoever looks. */
  #take (folder: StoreFolder, changes: readonly EntryChange[]): void {
    const told: StoreChange[] = []
    for (const { key, after } of changes) {
      const { kind, name } = placeOf(key)
      if (after === undefined) {
        this.#broken.delete(key)
        if (this.#objects.delete(key)) told.push(...this.#memory.delete(kind, name))
        continue
      }
      if (folder === 'groups' && name.includes('/')) {
        this.#break(key, { message: 'a group stands at the top of its folder' })
        continue
      }
      try {
        const object = objectOf(kind, name, after.value)
        this.#broken.delete(key)
        this.#objects.set(key, object)
        told.push(this.#memory.put(object))
      } catch (error) {
        this.#break(key, problemOf(error))
      }
    }
    this.#memory.tell(told)
  }

  #break (key: string, problem: ObjectProblem): void {
    this.#broken.set(key, problem)
    this.#options.log.warn({ file: key, problem: problem.message, kept: this.#objects.has(key) }, 'store.problem')
  }
}

function placeOf (key: string): { readonly kind: ObjectKind, readonly name: string } {
  const slash = key.indexOf('/')
  return { kind: kindIn(key.slice(0, slash) as StoreFolder), name: key.slice(slash + 1) }
}
