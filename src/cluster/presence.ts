// Who of the fleet is there: a key for each provisioner that goes with a lease of etcd's, 15 seconds after its owner was last heard of.
import { randomBytes } from 'node:crypto'
import type { Clock, Timer } from '../base/clock.js'
import { messageOf, unwaited } from '../base/errors.js'
import type { Logger } from '../base/log.js'
import type { EtcdClient, EtcdStream } from '../etcd/etcd-client.js'
import { formatKey, parseKey } from '../etcd/keys.js'
import type { SharedEntry } from './entries.js'
import { mostAddresses, type ProvisionerRecord } from './other-provisioners.js'
import type { SharedState } from './shared-state.js'

export interface PresenceOptions {
  readonly etcd: EtcdClient
  readonly state: SharedState
  readonly name: string
  readonly version: string
  readonly clock: Clock
  readonly log: Logger
}

/** What the others are told. */
export type Announcement = Omit<ProvisionerRecord, 'name'>

type KeepAlive = EtcdStream<{ readonly ID: string }, { readonly ID: string, readonly TTL: string }>

/** Seconds. */
const timeToLive = 15
/** Milliseconds. */
const renewEvery = 5000
/** After a stream that ended, before there is another one. */
const pause = 1000
const twinRemembered = 60_000

export class Presence {
  readonly #options: PresenceOptions
  /** Of this run: another process that calls itself so has another. */
  readonly #run = randomBytes(8).toString('hex')
  #announce: () => Announcement = () => ({ address: '', addresses: [] })
  #announced = ''
  /** etcd's, of the last word of this run: what is known from before is that of who had the name before. */
  #announcedAt = 0
  #lease: string | undefined
  #stream: KeepAlive | undefined
  #timer: Timer | undefined
  #again: Timer | undefined
  #working: Promise<void> = Promise.resolve()
  #present: readonly ProvisionerRecord[] = []
  #twin: { readonly address: string, readonly at: number } | undefined
  readonly #stop: Array<() => void> = []
  #closed = false

  constructor (options: PresenceOptions) { this.#options = options }

  /** There from now on, as soon as etcd is. What `announce` gives is told to the others, anew when it has become another. */
  async start (announce: () => Announcement): Promise<void> {
    this.#announce = announce
    const { state, clock } = this.#options
    this.look()
    this.#stop.push(state.onChange('servers', () => { this.look() }), state.onStanding(({ inStep }) => { if (inStep) unwaited(this.#renew()) }))
    this.#timer = clock.every(renewEvery, () => { unwaited(this.#renew()) })
    await this.#renew()
  }

  /** Where another process of this name answers, if one was there a moment ago. */
  get twin (): string | undefined {
    return this.#twin !== undefined && Math.abs(this.#options.clock.now() - this.#twin.at) < twinRemembered ? this.#twin.address : undefined
  }

  /** Those that are there, by name; as they were when etcd went away. */
  get present (): readonly ProvisionerRecord[] { return this.#present }

  /** Says that it goes. */
  async close (): Promise<void> {
    this.#closed = true
    this.#timer?.cancel()
    this.#again?.cancel()
    for (const stop of this.#stop) stop()
    await this.#working
    this.#stream?.cancel()
    if (this.#lease !== undefined && this.#options.state.standing.inStep) await this.#options.etcd.call('LeaseRevoke', { ID: this.#lease }, 500).catch(() => {})
  }

  /** Takes who is there from what is known: by itself as soon as it is started. */
  look (): void {
    this.#present = [...this.#options.state.under('servers')].flatMap(([key, { value }]) => {
      const meaning = parseKey(key)
      return meaning?.kind === 'server' ? [{ name: meaning.name, ...fieldsOf(value) }] : []
    })
  }

  async #renew (): Promise<void> {
    const work = this.#working.then(async () => {
      if (this.#closed) return
      if (!this.#options.state.standing.inStep) {
        // An etcd without space takes nothing new, and keeps who was there; nor is one that was late for a call always away.
        if (this.#lease !== undefined) await this.#keepAlive(this.#lease).catch(() => {})
        return
      }
      try {
        if (this.#lease === undefined) await this.#appear()
        else {
          if (this.#announced !== JSON.stringify(this.#announce())) await this.#write(this.#lease)
          await this.#keepAlive(this.#lease)
        }
        this.#assertAlone()
      } catch (error) {
        this.#options.log.warn({ error: messageOf(error) }, 'cluster.presence')
      }
    })
    this.#working = work
    await work
  }

  async #appear (): Promise<void> {
    const { etcd } = this.#options
    const { ID: lease } = await etcd.call('LeaseGrant', { TTL: timeToLive })
    await this.#write(lease)
    this.#lease = lease
  }

  async #write (lease: string): Promise<void> {
    const { state, name, version, clock } = this.#options
    const announced = this.#announce()
    const value = Buffer.from(JSON.stringify({ ...announced, version, since: clock.now(), run: this.#run }))
    const { header } = await state.transact({ compare: [], success: [{ request_put: { key: state.etcdKey(formatKey({ kind: 'server', name })), value, lease } }] })
    this.#announcedAt = Number(header.revision)
    this.#announced = JSON.stringify(announced)
  }

  /** With a stream that ended, as all do when a call came to nothing, the lease has not: the next one goes on with it. */
  async #keepAlive (lease: string): Promise<void> {
    this.#stream ??= await this.#listen(lease)
    this.#stream.write({ ID: lease })
  }

  async #listen (lease: string): Promise<KeepAlive> {
    const stream: KeepAlive = await this.#options.etcd.stream('LeaseKeepAlive')
    const ended = (): void => {
      if (this.#stream !== stream) return
      this.#stream = undefined
      // What was on its way went with it.
      if (!this.#closed) this.#again = this.#options.clock.after(pause, () => { unwaited(this.#renew()) })
    }
    stream.on('error', ended)
    stream.on('end', ended)
    stream.on('data', ({ TTL: seconds }) => {
      if (Number(seconds) > 0 || this.#lease !== lease) return
      this.#lost()
      unwaited(this.#renew())
    })
    return stream
  }

  /** The lease is over, or another's by now: with the next look there is another one. */
  #lost (): void {
    this.#lease = undefined
    this.#stream?.cancel()
    this.#stream = undefined
  }

  /** Two that are called the same take turns as one, and neither answers who is the other's. */
  #assertAlone (): void {
    const { state, name, log } = this.#options
    const there: SharedEntry | undefined = state.get(formatKey({ kind: 'server', name }))
    if (there === undefined || there.revision <= this.#announcedAt) return
    const other = fieldsOf(there.value)
    if (other.run === this.#run || this.#lease === undefined) return
    // They write over each other in turns: that is told once.
    if (this.twin === undefined) log.error({ name, address: other.address, hint: 'another provisioner has the same cluster.name: give each its own' }, 'cluster.name_taken')
    this.#twin = { address: other.address ?? '', at: this.#options.clock.now() }
    this.#lost()
  }
}

function fieldsOf (value: Buffer): Announcement & { readonly run?: string } {
  try {
    const { address, addresses, httpsPort, run } = Object(JSON.parse(value.toString())) as Readonly<Record<string, unknown>>
    const told = Array.isArray(addresses) ? addresses.slice(0, mostAddresses).filter(one => typeof one === 'string') : []
    const isPort = typeof httpsPort === 'number' && Number.isInteger(httpsPort) && httpsPort >= 0 && httpsPort <= 65535
    return { address: typeof address === 'string' ? address : '', addresses: told, ...isPort && { httpsPort }, ...typeof run === 'string' && { run } }
  } catch {
    return { address: '', addresses: [] }
  }
}
