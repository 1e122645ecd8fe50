// etcd as a fleet sees it, in memory: revisions, transactions, watches with compaction, leases. One truth with three doors: a member
// can be killed, stopped or cut off from a client, and without two of them nothing is answered.
import { AppError } from '../../../src/base/errors.js'
import type { EtcdStream } from '../../../src/etcd/etcd-client.js'
import type {
  CallName, Calls, Compare, Header, RangeRequest, RangeResponse, RequestOp, ResponseOp, StreamName, TxnRequest, TxnResponse, WatchResponse, WireKeyValue
} from '../../../src/etcd/proto.js'
import type { Process, Timeline } from './timeline.js'

interface Kept { readonly key: Buffer, readonly value: Buffer, readonly create: number, readonly mod: number, readonly lease: string }
interface Change { readonly revision: number, readonly key: string, readonly after: Kept | undefined }
type EtcdEvent = WatchResponse['events'][number]

/** What is broken on purpose, so that it is seen whether anybody notices. */
export interface EtcdFault { readonly ignoresComparisons?: boolean }

export class FakeEtcd {
  readonly #time: Timeline
  readonly #fault: EtcdFault
  readonly #keys = new Map<string, Kept>()
  readonly #history: Change[] = []
  readonly #leases = new Map<string, { until: number, readonly ttl: number }>()
  readonly #watchers = new Set<(changes: readonly Change[]) => void>()
  #revision = 1
  #compacted = 0
  #nextLease = 1
  /** By member: `up` answers; `stopped` takes what it is sent and says nothing; `down` refuses. */
  readonly members: Array<'up' | 'stopped' | 'down'> = ['up', 'up', 'up']

  constructor (time: Timeline, fault: EtcdFault = {}) {
    this.#time = time
    this.#fault = fault
  }

  get hasQuorum (): boolean { return this.members.filter(state => state === 'up').length > 1 }
  get revision (): number { return this.#revision }
  get header (): Header { return { cluster_id: '1', member_id: '1', revision: String(this.#revision) } }

  /** What it has, by key. */
  * entries (): IterableIterator<readonly [string, Buffer]> { for (const [key, { value }] of this.#keys) yield [key, value] }

  /** Forgets how it came to be what it is. */
  compact (): void {
    this.#compacted = this.#revision
    this.#history.length = 0
  }

  carryOut (name: CallName, request: unknown): Calls[CallName][1] {
    switch (name) {
      case 'Range': return this.#range(request as RangeRequest)
      case 'Txn': return this.#change(() => this.#txn(request as TxnRequest))
      case 'LeaseGrant': {
        const { TTL: seconds } = request as { readonly TTL: number }
        const id = String(this.#nextLease++)
        this.#leases.set(id, { until: this.#time.now + seconds * 1000, ttl: seconds * 1000 })
        this.#watchLease(id)
        return { header: this.header, ID: id, TTL: String(seconds) }
      }
      case 'LeaseRevoke':
        this.#endLease((request as { readonly ID: string }).ID)
        return { header: this.header }
      default: throw new Error(`${name} is not played`)
    }
  }

  /** Seconds that a lease has from now on; 0 for one that is over. */
  keepAlive (id: string): number {
    const lease = this.#leases.get(id)
    if (lease === undefined) return 0
    lease.until = this.#time.now + lease.ttl
    return lease.ttl / 1000
  }

  /** What happens below a prefix from a revision on; undefined when that is forgotten. */
  watch (prefix: string, from: number, hear: (revision: number, events: readonly EtcdEvent[]) => void): (() => void) | undefined {
    if (from <= this.#compacted) return undefined
    const tell = (changes: readonly Change[]): void => {
      const events = changes.filter(({ key }) => key.startsWith(prefix)).map(({ key, revision, after }): EtcdEvent => after === undefined
        ? { type: 'DELETE', kv: { key: Buffer.from(key), value: Buffer.alloc(0), create_revision: '0', mod_revision: String(revision), lease: '0' } }
        : { type: 'PUT', kv: wire(after) })
      if (events.length > 0) hear(changes[0]!.revision, events)
    }
    const past = new Map<number, Change[]>()
    for (const change of this.#history) if (change.revision >= from) past.set(change.revision, [...past.get(change.revision) ?? [], change])
    for (const changes of past.values()) tell(changes)
    this.#watchers.add(tell)
    return () => { this.#watchers.delete(tell) }
  }

  #watchLease (id: string): void {
    const lease = this.#leases.get(id)
    if (lease === undefined) return
    this.#time.after(lease.until - this.#time.now + 1, () => {
      if (!this.#leases.has(id)) return
      // Leases end by the leader's word.
      if (lease.until > this.#time.now || !this.hasQuorum) {
        lease.until = Math.max(lease.until, this.#time.now + 1000)
        this.#watchLease(id)
      } else this.#endLease(id)
    })
  }

  #endLease (id: string): void {
    this.#leases.delete(id)
    this.#change(() => { for (const [key, kept] of this.#keys) if (kept.lease === id) this.#put(key, undefined) })
  }

  #changes: Change[] = []
  #change<T> (work: () => T): T {
    this.#changes = []
    const result = work()
    if (this.#changes.length > 0) {
      this.#revision++
      this.#history.push(...this.#changes)
      const keys = this.#changes.map(({ key }) => key)
      if (new Set(keys).size < keys.length) throw new Error(`etcd takes no key twice: ${keys.join(' ')}`)
      for (const tell of [...this.#watchers]) tell(this.#changes)
    }
    return result
  }

  #put (key: string, value: Buffer | undefined, lease = '0'): void {
    const revision = this.#revision + 1
    const before = this.#keys.get(key)
    if (value === undefined && before === undefined) return
    const after = value === undefined ? undefined : { key: Buffer.from(key), value, create: before?.create ?? revision, mod: revision, lease }
    if (after === undefined) this.#keys.delete(key)
    else this.#keys.set(key, after)
    this.#changes.push({ revision, key, after })
  }

  #range ({ key, range_end: end, limit = 0 }: RangeRequest): RangeResponse {
    const from = key.toString()
    if (end === undefined) {
      const found = this.#keys.get(from)
      return { header: this.header, kvs: found === undefined ? [] : [wire(found)], more: false }
    }
    const to = end.toString()
    const found = [...this.#keys].filter(([name]) => name >= from && name < to).sort(([a], [b]) => a < b ? -1 : 1).map(([, kept]) => wire(kept))
    if (limit > 0 && found.length > limit) throw new Error('more than one page is not played')
    return { header: this.header, kvs: found, more: false }
  }

  #txn ({ compare, success, failure }: TxnRequest): TxnResponse {
    const succeeded = compare.every(one => this.#holds(one))
    const responses = (succeeded ? success : failure).map(operation => this.#operate(operation))
    return { header: { ...this.header, revision: String(this.#revision + (this.#changes.length > 0 ? 1 : 0)) }, succeeded, responses }
  }

  #holds ({ key, target, result, create_revision: create = 0, mod_revision: mod = 0 }: Compare): boolean {
    if (this.#fault.ignoresComparisons === true) return true
    const kept = this.#keys.get(key.toString())
    const [is, wanted] = target === 'CREATE' ? [kept?.create ?? 0, create] : [kept?.mod ?? 0, mod]
    return result === 'EQUAL' ? is === wanted : is > wanted
  }

  #operate (operation: RequestOp): ResponseOp {
    if ('request_range' in operation) return { response_range: this.#range(operation.request_range) }
    if ('request_txn' in operation) return { response_txn: this.#txn(operation.request_txn) }
    if ('request_put' in operation) this.#put(operation.request_put.key.toString(), operation.request_put.value, operation.request_put.lease)
    else this.#put(operation.request_delete_range.key.toString(), undefined)
    return {}
  }
}

const wire = ({ key, value, create, mod, lease }: Kept): WireKeyValue => ({ key, value, create_revision: String(create), mod_revision: String(mod), lease })

export interface FakeEtcdClientOptions {
  readonly etcd: FakeEtcd
  readonly time: Timeline
  readonly owner: Process
  /** Milliseconds that a message takes. */
  readonly delay: () => number
  /** Whether messages between this client and a member arrive. */
  readonly reaches: (member: number) => boolean
}

const patience = 1500
/** Milliseconds after which a connection that nothing comes over is given up (etcd-client's keepalive). */
const silence = 10_000

/** In the place of EtcdClient: the same failover, over a network that loses what a partition drops. */
export class FakeEtcdClient {
  readonly #options: FakeEtcdClientOptions
  #at = 0
  readonly #streams = new Map<FakeStream, number>()
  cluster: string | undefined

  constructor (options: FakeEtcdClientOptions) { this.#options = options }

  get endpoint (): string { return `m${this.#at}` }
  forgetCluster (): void { this.cluster = undefined }

  async call<N extends CallName> (name: N, request: Calls[N][0]): Promise<Calls[N][1]> {
    for (let tries = 0; tries < 3; tries++) {
      const at = this.#at
      const answer = await this.#ask(at, name, request)
      if (answer !== undefined) {
        this.cluster = '1'
        return answer
      }
      this.#leave(at)
    }
    throw new AppError('etcd_away', 'etcd does not answer')
  }

  async stream<Q, R> (name: StreamName): Promise<EtcdStream<Q, R>> {
    const at = this.#at
    const { etcd, time, owner, delay, reaches } = this.#options
    const arrives = (): boolean => reaches(at) && etcd.members[at] === 'up'
    const carryOut: FakeStreamOptions['carryOut'] = (message, answer) => {
      if (name === 'Watch') return watched(etcd, message, answer)
      const { ID } = message as { readonly ID: string }
      answer({ ID, TTL: String(etcd.hasQuorum ? etcd.keepAlive(ID) : 0) })
      return undefined
    }
    const stream: FakeStream = new FakeStream({ time, owner, delay, arrives, carryOut })
    this.#streams.set(stream, at)
    stream.on('close', () => { this.#streams.delete(stream) })
    return stream as unknown as EtcdStream<Q, R>
  }

  #leave (at: number): void {
    for (const [stream, on] of this.#streams) if (on === at) stream.cancel()
    if (this.#at === at) this.#at = (at + 1) % 3
  }

  /** undefined when there is no answer, whether or not it was carried out. */
  #ask<N extends CallName> (at: number, name: N, request: Calls[N][0]): Promise<Calls[N][1] | undefined> {
    const { etcd, time, owner, delay, reaches } = this.#options
    return new Promise(resolve => {
      const late = time.after(patience, () => { resolve(undefined) }, owner)
      const refuse = (): void => {
        late.cancel()
        time.after(delay(), () => { resolve(undefined) }, owner)
      }
      time.after(delay(), () => {
        if (!reaches(at) || etcd.members[at] === 'stopped') return
        if (etcd.members[at] === 'down' || !etcd.hasQuorum) return refuse()
        const answer = etcd.carryOut(name, request)
        time.after(delay(), () => {
          if (!reaches(at) || etcd.members[at] !== 'up') return
          late.cancel()
          resolve(answer as Calls[N][1])
        }, owner)
      })
    })
  }
}

type Answer = (response: object) => void

function watched (etcd: FakeEtcd, message: unknown, answer: Answer): (() => void) | undefined {
  const { create_request: { key, start_revision: from } } = message as { readonly create_request: { readonly key: Buffer, readonly start_revision: number } }
  const base = { created: false, canceled: false, compact_revision: '0', cancel_reason: '', fragment: false, events: [] }
  answer({ ...base, header: etcd.header, created: true })
  const stop = etcd.watch(key.toString(), from, (_, events) => { answer({ ...base, header: etcd.header, events }) })
  if (stop === undefined) answer({ ...base, header: etcd.header, canceled: true, compact_revision: String(etcd.revision) })
  return stop
}

interface FakeStreamOptions {
  readonly time: Timeline
  readonly owner: Process
  readonly delay: () => number
  readonly arrives: () => boolean
  /** What the other side does with a message; it may answer for as long as the returned function is not called. */
  readonly carryOut: (message: unknown, answer: Answer) => (() => void) | undefined
}

/** What one side writes arrives in its order, late when the way is cut for a moment; an error when it is for long. */
class FakeStream {
  readonly #options: FakeStreamOptions
  readonly #listeners = new Map<string, Array<(value?: unknown) => void>>()
  readonly #stops: Array<() => void> = []
  #ended = false
  /** What is on its way, by direction, in its order. */
  readonly #way: Readonly<Record<'there' | 'here', Array<{ readonly at: number, readonly arrive: () => void }>>> = { there: [], here: [] }

  constructor (options: FakeStreamOptions) { this.#options = options }

  on (event: string, listener: (value?: unknown) => void): void { this.#listeners.set(event, [...this.#listeners.get(event) ?? [], listener]) }

  write (message: unknown): void {
    this.#pass('there', () => {
      const stop = this.#options.carryOut(message, response => { this.#pass('here', () => { this.#tell('data', response) }) })
      if (stop !== undefined) this.#stops.push(stop)
      if (this.#ended) stop?.()
    })
  }

  /** As gRPC does, it is told of in a moment. */
  cancel (): void { this.#options.time.after(0, () => { this.#end() }, this.#options.owner) }

  #pass (to: 'there' | 'here', arrive: () => void): void {
    const { time, delay } = this.#options
    const way = this.#way[to]
    const at = Math.max(way.at(-1)?.at ?? 0, time.now + delay())
    way.push({ at, arrive })
    if (way.length === 1) this.#goOn(to)
  }

  /** The first on the way arrives in its time, later while the way is cut. */
  #goOn (to: 'there' | 'here'): void {
    const { time, owner, arrives } = this.#options
    const way = this.#way[to]
    const first = way[0]
    if (first === undefined) return
    const look = (): void => {
      if (this.#ended) return
      if (arrives()) {
        way.shift()
        if (to === 'here') time.after(0, () => { if (!this.#ended) first.arrive() }, owner)
        else first.arrive()
        this.#goOn(to)
      } else if (time.now - first.at > silence) this.cancel()
      else time.after(500, look)
    }
    time.after(first.at - time.now, look)
  }

  #end (): void {
    if (this.#ended) return
    this.#ended = true
    for (const stop of this.#stops) stop()
    this.#tell('error', Object.assign(new Error('the connection was given up'), { code: 1, details: '' }))
    this.#tell('close')
  }

  #tell (event: string, value?: unknown): void { for (const listener of this.#listeners.get(event) ?? []) listener(value) }
}
