// etcd as a fleet sees it, in memory: revisions, transactions, watches with compaction, leases. One truth with three doors: a member
// can be killed or stopped, and without two of them nothing is answered.
import { AppError } from '../../../src/base/errors.js'
import type {
  CallName, EtcdCalls, Compare, ResponseHeader, RangeRequest, RangeResponse, RequestOp, ResponseOp, TxnRequest, TxnResponse, WatchResponse, WireKeyValue
} from '../../../src/etcd/proto.js'
import type { Timeline } from './timeline.js'

interface Kept { readonly key: Buffer, readonly value: Buffer, readonly create: number, readonly mod: number, readonly lease: string }
interface Change { readonly revision: number, readonly key: string, readonly after: Kept | undefined }
type EtcdEvent = WatchResponse['events'][number]

/** What is broken on purpose, so that it is seen whether anybody notices. */
export interface EtcdFault {
  /** Of which keys comparisons are taken to hold. */
  readonly ignoresComparisons?: (key: string) => boolean
}

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
  /** NOSPACE: it answers, and takes nothing new. */
  isFull = false

  constructor (time: Timeline, fault: EtcdFault = {}) {
    this.#time = time
    this.#fault = fault
  }

  get hasQuorum (): boolean { return this.members.filter(state => state === 'up').length > 1 }
  get revision (): number { return this.#revision }
  get header (): ResponseHeader { return { cluster_id: '1', member_id: '1', revision: String(this.#revision) } }

  /** What it has, by key. */
  * entries (): IterableIterator<readonly [string, Buffer]> { for (const [key, { value }] of this.#keys) yield [key, value] }

  /** Forgets how it came to be what it is. */
  compact (): void {
    this.#compacted = this.#revision
    this.#history.length = 0
  }

  /** Throws AppError as the client does. */
  carryOut (name: CallName, request: unknown): EtcdCalls[CallName][1] {
    if (name === 'Txn') assertSize(request as TxnRequest)
    if (this.isFull && (name === 'LeaseGrant' || (name === 'Txn' && writes(request as TxnRequest)))) throw new AppError('etcd_full', 'etcd has no space left')
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

  #holds ({ key, target, result, create_revision: create = 0, mod_revision: mod = 0, value }: Compare): boolean {
    if (this.#fault.ignoresComparisons?.(key.toString()) === true) return true
    const kept = this.#keys.get(key.toString())
    if (target === 'VALUE') return value !== undefined && kept?.value?.equals(value) === true
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

/** What etcd takes in a transaction by default: `--max-txn-ops`, `--max-request-bytes`. */
const most = { operations: 128, octets: 1.5 * 2 ** 20 }

function assertSize (request: TxnRequest): void {
  const operations = Math.max(request.compare.length, request.success.length, request.failure.length)
  if (operations > most.operations) throw new AppError('etcd_refused', 'etcd: too many operations in txn request')
  if (octetsOf(request) > most.octets) throw new AppError('message_too_large', 'etcd takes no request of that size')
}

/** Without what holds it together. */
const octetsOf = ({ success, failure }: TxnRequest): number => [...success, ...failure].reduce((sum, operation) => sum +
  ('request_put' in operation ? operation.request_put.value.length : 'request_txn' in operation ? octetsOf(operation.request_txn) : 0), 0)

const writes = ({ success, failure }: TxnRequest): boolean =>
  [...success, ...failure].some(operation => 'request_put' in operation || ('request_txn' in operation && writes(operation.request_txn)))

const wire = ({ key, value, create, mod, lease }: Kept): WireKeyValue => ({ key, value, create_revision: String(create), mod_revision: String(mod), lease })
