// What the provisioners of a fleet share, as etcd has it: read whole at one revision, then followed change by change, the changes of one
// revision together. After a compaction, in a restored cluster and every ten minutes it is read whole again and the difference told.
// While etcd is away it stays what it was; at a start without etcd it is what the copy on disk says.
import type { Clock } from '../base/clock.js'
import { AppError, messageOf, unwaited } from '../base/errors.js'
import type { Logger } from '../base/log.js'
import { LoopShare } from '../base/loop-share.js'
import type { EtcdClient } from '../etcd/etcd-client.js'
import { endOfPrefix } from '../etcd/keys.js'
import { readPrefix } from '../etcd/read-prefix.js'
import type { Compare, RangeResponse, RequestOp, TxnResponse } from '../etcd/proto.js'
import { watchPrefix, type WatchOptions } from '../etcd/watch.js'
import { Arrivals } from './arrivals.js'
import { Beat } from './beat.js'
import { Entries, type SharedEntry, type EntryChange } from './entries.js'
import type { FleetCopy } from './fleet-copy.js'
import { checkFleet } from './fleet-record.js'
import { overHiccup } from './hiccup.js'
import { fleetKey, joinFleet } from './join-fleet.js'
import { keepsOut, lasting, type Standing, StandingKeeper } from './standing.js'
import { compareWhole, takeWhole } from './take-whole.js'
import { assertWritable } from './write-test.js'

export interface Transaction {
  readonly compare: readonly Compare[]
  readonly success: readonly RequestOp[]
  readonly failure?: readonly RequestOp[]
}

export interface SharedStateOptions extends Pick<WatchOptions, 'steady'> {
  readonly etcd: EtcdClient
  /** Ends with a slash; keys are told without it. */
  readonly prefix: string
  readonly clock: Clock
  readonly log: Logger
  /** Without it a start without etcd knows nothing. */
  readonly copy?: (current: () => Iterable<readonly [string, Buffer]>) => FleetCopy
  /** Only looks: nothing is written, and a fleet that is not there is not made. */
  readonly readOnly: boolean
  /** From 0 to 1, so that several do not all come back at once. */
  readonly random?: () => number
}

/** Milliseconds. */
const resyncEvery = 600_000
/** How long a change that etcd has may take to arrive here. */
const arrival = 5000

export class SharedState {
  readonly #options: SharedStateOptions
  readonly #copy: FleetCopy | undefined
  readonly #entries = new Entries()
  readonly #step: StandingKeeper
  readonly #beat: Beat
  readonly #restoredListeners = new Set<() => void>()
  readonly #arrivals: Arrivals
  /** The last that is known whole. */
  #revision = 0
  #fleet: string | undefined
  /** It had no space when it was last written to: it answers, and takes nothing. */
  #isFull = false
  #stopWatch: (() => void) | undefined
  #resyncAt = 0
  #closed = false

  constructor (options: SharedStateOptions) {
    this.#options = options
    this.#copy = options.copy?.(() => this.#entries.values())
    this.#step = new StandingKeeper({ clock: options.clock, log: options.log, onProven: asOf => { this.#copy?.confirm(asOf) } })
    this.#beat = new Beat({
      clock: options.clock,
      random: options.random,
      repeats: !options.readOnly,
      look: () => this.#synchronise(),
      onFailure: error => { this.#step.away(error) }
    })
    this.#arrivals = new Arrivals({
      clock: options.clock,
      patience: arrival,
      prefix: options.prefix,
      entries: this.#entries,
      revision: () => this.#revision,
      range: async request => await this.#ask(() => options.etcd.call('Range', request))
    })
  }

  /**
   * Reads everything, or the copy when etcd is away. AppError etcd_foreign and state_newer: it is another fleet's, or newer than this
   * program; whatever else is amiss with etcd is its standing.
   */
  async start (): Promise<void> {
    const copied = await this.#copy?.load()
    if (copied !== undefined && copied.values.size > 0) {
      this.#step.asOf = copied.asOf
      this.#fleet = copied.values.get('fleet') === undefined ? undefined : checkFleet(copied.values.get('fleet')!, undefined, 'the copy on disk').id
      this.#apply([...copied.values].map(([key, value]) => ({ key, after: { value, revision: 0 } })))
    }
    try {
      await this.#synchronise()
    } catch (error) {
      if (!(error instanceof AppError) || lasting.has(error.code)) {
        this.#step.reason = messageOf(error)
        await this.close()
        throw error
      }
      this.#step.away(error)
      this.#options.log.warn({ error: this.#step.reason, from: copied?.values.size ?? 0 }, 'cluster.away')
    }
    if (this.#options.readOnly || this.#closed) return
    this.#options.log.info({ fleet: this.#fleet, revision: this.#revision, inStep: this.#step.isIn, keys: this.#entries.size }, 'cluster.open')
    this.#beat.start()
  }

  get standing (): Standing { return this.#step.standing }

  get (key: string): SharedEntry | undefined { return this.#entries.get(key) }

  /** What is below a folder, `leases` or `groups`, by whole keys. */
  under (folder: string): ReadonlyMap<string, SharedEntry> { return this.#entries.under(folder) }

  /** Hears of the changes below a folder, those of one revision at once, until the returned function is called. */
  onChange (folder: string, listener: (changes: readonly EntryChange[]) => void): () => void {
    return this.#entries.onChange(folder, listener)
  }

  /** Hears when it falls out of step and when it is back. */
  onStanding (listener: (standing: Standing) => void): () => void { return this.#step.onStanding(listener) }

  /**
   * Hears that etcd was restored from a backup, before what it has is taken: revisions that were told are none of it, and what was
   * written since the backup is not there. It falls out of step then, and is back in a moment.
   */
  onRestored (listener: () => void): () => void {
    this.#restoredListeners.add(listener)
    return () => { this.#restoredListeners.delete(listener) }
  }

  /** What etcd has under a key now, whatever is known here. Throws AppError etcd_away at once while it is. */
  async read (key: string): Promise<SharedEntry | undefined> { return await this.#arrivals.read(key) }

  /** A transaction; keys are whole ones (`etcdKey`). Throws AppError etcd_away at once while it is. */
  async transact (request: Transaction): Promise<TxnResponse> {
    return await this.#ask(() => this.#options.etcd.call('Txn', { failure: [], ...request }))
  }

  etcdKey (key: string): Buffer { return this.#key(key) }

  /** Does it, and once more where etcd gave no answer and is back in a moment (hiccup.ts). */
  async overHiccup<T> (work: () => Promise<T>): Promise<T> { return await overHiccup(this, this.#options.clock, work) }

  /** When what etcd had at the revision is known here. Throws AppError etcd_away when it does not arrive. */
  async applied (revision: number): Promise<void> { await this.#arrivals.revision(revision) }

  /** When a key is here as etcd has it now, or newer. Throws AppError etcd_away. */
  async settle (key: string): Promise<void> { await this.#arrivals.settle(key) }

  /** The same of all keys of a folder. */
  async settleAll (folder: string): Promise<void> { await this.#arrivals.settleAll(folder) }

  /** Reads everything again now. */
  async resync (): Promise<void> {
    await this.#beat.working
    this.#resyncAt = 0
    await this.#beat.now()
  }

  async close (): Promise<void> {
    this.#closed = true
    this.#beat.close()
    this.#stopWatch?.()
    this.#stopWatch = undefined
    this.#step.close()
    this.#arrivals.close()
    await this.#beat.working
    if (this.#step.isIn) this.#copy?.confirm(this.#options.clock.now())
    await this.#copy?.close()
  }

  /** Nobody waits for an etcd that is known to be away. */
  async #ask<T> (call: () => Promise<T>): Promise<T> {
    if (!this.#step.isIn) throw new AppError('etcd_away', this.#step.reason)
    try {
      return await call()
    } catch (error) {
      if (error instanceof AppError && keepsOut.has(error.code)) {
        this.#isFull ||= error.code === 'etcd_full'
        this.#step.away(error)
      }
      throw error
    }
  }

  async #synchronise (): Promise<void> {
    const { etcd, clock, prefix, readOnly } = this.#options
    const now = clock.now()
    let fleet: RangeResponse
    try {
      fleet = await etcd.call('Range', { key: fleetKey(prefix) })
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== 'etcd_foreign') throw error
      // All that answer are of another cluster: one that was restored is told by the record in it.
      etcd.forgetCluster()
      this.#dropWatch()
      this.#resyncAt = 0
      fleet = await etcd.call('Range', { key: fleetKey(prefix) })
    }
    this.#fleet = await joinFleet(fleet, { etcd, prefix, known: this.#fleet, readOnly }) ?? this.#fleet
    const current = Number(fleet.header.revision)
    // A restored cluster may be at a revision from before, or by now at a later one.
    const isSame = this.#stopWatch !== undefined || this.#revision === 0 || await this.#hasOurNewest()
    if (this.#revision === 0 || !isSame || current < this.#revision || now >= this.#resyncAt || this.#resyncAt - now > 2 * resyncEvery) {
      this.#dropWatch()
      await this.#readAll()
      this.#resyncAt = clock.now() + resyncEvery
      this.#copy?.confirm(clock.now())
    }
    if (!readOnly && this.#stopWatch === undefined) await this.#watch()
    if (this.#isFull) await assertWritable(etcd, prefix)
    this.#isFull = false
    if (!this.#closed) this.#step.take({ endpoint: etcd.endpoint, revision: this.#revision })
  }

  /** Whether the newest that is known here is in etcd as it was: then so is what came before, and what came after can be followed. */
  async #hasOurNewest (): Promise<boolean> {
    const newest = this.#entries.newest()
    if (newest === undefined) return true
    const [key, { value, revision }] = newest
    const { kvs: [found] } = await this.#options.etcd.call('Range', { key: this.#key(key) })
    return found !== undefined && Number(found.mod_revision) === revision && found.value.equals(value)
  }

  /** Everything at one revision, and what is otherwise than it was. */
  async #readAll (): Promise<void> {
    const { etcd, prefix, steady } = this.#options
    const { kvs, revision } = await readPrefix(etcd, prefix)
    const share = new LoopShare({ ...steady !== undefined && { steady } })
    const whole = await compareWhole(this.#entries, kvs, key => this.#told(key), share)
    if (revision < this.#revision || whole.isBehind) {
      this.#step.away(new AppError('etcd_away', 'etcd was restored from a backup'))
      this.#options.log.warn({ revision, before: this.#revision }, 'cluster.restored')
      for (const listener of [...this.#restoredListeners]) listener()
      // What was told of the other history says nothing of how far this one is known.
      this.#revision = 0
    }
    await takeWhole(this.#entries, whole, changes => { this.#apply(changes) }, share)
    this.#revision = revision
    this.#arrivals.look()
  }

  async #watch (): Promise<void> {
    const { etcd, prefix, steady } = this.#options
    let created: (() => void) | undefined
    let ended: ((error: Error) => void) | undefined
    const ready = new Promise<void>((resolve, reject) => { [created, ended] = [resolve, reject] })
    const late = this.#options.clock.after(arrival, () => { ended?.(new AppError('etcd_away', 'etcd does not answer a watch')) })
    const stop = await watchPrefix(etcd, {
      ...steady !== undefined && { steady },
      key: Buffer.from(prefix),
      rangeEnd: endOfPrefix(prefix),
      from: this.#revision + 1,
      onCreated: () => { created?.() },
      onEvents: (revision, events) => {
        this.#revision = revision
        this.#apply(events.map(({ type, kv }) => ({ key: this.#told(kv.key), after: type === 'PUT' ? { value: kv.value, revision } : undefined })))
      },
      onEnd: error => {
        ended?.(error)
        if (this.#stopWatch !== stop || this.#closed) return
        this.#stopWatch = undefined
        if (error.code === 'etcd_compacted') this.#resyncAt = 0
        // Another member may answer at once: then nothing was away.
        unwaited(this.#beat.now())
      }
    })
    this.#stopWatch = stop
    try {
      await ready
    } catch (error) {
      if (error instanceof AppError && error.code === 'etcd_compacted') this.#resyncAt = 0
      this.#dropWatch()
      throw error
    } finally {
      late.cancel()
    }
  }

  #dropWatch (): void {
    const stop = this.#stopWatch
    this.#stopWatch = undefined
    stop?.()
  }

  #apply (changes: ReadonlyArray<Omit<EntryChange, 'before'>>): void {
    this.#entries.apply(changes, (key, value) => { this.#copy?.note(key, value) })
    this.#arrivals.look()
  }

  #key (key: string): Buffer { return Buffer.from(this.#options.prefix + key) }
  #told (key: Buffer): string { return key.toString().slice(this.#options.prefix.length) }
}
