// What is known of machines in etcd, a key for each: what one provisioner saw all show. A record is written whole, compared with the
// revision that it was made of; where another provisioner was first, what was seen here is told again on what that one wrote
// (machines/timeline). Changes are gathered for a second, and what only repeats itself for a minute: no packet is a write.
//
// Machines that nobody named stay here, in the file of one machine: whoever invents addresses writes nothing to etcd. That file also
// keeps what is seen while etcd is away, until it is written down there.
import { randomBytes } from 'node:crypto'
import type { Clock, Timer } from '../base/clock.js'
import { AppError, messageOf } from '../base/errors.js'
import type { Logger } from '../base/log.js'
import { takesNothing } from '../etcd/failure.js'
import type { RequestOp } from '../etcd/proto.js'
import type { MachineStore } from '../machines/journal.js'
import type { Machine } from '../machines/machine.js'
import type { Noted } from '../machines/registry.js'
import { laterOf, redo } from '../machines/timeline.js'
import type { Mac } from '../net/mac.js'
import type { SharedEntry, EntryChange } from './entries.js'
import { givingWay } from './giving-way.js'
import { KnownRevisions } from './known-revisions.js'
import { formatRecord, keyOf, macOf, type MachineRecord, parseRecord, recordOperation } from './machine-record.js'
import { addStep, asKept, type Attempt, dropDone, joined, notShared, type PendingMachine, refuse } from './pending-machine.js'
import type { SharedState } from './shared-state.js'

export interface EtcdMachinesOptions {
  readonly state: Pick<SharedState, 'get' | 'under' | 'onChange' | 'onRestored' | 'onStanding' | 'standing' | 'transact' | 'etcdKey'>
  /** What this provisioner keeps by itself. */
  readonly own: MachineStore
  readonly clock: Clock
  readonly log: Logger
  /** What another provisioner made of a machine, with what was seen here since. */
  readonly onMachine: (machine: Machine) => void
  /** Nobody has a record of it any more. */
  readonly onForgotten: (mac: Mac) => void
  /** Whether nothing but a lease names it, as a stranger's may: its record gives way first. Without it none is. */
  readonly isLeased?: (mac: Mac | undefined) => boolean
  /** Records that all share at most; `mostMachines` without it. */
  readonly most?: number
}

/** Records in etcd: of machines that groups, reservations or leases name. */
export const mostMachines = 20_000

/** Milliseconds. */
const gather = 1000
const repeated = 60_000
/** etcd takes 128 operations and 1.5 MiB a transaction. */
const mostTogether = 50
const mostOctets = 512 * 1024
/** Transactions of one gathering: 1,000 machines a second; what is left waits for the next. */
const mostTransactions = 20
const mostTries = 32

/** A write under way. */
interface TryUnderWay { readonly mac: Mac, readonly pending: PendingMachine, readonly attempt: Attempt, readonly value: Buffer }

export class EtcdMachines implements MachineStore {
  readonly #options: EtcdMachinesOptions
  readonly #most: number
  readonly #pending = new Map<Mac, PendingMachine>()
  readonly #busy = new Map<Mac, TryUnderWay>()
  /** Of the records that what was told to `onMachine` and what was seen here are made of. */
  readonly #known = new KnownRevisions()
  /** Attempts of this process begin so. */
  readonly #run = randomBytes(6).toString('hex')
  #attempts = 0
  #timer: Timer | undefined
  #writing: Promise<void> = Promise.resolve()
  #stops: ReadonlyArray<() => void> = []
  #closed = false
  /** Records that the own file has, and etcd had not when it was read. */
  #alone: readonly Machine[] = []

  constructor (options: EtcdMachinesOptions) {
    this.#options = options
    this.#most = options.most ?? mostMachines
  }

  /** What all share, and what this provisioner keeps by itself or did not come to write down. */
  async load (): Promise<readonly Machine[]> {
    const { state, own } = this.#options
    const machines = new Map<Mac, Machine>()
    for (const [key, { value, revision }] of state.under('machines')) {
      const machine = this.#read(key, value)?.machine
      this.#known.set(key, revision)
      if (machine !== undefined) machines.set(machine.mac, machine)
    }
    const kept = await own.load()
    this.#alone = kept.filter(({ mac }) => !machines.has(mac))
    for (const one of kept) {
      const shared = machines.get(one.mac)
      const later = shared === undefined ? one : laterOf(one, shared)
      machines.set(one.mac, later)
      if (shared !== undefined && later !== shared) this.#add(later, asKept(one))
    }
    this.#stops = [
      state.onChange('machines', changes => { for (const change of changes) this.#onChange(change) }),
      state.onRestored(() => { this.#known.forget() }),
      state.onStanding(({ inStep }) => { if (inStep) this.#schedule() })
    ]
    return [...machines.values()].sort((a, b) => a.lastSeen - b.lastSeen)
  }

  /** Writes what only this provisioner kept of named machines, while there is room: etcd was away when it ended, or was not there yet. */
  shareKept (isNamed: (mac: Mac) => boolean): void {
    const named = this.#alone.filter(({ mac }) => isNamed(mac)).sort((a, b) => b.lastSeen - a.lastSeen)
    this.#alone = []
    for (const kept of named.slice(0, Math.max(0, this.#most - this.#options.state.under('machines').size))) this.#add(kept, asKept(kept))
  }

  note (machine: Machine, how: Noted): void {
    this.#options.own.note(machine, how)
    if (how.isNamed && !this.#closed) this.#add(machine, how)
  }

  async kept (mac: Mac): Promise<void> {
    const { own, state: { standing } } = this.#options
    const pending = this.#pending.get(mac) ?? this.#busy.get(mac)?.pending
    if (pending === undefined) return await own.kept(mac)
    if (!standing.inStep) throw notShared(mac, standing)
    const done = new Promise<void>((resolve, reject) => { pending.waiting = [...pending.waiting, { resolve, reject }] })
    pending.due = -Infinity
    this.#flush()
    await done
  }

  /** Writes what was gathered, if etcd is there. */
  async close (): Promise<void> {
    this.#closed = true
    for (const stop of this.#stops) stop()
    for (const pending of this.#pending.values()) pending.due = -Infinity
    this.#flush()
    await this.#writing
    for (const { waiting } of this.#pending.values()) refuse(waiting, new AppError('etcd_away', 'this provisioner ends'))
    await this.#options.own.close()
  }

  #add (machine: Machine, { step, isNews }: Noted): void {
    const { state, clock } = this.#options
    const { mac } = machine
    const due = clock.now() + (isNews ? gather : repeated)
    const pending = this.#pending.get(mac)
    if (pending === undefined) {
      const revision = this.#known.of(keyOf(mac)) ?? state.get(keyOf(mac))?.revision ?? 0
      this.#pending.set(mac, { steps: [step], machine, revision, due, attempts: [], tries: 0, waiting: [] })
    } else addStep(pending, step, machine, due)
    this.#schedule()
  }

  #schedule (): void {
    if (this.#closed || this.#pending.size === 0) return
    this.#timer ??= this.#options.clock.after(gather, () => { this.#flush() })
  }

  #flush (): void {
    this.#timer?.cancel()
    this.#timer = undefined
    this.#writing = this.#writing.then(() => this.#write())
  }

  /** Never rejects. */
  async #write (): Promise<void> {
    const { state, clock, log } = this.#options
    for (let times = 0; times < mostTransactions && state.standing.inStep; times++) {
      const batch = this.#takeBatch(clock.now())
      if (batch.length === 0) break
      try {
        await this.#commit(batch)
      } catch (error) {
        for (const taken of batch) this.#putBack(taken, error)
        if (!takesNothing(error)) log.warn({ error: messageOf(error), machines: this.#pending.size }, 'machine.unshared')
        break
      }
    }
    // While etcd is away nobody waits for it; what was seen is written when it is back.
    if (state.standing.inStep) return this.#schedule()
    for (const pending of this.#pending.values()) {
      refuse(pending.waiting, notShared(pending.machine.mac, state.standing))
      pending.waiting = []
    }
  }

  #takeBatch (now: number): readonly TryUnderWay[] {
    const batch: TryUnderWay[] = []
    let octets = 0
    for (const [mac, pending] of this.#pending) {
      if (pending.due > now) continue
      const attempt = { id: `${this.#run}-${++this.#attempts}`, steps: pending.steps.length }
      const value = formatRecord({ attempt: attempt.id, machine: pending.machine })
      octets += value.length
      if (batch.length >= mostTogether || (octets > mostOctets && batch.length > 0)) break
      const taken = { mac, pending, attempt, value }
      batch.push(taken)
      this.#pending.delete(mac)
      this.#busy.set(mac, taken)
    }
    return batch
  }

  async #commit (batch: readonly TryUnderWay[]): Promise<void> {
    const { state, isLeased = () => false } = this.#options
    const gone = givingWay(state.under('machines'), new Set(batch.map(({ mac }) => keyOf(mac))), { most: this.#most, atOnce: mostTogether, isLeased })
    const { responses, header } = await state.transact({
      compare: [],
      success: [
        ...batch.map(({ mac, pending: { revision }, value }) => recordOperation(state.etcdKey(keyOf(mac)), value, revision)),
        ...gone.map((key): RequestOp => ({ request_delete_range: { key: state.etcdKey(key) } }))
      ]
    })
    for (const [n, taken] of batch.entries()) {
      const answer = responses[n]?.response_txn
      const found = answer?.responses[0]?.response_range?.kvs[0]
      if (answer?.succeeded === true) this.#done(taken, Number(header.revision))
      else this.#again(taken, found === undefined ? undefined : { value: Buffer.from(found.value), revision: Number(found.mod_revision) })
    }
  }

  /** What was seen while it was written is made of it. */
  #done ({ mac, pending: { waiting } }: TryUnderWay, revision: number): void {
    this.#busy.delete(mac)
    this.#known.set(keyOf(mac), revision)
    const since = this.#pending.get(mac)
    if (since !== undefined) since.revision = revision
    for (const { resolve } of waiting) resolve()
    // Another provisioner may have written since.
    const now = this.#options.state.get(keyOf(mac))
    if (now !== undefined && now.revision > revision) this.#take(mac, now)
  }

  /** Another provisioner was first, or the attempt before was carried out without an answer. */
  #again (taken: TryUnderWay, found: SharedEntry | undefined): void {
    const { mac, pending } = taken
    this.#putTogether(taken)
    const together = this.#pending.get(mac)!
    if (found === undefined) this.#known.set(keyOf(mac), together.revision = 0)
    else this.#take(mac, found)
    together.tries = pending.tries + 1
    if (together.tries <= mostTries) return
    refuse(together.waiting, new AppError('store_changed', `others change what is known of ${mac} again and again`))
    Object.assign(together, { waiting: [], tries: 0, due: this.#options.clock.now() + gather })
  }

  /** Nobody knows whether etcd has it. */
  #putBack (taken: TryUnderWay, error: unknown): void {
    refuse(taken.pending.waiting, error)
    taken.pending.waiting = []
    taken.pending.due = this.#options.clock.now() + gather
    this.#putTogether(taken)
  }

  /** With what was seen meanwhile, to be written together. */
  #putTogether ({ mac, pending, attempt }: TryUnderWay): void {
    this.#busy.delete(mac)
    this.#pending.set(mac, joined(pending, this.#pending.get(mac), attempt))
  }

  #onChange (change: EntryChange): void {
    const { key, after } = change
    const mac = macOf(key)
    // Of a write that is under way its answer tells what is there.
    if (mac === undefined || this.#busy.has(mac) || !this.#known.isNews(change)) return
    if (after !== undefined) return this.#take(mac, after)
    this.#known.set(key, 0)
    const pending = this.#pending.get(mac)
    if (pending === undefined) this.#options.onForgotten(mac)
    else pending.revision = 0
  }

  /** What etcd has of a machine, and what was seen here since. A value that can't be read changes nothing, and is written over. */
  #take (mac: Mac, { value, revision }: SharedEntry): void {
    const found = this.#read(keyOf(mac), value)
    const pending = this.#pending.get(mac)
    this.#known.set(keyOf(mac), revision)
    // What this process wrote it knows.
    const isOwn = found?.attempt.startsWith(`${this.#run}-`) === true
    if (pending === undefined) {
      if (found !== undefined && !isOwn) this.#options.onMachine(found.machine)
      return
    }
    pending.revision = revision
    if (found === undefined) return
    dropDone(pending, found.attempt)
    if (!isOwn) {
      pending.machine = redo(found.machine, pending.steps) ?? found.machine
      this.#options.onMachine(pending.machine)
    }
    // Only who waits for it has to be told; there is nothing to write.
    if (pending.steps.length > 0) return
    this.#pending.delete(mac)
    for (const { resolve } of pending.waiting) resolve()
  }

  #read (key: string, value: Buffer): MachineRecord | undefined {
    const found = parseRecord(value.toString())
    if (found !== undefined && keyOf(found.machine.mac) === key) return found
    this.#options.log.warn({ key }, 'machine.unreadable')
    return undefined
  }
}
