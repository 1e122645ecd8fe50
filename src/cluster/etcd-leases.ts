// Leases in etcd: two keys are compared, that of the address, so that of all provisioners one gives it to one machine, and that of
// the machine, so that it has one address of a subnet. Proposals that come together go in one transaction, each with comparisons of its
// own. While etcd is away the holders that are known keep their addresses for a short while, which is written down when it is back;
// nobody else is given any.
import type { Logger } from '../base/log.js'
import { AppError, messageOf, unwaited } from '../base/errors.js'
import type { Disposal, LeaseStore, Proposal } from '../dhcp/lease-store.js'
import type { Lease } from '../dhcp/leases.js'
import { takesNothing } from '../etcd/failure.js'
import { parseKey } from '../etcd/keys.js'
import { formatIpv4, type Ipv4, type Subnet } from '../net/ipv4.js'
import type { Mac } from '../net/mac.js'
import type { EntryChange } from './entries.js'
import { KnownLeases, leaseKey } from './known-leases.js'
import { leaseGrace, shortlyPromised } from './lease-grace.js'
import { type DecidedProposal, inTheWay, isAnothers, neverShorter, outweighs } from './lease-precedence.js'
import { leaseOperation, type LeaseRefused, leaseValue, refusalIn } from './lease-transaction.js'
import type { SharedState } from './shared-state.js'

export interface EtcdLeasesOptions {
  readonly state: Pick<SharedState, 'under' | 'onChange' | 'onStanding' | 'onRestored' | 'standing' | 'transact' | 'etcdKey' | 'settle' | 'read'>
  /** Those in which a machine has one address each. */
  readonly subnets: readonly Subnet[]
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

interface Queued extends DecidedProposal {
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
  readonly #known: KnownLeases
  #queue: Queued[] = []
  /** Keys of addresses and machines of which a proposal is under way. */
  readonly #busy = new Set<string>()
  /** Addresses of which something came while they were busy: the table was not told. */
  readonly #unheard = new Set<Ipv4>()
  #writing: Promise<void> | undefined
  /** The transaction that is under way. */
  #round: Promise<void> = Promise.resolve()
  /** Promised while etcd was away. */
  readonly #held = new Map<Ipv4, Proposal>()
  #stops: ReadonlyArray<() => void> = []
  #closed = false

  constructor (options: EtcdLeasesOptions) {
    this.#options = options
    this.grace = options.grace ?? leaseGrace
    this.#known = new KnownLeases({ subnets: options.subnets, onUnreadable: key => { options.log.warn({ key }, 'lease.unreadable') } })
  }

  async load (now: number): Promise<readonly Lease[]> {
    const { state } = this.#options
    const found = [...state.under('leases')].sort(([, a], [, b]) => a.revision - b.revision)
    for (const [key, { value, revision }] of found) this.#known.learn(key, value, revision, now)
    for (const [key, { value, revision }] of state.under('bindings')) this.#known.bindings.learn(key, value, revision)
    this.#stops = [
      state.onChange('bindings', changes => { for (const { key, after } of changes) this.#known.bindings.learn(key, after?.value, after?.revision ?? 0) }),
      state.onChange('leases', changes => { this.#onChanges(changes) }),
      state.onRestored(() => { this.#keepWhatWasLost() }),
      state.onStanding(({ inStep }) => { if (inStep) unwaited(this.#replay()) })
    ]
    return this.#known.all()
  }

  async propose (proposal: Proposal): Promise<Disposal> {
    if (this.#closed) throw new AppError('write_failed', 'the leases are closed')
    if (!this.#options.state.standing.inStep) return this.#promise(proposal)
    try {
      return await new Promise<Disposal>((resolve, reject) => {
        this.#queue.push({ proposal, tries: 0, knew: this.#known.boundTo(proposal.lease), resolve, reject })
        this.#writing ??= this.#write()
      })
    } catch (error) {
      // Whether etcd has it nobody knows: what may be promised without it is promised.
      if (takesNothing(error) && !this.#closed) return this.#promise(proposal)
      throw error
    }
  }

  promisedUntil (ip: Ipv4, mac: Mac, now: number, reserved: boolean): number | undefined {
    return this.#options.state.standing.inStep ? undefined : shortlyPromised(this.#known.get(ip), { mac, now, reserved })
  }

  async settle (ip: Ipv4): Promise<void> {
    await this.#options.state.settle(leaseKey(ip))
    // What is proposed of it meanwhile was decided on less, and is in the table until etcd has refused it.
    while (!this.#closed && this.#isUnderWay(ip)) {
      await this.#round
      await new Promise<void>(resolve => { setImmediate(resolve) })
    }
  }

  async close (): Promise<void> {
    this.#closed = true
    for (const stop of this.#stops) stop()
    await this.#writing
  }

  #isUnderWay (ip: Ipv4): boolean { return this.#busy.has(leaseKey(ip)) || this.#queue.some(({ proposal: { lease } }) => lease.ip === ip) }

  /** Without etcd. */
  #promise (proposal: Proposal): Disposal {
    const { lease, now, reserved = false } = proposal
    const kept = this.#known.get(lease.ip)
    if (!reserved && kept !== undefined && isAnothers(kept, proposal, this.grace)) return { kind: 'refused', holder: kept }
    const isHolder = kept?.mac === lease.mac && kept.state === 'bound'
    const until = this.promisedUntil(lease.ip, lease.mac, now, reserved) ?? Infinity
    // None ends: another provisioner that is cut off too may promise the machine more of it, and would find it given away.
    const may = reserved || (isHolder && lease.state === 'bound' && lease.expires <= until)
    if (!may) throw new AppError('etcd_away', `no lease of ${formatIpv4(lease.ip)} can be ${lease.state === 'released' ? 'ended' : 'given'}: ${this.#options.state.standing.reason}`)
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
        const { holder } = disposal
        log.warn({ ip: formatIpv4(lease.ip), mac: lease.mac, holder: holder.mac, ...holder.ip !== lease.ip && { holds: formatIpv4(holder.ip) } }, 'lease.conflict')
        // The machine has another address by now: what etcd has of this one counts here too.
        for (const one of [this.#known.get(lease.ip), holder]) if (one !== undefined) onLease(one)
      } catch (error) {
        if (!this.#closed) log.warn({ ip: formatIpv4(lease.ip), mac: lease.mac, error: messageOf(error) }, 'lease.unsaved')
      }
    }))
  }

  /** What was acknowledged since the backup that etcd was restored from is written again, whoever acknowledged it: that one may be gone. */
  #keepWhatWasLost (): void {
    const now = this.#options.now()
    for (const lease of this.#known.all()) {
      if (lease.state === 'bound' && lease.expires > now && !this.#held.has(lease.ip)) this.#held.set(lease.ip, { lease, now })
    }
    this.#known.forgetRevisions()
  }

  async #write (): Promise<void> {
    while (this.#queue.length > 0) {
      // Everything that arrived in this turn of the event loop goes together.
      await new Promise<void>(resolve => { setImmediate(resolve) })
      const batch = this.#takeBatch()
      if (batch.length === 0) continue
      this.#round = this.#commit(batch)
      await this.#round
    }
    this.#writing = undefined
  }

  /** One proposal for each address and each machine; what can't be is refused by what is known. */
  #takeBatch (): Queued[] {
    const batch: Queued[] = []
    const later: Queued[] = []
    for (const queued of this.#queue) {
      const { proposal: { lease: { ip } }, proposal } = queued
      const keys = this.#known.keysOf(proposal.lease)
      // What comes later of the same machine waits too: it was decided on what is written before.
      const waits = later.some(({ proposal: { lease } }) => this.#known.keysOf(lease).some(key => keys.includes(key)))
      if (waits || batch.length >= mostTogether || keys.some(key => this.#busy.has(key))) {
        later.push(queued)
        continue
      }
      const kept = this.#known.get(ip)
      const other = inTheWay(this.#known, queued, this.grace)
      if (kept !== undefined && isAnothers(kept, proposal, this.grace)) queued.resolve({ kind: 'refused', holder: kept })
      else if (kept !== undefined && outweighs(this.#known, kept, queued, { server: this.#options.server, grace: this.grace })) {
        this.#options.onLease(kept)
        queued.resolve({ kind: 'kept' })
      } else if (other !== undefined) queued.resolve({ kind: 'refused', holder: other })
      else {
        for (const key of keys) this.#busy.add(key)
        batch.push(queued)
      }
    }
    this.#queue = later
    return batch
  }

  async #commit (batch: readonly Queued[]): Promise<void> {
    const { state } = this.#options
    const written = batch.map(({ proposal: { lease } }) => neverShorter(this.#known.get(lease.ip), lease))
    const values = batch.map(({ proposal: { now } }, n) => leaseValue(written[n]!, this.#options.server, now))
    const keys = batch.map(({ proposal: { lease } }) => this.#known.keysOf(lease))
    const free = (n: number): void => { for (const key of keys[n]!) this.#busy.delete(key) }
    const transactions = written.map((lease, n) => this.#known.transactionOf(lease, values[n]!))
    try {
      const operations = transactions.map(one => leaseOperation(one, key => state.etcdKey(key)))
      const { responses, header } = await state.transact({ compare: [], success: operations })
      await Promise.all(batch.map(async (queued, n) => {
        const refused = refusalIn(responses[n]?.response_txn)
        const revision = Number(header.revision)
        if (refused === undefined) {
          this.#known.learnWritten(transactions[n]!, revision)
          free(n)
          this.#settleWith(queued, written[n]!, revision)
          return
        }
        const { machine } = transactions[n]!
        const found = refused.machine
        if (machine !== undefined) this.#known.bindings.learn(machine.key, found?.value, Number(found?.mod_revision ?? 0))
        // A member carried it out without answering, and the next one found it done.
        if (refused.address !== undefined && Buffer.from(refused.address.value).equals(values[n]!)) {
          free(n)
          this.#settleWith(queued, written[n]!, Number(refused.address.mod_revision))
        } else await this.#again(queued, refused, () => { free(n) })
      }))
    } catch (error) {
      for (const [n, queued] of batch.entries()) {
        free(n)
        this.#tellUnheard(queued)
        queued.reject(error)
      }
    }
  }

  /** What came of an address while its proposal was under way, which has failed. */
  #tellUnheard ({ proposal: { lease: { ip } } }: Queued): void {
    const kept = this.#known.get(ip)
    if (this.#unheard.delete(ip) && kept !== undefined) this.#options.onLease(kept)
  }

  #settleWith ({ resolve }: Queued, lease: Lease, revision: number): void {
    this.#unheard.delete(lease.ip)
    const known = this.#known.get(lease.ip)
    if (known === undefined || this.#known.revisionOf(lease.ip) <= revision) this.#known.set(lease, revision, this.#options.server)
    else this.#options.onLease(known)
    resolve({ kind: 'kept' })
  }

  /** Another provisioner was first, or etcd has forgotten what is known here. */
  async #again (queued: Queued, { address }: LeaseRefused, free: () => void): Promise<void> {
    const { lease, lease: { ip }, now } = queued.proposal
    try {
      if (address === undefined) this.#known.delete(ip)
      else {
        const news = this.#known.learn(leaseKey(ip), Buffer.from(address.value), Number(address.mod_revision), now)
        if (news !== undefined) this.#unheard.add(ip)
      }
      // The table may have moved on from this proposal, and then takes no refusal of it.
      if (this.#known.get(ip)?.mac !== lease.mac) this.#tellUnheard(queued)
      const other = this.#known.boundTo(lease)
      if (other !== undefined && other !== ip) await this.#look(other, now)
    } catch (error) {
      free()
      this.#tellUnheard(queued)
      queued.reject(error)
      return
    }
    free()
    if (++queued.tries < mostTries) this.#queue.push(queued)
    else queued.reject(new AppError('store_changed', `the lease of ${formatIpv4(ip)} is changed by others again and again`))
  }

  /** What etcd has of an address now. */
  async #look (ip: Ipv4, now: number): Promise<void> {
    const entry = await this.#options.state.read(leaseKey(ip))
    const lease = entry === undefined ? undefined : this.#known.learn(leaseKey(ip), entry.value, entry.revision, now)
    if (lease !== undefined) this.#options.onLease(lease)
  }

  #onChanges (changes: readonly EntryChange[]): void {
    const { onLease, now } = this.#options
    for (const { key, after } of changes) {
      const meaning = parseKey(key)
      if (meaning?.kind !== 'lease') continue
      if (after === undefined) {
        this.#known.delete(meaning.ip)
        continue
      }
      const lease = this.#known.learn(key, after.value, after.revision, now())
      if (lease === undefined) continue
      if (this.#busy.has(key)) this.#unheard.add(meaning.ip)
      else onLease(lease)
    }
  }
}
