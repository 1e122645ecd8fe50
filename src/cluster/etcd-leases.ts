// Leases in etcd: the address is the key that is compared, so that of all provisioners one gives it to one machine. Proposals that come
// together go in one transaction, each with a comparison of its own. While etcd is away the holders that are known keep their addresses
// for a short while, which is written down when it is back; nobody else is given any.
//
// Clocks may be 90 seconds off (`skew`). An address that has expired goes to another machine only after a grace, which is longer than
// whatever a provisioner that is cut off may have promised to its holder meanwhile.
import type { Logger } from '../base/log.js'
import { AppError, messageOf, unwaited } from '../base/errors.js'
import type { Disposal, LeaseStore, Proposal } from '../dhcp/lease-store.js'
import { formatLease, parseSharedLease } from '../dhcp/lease-file.js'
import { isHeld, type Lease, sane } from '../dhcp/leases.js'
import { formatKey, parseKey } from '../etcd/keys.js'
import type { RequestOp, WireKeyValue } from '../etcd/proto.js'
import { formatIpv4, type Ipv4 } from '../net/ipv4.js'
import type { Mac } from '../net/mac.js'
import type { EntryChange } from './entries.js'
import type { SharedState } from './shared-state.js'

/** Milliseconds that a holder is promised at once while etcd is away. */
export const shortPromise = 600_000
/** Milliseconds that two clocks may be off from the true time. */
export const skew = 90_000
/** Milliseconds after its end in which a lease keeps its address from other machines. */
export const leaseGrace = shortPromise + 2 * skew

export interface EtcdLeasesOptions {
  readonly state: Pick<SharedState, 'under' | 'onChange' | 'onStanding' | 'standing' | 'transact' | 'etcdKey' | 'settle' | 'get'>
  /** What this provisioner is called. */
  readonly server: string
  readonly log: Logger
  /** A lease is in force that this process did not propose. */
  readonly onLease: (lease: Lease) => void
  /** Now, epoch milliseconds. */
  readonly now: () => number
  /** `leaseGrace`; another one in tests. */
  readonly grace?: number
}

/** What etcd has of an address. */
interface KeptLease { readonly lease: Lease, readonly revision: number }

interface Queued {
  readonly proposal: Proposal
  tries: number
  readonly resolve: (disposal: Disposal) => void
  readonly reject: (error: unknown) => void
}

/** etcd takes 128 operations a transaction. */
const mostTogether = 100
const mostTries = 5

export class EtcdLeases implements LeaseStore {
  readonly #options: EtcdLeasesOptions
  readonly grace: number
  readonly #kept = new Map<Ipv4, KeptLease>()
  #queue: Queued[] = []
  /** Addresses of which a proposal is under way. */
  readonly #busy = new Set<Ipv4>()
  #writing: Promise<void> | undefined
  /** Promised while etcd was away. */
  readonly #held = new Map<Ipv4, Proposal>()
  #stops: ReadonlyArray<() => void> = []
  #closed = false

  constructor (options: EtcdLeasesOptions) {
    this.#options = options
    this.grace = options.grace ?? leaseGrace
  }

  async load (now: number): Promise<readonly Lease[]> {
    const { state } = this.#options
    const found = [...state.under('leases')].sort(([, a], [, b]) => a.revision - b.revision)
    for (const [key, { value, revision }] of found) this.#learn(key, value, revision, now)
    this.#stops = [
      state.onChange('leases', changes => { this.#onChanges(changes) }),
      state.onStanding(({ inStep }) => { if (inStep) unwaited(this.#replay()) })
    ]
    return [...this.#kept.values()].map(({ lease }) => lease)
  }

  async propose (proposal: Proposal): Promise<Disposal> {
    if (this.#closed) throw new AppError('write_failed', 'the leases are closed')
    if (!this.#options.state.standing.inStep) return this.#promise(proposal)
    try {
      return await new Promise<Disposal>((resolve, reject) => {
        this.#queue.push({ proposal, tries: 0, resolve, reject })
        this.#writing ??= this.#write()
      })
    } catch (error) {
      // Whether etcd has it nobody knows: what may be promised without it is promised.
      if (error instanceof AppError && error.code === 'etcd_away' && !this.#closed) return this.#promise(proposal)
      throw error
    }
  }

  promisedUntil (ip: Ipv4, mac: Mac, now: number, reserved: boolean): number | undefined {
    if (this.#options.state.standing.inStep) return undefined
    if (reserved) return now + shortPromise
    const lease = this.#kept.get(ip)?.lease
    return lease?.mac === mac && lease.state === 'bound' ? Math.min(now, lease.expires) + shortPromise : now
  }

  async settle (ip: Ipv4): Promise<void> { await this.#options.state.settle(formatKey({ kind: 'lease', ip })) }

  async close (): Promise<void> {
    this.#closed = true
    for (const stop of this.#stops) stop()
    await this.#writing
  }

  /** Without etcd. */
  #promise (proposal: Proposal): Disposal {
    const { lease, now, reserved = false } = proposal
    const kept = this.#kept.get(lease.ip)?.lease
    if (!reserved && kept !== undefined && this.#isAnothers(kept, proposal)) return { kind: 'refused', holder: kept }
    const isHolder = kept?.mac === lease.mac && kept.state === 'bound'
    const until = this.promisedUntil(lease.ip, lease.mac, now, reserved) ?? Infinity
    const may = reserved || (isHolder && (lease.state === 'released' || (lease.state === 'bound' && lease.expires <= until)))
    if (!may) throw new AppError('etcd_away', `no lease of ${formatIpv4(lease.ip)} can be given: ${this.#options.state.standing.reason}`)
    this.#held.set(lease.ip, proposal)
    return { kind: 'kept' }
  }

  async #replay (): Promise<void> {
    const { log, onLease } = this.#options
    const held = [...this.#held.values()]
    this.#held.clear()
    if (held.length > 0) log.info({ leases: held.length }, 'lease.replay')
    await Promise.all(held.map(async proposal => {
      const { lease } = proposal
      try {
        const disposal = await this.propose(proposal)
        if (disposal.kind === 'kept') return
        log.warn({ ip: formatIpv4(lease.ip), mac: lease.mac, holder: disposal.holder.mac }, 'lease.conflict')
        onLease(disposal.holder)
      } catch (error) {
        if (!this.#closed) log.warn({ ip: formatIpv4(lease.ip), mac: lease.mac, error: messageOf(error) }, 'lease.unsaved')
      }
    }))
  }

  #isAnothers (kept: Lease, { lease, now, reserved = false }: Proposal): boolean {
    return !reserved && kept.mac !== lease.mac && isHeld(kept, now, this.grace)
  }

  async #write (): Promise<void> {
    while (this.#queue.length > 0) {
      // Everything that arrived in this turn of the event loop goes together.
      await new Promise<void>(resolve => { setImmediate(resolve) })
      const batch = this.#takeBatch()
      if (batch.length > 0) await this.#commit(batch)
    }
    this.#writing = undefined
  }

  /** One proposal for each address; what can't be is refused by what is known. */
  #takeBatch (): Queued[] {
    const batch: Queued[] = []
    const later: Queued[] = []
    for (const queued of this.#queue) {
      const { proposal: { lease: { ip } }, proposal } = queued
      if (this.#busy.has(ip) || batch.length >= mostTogether) {
        later.push(queued)
        continue
      }
      const kept = this.#kept.get(ip)?.lease
      if (kept !== undefined && this.#isAnothers(kept, proposal)) {
        queued.resolve({ kind: 'refused', holder: kept })
        continue
      }
      if (kept !== undefined && this.#outweighs(kept, queued)) {
        this.#options.onLease(kept)
        queued.resolve({ kind: 'kept' })
        continue
      }
      this.#busy.add(ip)
      batch.push(queued)
    }
    this.#queue = later
    return batch
  }

  async #commit (batch: readonly Queued[]): Promise<void> {
    const { state } = this.#options
    const written = batch.map(({ proposal: { lease } }) => this.#neverShorter(lease))
    const values = batch.map(({ proposal: { now } }, n) => Buffer.from(this.#valueOf(written[n]!, now)))
    try {
      const { responses, header } = await state.transact({
        compare: [],
        success: batch.map(({ proposal: { lease: { ip } } }, n): RequestOp => {
          const key = state.etcdKey(formatKey({ kind: 'lease', ip }))
          return {
            request_txn: {
              compare: [{ key, target: 'MOD', result: 'EQUAL', mod_revision: this.#kept.get(ip)?.revision ?? 0 }],
              success: [{ request_put: { key, value: values[n]! } }],
              failure: [{ request_range: { key } }]
            }
          }
        })
      })
      for (const [n, queued] of batch.entries()) {
        const answer = responses[n]?.response_txn
        const found = answer?.responses[0]?.response_range?.kvs[0]
        if (answer?.succeeded === true) this.#settleWith(queued, written[n]!, Number(header.revision))
        // A member carried it out without answering, and the next one found it done.
        else if (found !== undefined && Buffer.from(found.value).equals(values[n]!)) {
          this.#settleWith(queued, written[n]!, Number(found.mod_revision))
        } else this.#again(queued, found)
      }
    } catch (error) {
      for (const queued of batch) {
        this.#busy.delete(queued.proposal.lease.ip)
        queued.reject(error)
      }
    }
  }

  /**
   * What was decided before another provisioner bound the machine is less than what stands now: an offer would end sooner, and a
   * release would forget what was acknowledged meanwhile.
   */
  #outweighs (kept: Lease, { proposal: { lease, now }, tries }: Queued): boolean {
    if (kept.mac !== lease.mac || kept.state !== 'bound' || !isHeld(kept, now, this.grace)) return false
    return lease.state === 'offered' || (lease.state === 'released' && tries > 0)
  }

  /** Another provisioner, whose clock is ahead, may have promised the holder more: that stands. */
  #neverShorter (lease: Lease): Lease {
    const kept = this.#kept.get(lease.ip)?.lease
    const isRenewal = kept?.mac === lease.mac && kept.state === 'bound' && lease.state === 'bound'
    return isRenewal && kept.expires > lease.expires ? { ...lease, expires: kept.expires } : lease
  }

  #settleWith ({ resolve }: Queued, lease: Lease, revision: number): void {
    this.#busy.delete(lease.ip)
    const known = this.#kept.get(lease.ip)
    if (known === undefined || known.revision <= revision) this.#kept.set(lease.ip, { lease, revision })
    else this.#options.onLease(known.lease)
    resolve({ kind: 'kept' })
  }

  /** Another provisioner was first, or etcd has forgotten what is known here. */
  #again (queued: Queued, found: WireKeyValue | undefined): void {
    const { proposal: { lease: { ip }, now }, reject } = queued
    this.#busy.delete(ip)
    if (found === undefined) this.#kept.delete(ip)
    else this.#learn(formatKey({ kind: 'lease', ip }), Buffer.from(found.value), Number(found.mod_revision), now)
    if (++queued.tries < mostTries) this.#queue.push(queued)
    else reject(new AppError('store_changed', `the lease of ${formatIpv4(ip)} is changed by others again and again`))
  }

  #onChanges (changes: readonly EntryChange[]): void {
    const { onLease, now } = this.#options
    for (const { key, after } of changes) {
      const meaning = parseKey(key)
      if (meaning?.kind !== 'lease') continue
      if (after === undefined) {
        this.#kept.delete(meaning.ip)
        continue
      }
      const isNews = this.#learn(key, after.value, after.revision, now())
      if (isNews && !this.#busy.has(meaning.ip)) onLease(this.#kept.get(meaning.ip)!.lease)
    }
  }

  /** Whether it is news. */
  #learn (key: string, value: Buffer, revision: number, now: number): boolean {
    const meaning = parseKey(key)
    if (meaning?.kind !== 'lease') return false
    const known = this.#kept.get(meaning.ip)
    // 0 is of the copy on disk.
    if (known !== undefined && known.revision >= revision && revision > 0) return false
    const lease = parseSharedLease(value.toString())
    if (lease === undefined || lease.ip !== meaning.ip) {
      this.#options.log.warn({ key }, 'lease.unreadable')
      return false
    }
    this.#kept.set(meaning.ip, { lease: sane(lease, now), revision })
    return true
  }

  /** As in the file of one machine, with who wrote it and when: two of one provisioner are never the same. */
  #valueOf (lease: Lease, now: number): string {
    return JSON.stringify({ ...JSON.parse(formatLease(lease)) as object, server: this.#options.server, at: now })
  }
}
