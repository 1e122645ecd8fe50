// What the provisioners of a fleet share, as etcd has it: read whole at one revision, then followed change by change, the changes of one
// revision together. After a compaction, in a restored cluster and every ten minutes it is read whole again and the difference told.
// While etcd is away it stays what it was; at a start without etcd it is what the copy on disk says.
import type { Clock, Timer } from '../base/clock.js'
import { AppError, messageOf, unwaited } from '../base/errors.js'
import type { Logger } from '../base/log.js'
import type { EtcdClient } from '../etcd/etcd-client.js'
import { endOfPrefix } from '../etcd/keys.js'
import { readPrefix } from '../etcd/read-prefix.js'
import type { Compare, RangeResponse, RequestOp, TxnResponse } from '../etcd/proto.js'
import { watchPrefix } from '../etcd/watch.js'
import { Conditions } from './conditions.js'
import { Entries, type Entry, type EntryChange } from './entries.js'
import type { FleetCopy } from './fleet-copy.js'
import { checkFleet } from './fleet-record.js'
import { fleetKey, joinFleet } from './join-fleet.js'
import { assertWritable } from './write-test.js'

export interface Transaction {
  readonly compare: readonly Compare[]
  readonly success: readonly RequestOp[]
  readonly failure?: readonly RequestOp[]
}

export interface SharedStateOptions {
  readonly etcd: EtcdClient
  /** Ends with a slash; keys are told without it. */
  readonly prefix: string
  readonly clock: Clock
  readonly log: Logger
  /** Without it a start without etcd knows nothing. */
  readonly copy?: (current: () => Iterable<readonly [string, Buffer]>) => FleetCopy
  /** Only looks: nothing is written, and a fleet that is not there is not made. */
  readonly readOnly?: boolean
  /** From 0 to 1, so that several do not all come back at once. */
  readonly random?: () => number
}

/** How far what is in memory can be relied on. */
export interface Standing {
  /** Whether etcd answers and its changes arrive. */
  readonly inStep: boolean
  /** Milliseconds since it was last in step; undefined when nothing was ever read. */
  readonly age: number | undefined
  /** Why it is not in step. */
  readonly reason: string
}

/** Milliseconds. */
const beat = 2000
const resyncEvery = 600_000
const shortestPause = 200
const longestPause = 5000
/** How long a change that etcd has may take to arrive here. */
const arrival = 5000

/** Of one time away, in the log: members that fail by turns, each in its own way, would fill it. */
const mostReasons = 8

/** With which nothing can be written down. */
const keepsOut: ReadonlySet<string> = new Set(['etcd_away', 'etcd_foreign', 'etcd_full'])

/** Faults that waiting does not mend: a start ends with them. */
const lasting: ReadonlySet<string> = new Set(['etcd_foreign', 'state_newer'])

export class SharedState {
  readonly #options: SharedStateOptions
  readonly #copy: FleetCopy | undefined
  readonly #entries = new Entries()
  readonly #standingListeners = new Set<(standing: Standing) => void>()
  readonly #restoredListeners = new Set<() => void>()
  readonly #conditions: Conditions
  /** The last that is known whole. */
  #revision = 0
  #fleet: string | undefined
  #inStep = false
  /** It had no space when it was last written to: it answers, and takes nothing. */
  #isFull = false
  #asOf: number | undefined
  #reason = 'etcd has not answered yet'
  /** Why it is away, as the log has it. */
  readonly #saidReasons = new Set<string>()
  #stopWatch: (() => void) | undefined
  #timers: Timer[] = []
  #resyncAt = 0
  #pause = shortestPause
  #working: Promise<void> = Promise.resolve()
  #beating = false
  #closed = false

  constructor (options: SharedStateOptions) {
    this.#options = options
    this.#conditions = new Conditions(options.clock, arrival)
    this.#copy = options.copy?.(() => this.#entries.values())
  }

  /**
   * Reads everything, or the copy when etcd is away. AppError etcd_foreign and state_newer: it is another fleet's, or newer than this
   * program; whatever else is amiss with etcd is its standing.
   */
  async start (): Promise<void> {
    const { clock, log } = this.#options
    const copied = await this.#copy?.load()
    if (copied !== undefined && copied.values.size > 0) {
      this.#asOf = copied.asOf
      this.#fleet = copied.values.get('fleet') === undefined ? undefined : checkFleet(copied.values.get('fleet')!, undefined, 'the copy on disk').id
      this.#apply([...copied.values].map(([key, value]) => ({ key, after: { value, revision: 0 } })))
    }
    try {
      await this.#synchronise()
    } catch (error) {
      if (!(error instanceof AppError) || lasting.has(error.code)) {
        this.#reason = messageOf(error)
        await this.close()
        throw error
      }
      this.#away(error)
      log.warn({ error: this.#reason, from: copied?.values.size ?? 0 }, 'cluster.away')
    }
    if (this.#options.readOnly === true || this.#closed) return
    log.info({ fleet: this.#fleet, revision: this.#revision, inStep: this.#inStep, keys: this.#entries.size }, 'cluster.open')
    this.#timers = [clock.every(beat, () => { unwaited(this.#beat()) })]
  }

  get standing (): Standing {
    return {
      inStep: this.#inStep,
      age: this.#inStep ? 0 : this.#asOf === undefined ? undefined : Math.max(0, this.#options.clock.now() - this.#asOf),
      reason: this.#inStep ? '' : this.#reason
    }
  }

  get (key: string): Entry | undefined { return this.#entries.get(key) }

  /** What is below a folder, `leases` or `groups`, by whole keys. */
  under (folder: string): ReadonlyMap<string, Entry> { return this.#entries.under(folder) }

  /** Hears of the changes below a folder, those of one revision at once, until the returned function is called. */
  onChange (folder: string, listener: (changes: readonly EntryChange[]) => void): () => void {
    return this.#entries.onChange(folder, listener)
  }

  /** Hears when it falls out of step and when it is back. */
  onStanding (listener: (standing: Standing) => void): () => void {
    this.#standingListeners.add(listener)
    return () => { this.#standingListeners.delete(listener) }
  }

  /**
   * Hears that etcd was restored from a backup, before what it has is taken: revisions that were told are none of it, and what was
   * written since the backup is not there. It falls out of step then, and is back in a moment.
   */
  onRestored (listener: () => void): () => void {
    this.#restoredListeners.add(listener)
    return () => { this.#restoredListeners.delete(listener) }
  }

  /** What etcd has under a key now, whatever is known here. Throws AppError etcd_away at once while it is. */
  async read (key: string): Promise<Entry | undefined> { return (await this.#readAt(key)).entry }

  /** A transaction; keys are whole ones (`etcdKey`). Throws AppError etcd_away at once while it is. */
  async transact (request: Transaction): Promise<TxnResponse> {
    return await this.#ask(() => this.#options.etcd.call('Txn', { failure: [], ...request }))
  }

  etcdKey (key: string): Buffer { return this.#key(key) }

  /** When what etcd had at the revision is known here. Throws AppError etcd_away when it does not arrive. */
  async applied (revision: number): Promise<void> { await this.#conditions.until(() => this.#revision >= revision) }

  /** When a key is here as etcd has it now, or newer. Throws AppError etcd_away. */
  async settle (key: string): Promise<void> {
    const { entry, at } = await this.#readAt(key)
    await this.#conditions.until(() => {
      const here = this.get(key)
      if (here === undefined) return entry === undefined || this.#revision > entry.revision
      return here.revision > at || here.revision === entry?.revision
    })
  }

  /** The same of all keys of a folder. */
  async settleAll (folder: string): Promise<void> {
    const prefix = this.#key(`${folder}/`)
    const { kvs, header } = await this.#ask(() => this.#options.etcd.call('Range', { key: prefix, range_end: endOfPrefix(prefix.toString()), keys_only: true }))
    const wanted = new Map(kvs.map(({ key, mod_revision: revision }) => [this.#told(key), Number(revision)]))
    const at = Number(header.revision)
    const isHere = (key: string, revision: number): boolean => {
      const here = this.get(key)
      return here === undefined ? this.#revision > revision : here.revision >= revision
    }
    await this.#conditions.until(() => [...wanted].every(([key, revision]) => isHere(key, revision)) &&
      [...this.under(folder)].every(([key, { revision }]) => wanted.has(key) || revision > at))
  }

  /** Reads everything again now. */
  async resync (): Promise<void> {
    await this.#working
    this.#resyncAt = 0
    await this.#beat()
  }

  async close (): Promise<void> {
    this.#closed = true
    for (const timer of this.#timers) timer.cancel()
    this.#stopWatch?.()
    this.#stopWatch = undefined
    this.#conditions.close()
    await this.#working
    if (this.#inStep) this.#copy?.confirm(this.#options.clock.now())
    await this.#copy?.close()
  }

  async #readAt (key: string): Promise<{ readonly entry: Entry | undefined, readonly at: number }> {
    const { kvs: [found], header } = await this.#ask(() => this.#options.etcd.call('Range', { key: this.#key(key) }))
    const at = Number(header.revision)
    return { entry: found === undefined ? undefined : { value: found.value, revision: Number(found.mod_revision) }, at }
  }

  /** Nobody waits for an etcd that is known to be away. */
  async #ask<T> (call: () => Promise<T>): Promise<T> {
    if (!this.#inStep) throw new AppError('etcd_away', this.#reason)
    try {
      return await call()
    } catch (error) {
      if (error instanceof AppError && keepsOut.has(error.code)) {
        this.#isFull ||= error.code === 'etcd_full'
        this.#away(error)
      }
      throw error
    }
  }

  /** A look at whether etcd is there, and all that follows when it is again. Never rejects. */
  async #beat (): Promise<void> {
    if (this.#beating || this.#closed) return
    this.#beating = true
    const work = (async () => {
      try {
        await this.#synchronise()
        this.#pause = shortestPause
      } catch (error) {
        this.#away(error)
        this.#again()
      } finally {
        this.#beating = false
      }
    })()
    this.#working = work
    await work
  }

  /** Between two beats, sooner at first: a member that restarts is back in a moment. */
  #again (): void {
    if (this.#closed || this.#options.readOnly === true || this.#pause >= beat) return
    const timer = this.#options.clock.after(Math.floor(this.#pause * (1 + (this.#options.random ?? Math.random)())), () => {
      this.#timers = this.#timers.filter(other => other !== timer)
      unwaited(this.#beat())
    })
    this.#timers.push(timer)
    this.#pause = Math.min(longestPause, this.#pause * 2)
  }

  async #synchronise (): Promise<void> {
    const { etcd, clock, prefix, readOnly = false } = this.#options
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
    if (!this.#closed) this.#stepped()
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
    const { etcd, prefix } = this.#options
    const { kvs, revision } = await readPrefix(etcd, prefix)
    const found = new Map(kvs.map(({ key, value, mod_revision: changed }) => [this.#told(key), { value, revision: Number(changed) }]))
    if (revision < this.#revision || this.#entries.isBehind(found)) {
      this.#away(new AppError('etcd_away', 'etcd was restored from a backup'))
      this.#options.log.warn({ revision, before: this.#revision }, 'cluster.restored')
      for (const listener of [...this.#restoredListeners]) listener()
    }
    this.#revision = revision
    this.#apply(this.#entries.differenceTo(found))
  }

  async #watch (): Promise<void> {
    const { etcd, prefix } = this.#options
    let created: (() => void) | undefined
    let ended: ((error: Error) => void) | undefined
    const ready = new Promise<void>((resolve, reject) => { [created, ended] = [resolve, reject] })
    const late = this.#options.clock.after(arrival, () => { ended?.(new AppError('etcd_away', 'etcd does not answer a watch')) })
    const stop = await watchPrefix(etcd, {
      key: Buffer.from(prefix),
      rangeEnd: endOfPrefix(prefix),
      from: this.#revision + 1,
      onCreated: () => { created?.() },
      onEvents: (revision, events) => {
        this.#revision = revision
        this.#apply(events.map(({ type, kv }) => ({
          key: this.#told(kv.key), after: type === 'PUT' ? { value: kv.value, revision } : undefined
        })))
      },
      onEnd: error => {
        ended?.(error)
        if (this.#stopWatch !== stop || this.#closed) return
        this.#stopWatch = undefined
        if (error.code === 'etcd_compacted') this.#resyncAt = 0
        // Another member may answer at once: then nothing was away.
        unwaited(this.#beat())
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
    this.#conditions.look()
  }

  #stepped (): void {
    const { clock, log } = this.#options
    this.#asOf = clock.now()
    if (this.#inStep) return
    this.#inStep = true
    this.#copy?.confirm(this.#asOf)
    log.info({ endpoint: this.#options.etcd.endpoint, revision: this.#revision }, 'cluster.in_step')
    this.#tellStanding()
  }

  /** Told once, however many calls fail; a reason that comes up later too: the first of a busy member may be that its time was up. */
  #away (error: unknown): void {
    const { log } = this.#options
    this.#reason = messageOf(error)
    if (!this.#inStep) {
      if (this.#saidReasons.size >= mostReasons || this.#saidReasons.has(this.#reason)) return
      this.#saidReasons.add(this.#reason)
      if (error instanceof AppError && error.code !== 'etcd_away') log.error({ error: this.#reason }, 'cluster.refused')
      else if (this.#saidReasons.size > 1) log.warn({ error: this.#reason }, 'cluster.still_away')
      return
    }
    this.#inStep = false
    this.#saidReasons.clear()
    this.#saidReasons.add(this.#reason)
    if (this.#asOf !== undefined) this.#copy?.confirm(this.#asOf)
    if (!this.#closed) log.warn({ error: this.#reason }, 'cluster.away')
    this.#tellStanding()
  }

  #tellStanding (): void {
    if (!this.#closed) for (const listener of [...this.#standingListeners]) listener(this.standing)
  }

  #key (key: string): Buffer { return Buffer.from(this.#options.prefix + key) }
  #told (key: Buffer): string { return key.toString().slice(this.#options.prefix.length) }
}
