// Who of the fleet is there: a key for each provisioner that goes with a lease of etcd's, 15 seconds after its owner was last heard of.
import { randomBytes } from 'node:crypto'
import type { Clock, Timer } from '../base/clock.js'
import { messageOf, unwaited } from '../base/errors.js'
import type { Logger } from '../base/log.js'
import type { EtcdClient, EtcdStream } from '../etcd/etcd-client.js'
import { formatKey, parseKey } from '../etcd/keys.js'
import type { Entry } from './entries.js'
import type { SharedState } from './shared-state.js'

export interface PresenceOptions {
  readonly etcd: EtcdClient
  readonly state: SharedState
  readonly name: string
  readonly version: string
  readonly clock: Clock
  readonly log: Logger
}

export interface Present { readonly name: string, readonly address: string }

/** Seconds. */
const timeToLive = 15
/** Milliseconds. */
const renewEvery = 5000

export class Presence {
  readonly #options: PresenceOptions
  /** Of this run: another process that calls itself so has another. */
  readonly #run = randomBytes(8).toString('hex')
  #address = ''
  #lease: string | undefined
  #stream: EtcdStream<{ readonly ID: string }, { readonly ID: string, readonly TTL: string }> | undefined
  #timer: Timer | undefined
  #working: Promise<void> = Promise.resolve()
  #present: readonly Present[] = []
  readonly #stop: Array<() => void> = []
  #closed = false

  constructor (options: PresenceOptions) { this.#options = options }

  /** There from now on, as soon as etcd is. `address` is told to the others: where this one answers machines. */
  async start (address: string): Promise<void> {
    this.#address = address
    const { state, clock } = this.#options
    this.#look()
    this.#stop.push(state.onChange('servers', () => { this.#look() }), state.onStanding(({ inStep }) => { if (inStep) unwaited(this.#renew()) }))
    this.#timer = clock.every(renewEvery, () => { unwaited(this.#renew()) })
    await this.#renew()
  }

  /** Those that are there, by name; as they were when etcd went away. */
  get present (): readonly Present[] { return this.#present }

  /** Says that it goes. */
  async close (): Promise<void> {
    this.#closed = true
    this.#timer?.cancel()
    for (const stop of this.#stop) stop()
    await this.#working
    this.#stream?.cancel()
    if (this.#lease !== undefined && this.#options.state.standing.inStep) await this.#options.etcd.call('LeaseRevoke', { ID: this.#lease }, 500).catch(() => {})
  }

  #look (): void {
    this.#present = [...this.#options.state.under('servers')].flatMap(([key, { value }]) => {
      const meaning = parseKey(key)
      return meaning?.kind === 'server' ? [{ name: meaning.name, address: fieldsOf(value).address ?? '' }] : []
    })
  }

  async #renew (): Promise<void> {
    const work = this.#working.then(async () => {
      if (this.#closed || !this.#options.state.standing.inStep) return
      try {
        if (this.#lease === undefined) await this.#appear()
        else this.#keepAlive(this.#lease)
        this.#assertAlone()
      } catch (error) {
        this.#options.log.warn({ error: messageOf(error) }, 'cluster.presence')
      }
    })
    this.#working = work
    await work
  }

  async #appear (): Promise<void> {
    const { etcd, state, name, version, clock } = this.#options
    const { ID: lease } = await etcd.call('LeaseGrant', { TTL: timeToLive })
    const value = Buffer.from(JSON.stringify({ address: this.#address, version, since: clock.now(), run: this.#run }))
    await state.transact({ compare: [], success: [{ request_put: { key: state.etcdKey(formatKey({ kind: 'server', name })), value, lease } }] })
    this.#lease = lease
    this.#stream = await etcd.stream('LeaseKeepAlive')
    this.#stream.on('data', ({ TTL: seconds }) => { if (Number(seconds) <= 0) this.#lost() })
    this.#stream.on('error', () => { this.#stream = undefined })
    this.#stream.on('end', () => { this.#stream = undefined })
  }

  #keepAlive (lease: string): void {
    if (this.#stream === undefined) return this.#lost()
    this.#stream.write({ ID: lease })
  }

  /** The lease is over, or nobody hears of it: with the next look there is another one. */
  #lost (): void {
    this.#lease = undefined
    this.#stream?.cancel()
    this.#stream = undefined
  }

  /** Two that are called the same take turns as one, and neither answers who is the other's. */
  #assertAlone (): void {
    const { state, name, log } = this.#options
    const there: Entry | undefined = state.get(formatKey({ kind: 'server', name }))
    const other = there === undefined ? undefined : fieldsOf(there.value)
    if (other === undefined || other.run === this.#run || this.#lease === undefined) return
    log.error({ name, address: other.address, hint: 'another provisioner has the same cluster.name: give each its own' }, 'cluster.name_taken')
    this.#lost()
  }
}

function fieldsOf (value: Buffer): { readonly address?: string, readonly run?: string } {
  try {
    const { address, run } = Object(JSON.parse(value.toString())) as { address?: unknown, run?: unknown }
    return { ...typeof address === 'string' && { address }, ...typeof run === 'string' && { run } }
  } catch {
    return {}
  }
}
