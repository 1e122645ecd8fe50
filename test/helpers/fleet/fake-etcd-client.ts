// A client of the etcd that is played: as the real one it turns to another member when one does not answer, over a network that loses what
// a partition drops.
import { AppError } from '../../../src/base/errors.js'
import type { EtcdStream } from '../../../src/etcd/etcd-client.js'
import type { CallName, EtcdCalls, StreamName } from '../../../src/etcd/proto.js'
import type { FakeEtcd } from './fake-etcd.js'
import type { Process, Timeline } from './timeline.js'

export interface FakeEtcdClientOptions {
  readonly etcd: FakeEtcd
  readonly time: Timeline
  readonly owner: Process
  /** Milliseconds that a message takes. */
  readonly delay: () => number
  /** And longer on a stream. */
  readonly lateness: () => number
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

  async call<N extends CallName> (name: N, request: EtcdCalls[N][0]): Promise<EtcdCalls[N][1]> {
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
    const { etcd, time, owner, delay, lateness, reaches } = this.#options
    const arrives = (): boolean => reaches(at) && etcd.members[at] === 'up'
    const carryOut: FakeStreamOptions['carryOut'] = (message, answer) => {
      if (name === 'Watch') return watched(etcd, message, answer)
      const { ID } = message as { readonly ID: string }
      answer({ ID, TTL: String(etcd.hasQuorum ? etcd.keepAlive(ID) : 0) })
      return undefined
    }
    const stream: FakeStream = new FakeStream({ time, owner, delay: () => delay() + lateness(), arrives, carryOut })
    this.#streams.set(stream, at)
    stream.on('close', () => { this.#streams.delete(stream) })
    return stream as unknown as EtcdStream<Q, R>
  }

  #leave (at: number): void {
    for (const [stream, on] of this.#streams) if (on === at) stream.cancel()
    if (this.#at === at) this.#at = (at + 1) % 3
  }

  /** undefined when there is no answer, whether or not it was carried out. */
  #ask<N extends CallName> (at: number, name: N, request: EtcdCalls[N][0]): Promise<EtcdCalls[N][1] | undefined> {
    const { etcd, time, owner, delay, reaches } = this.#options
    return new Promise((resolve, reject) => {
      const late = time.after(patience, () => { resolve(undefined) }, owner)
      const refuse = (): void => {
        late.cancel()
        time.after(delay(), () => { resolve(undefined) }, owner)
      }
      time.after(delay(), () => {
        if (!reaches(at) || etcd.members[at] === 'stopped') return
        if (etcd.members[at] === 'down' || !etcd.hasQuorum) return refuse()
        const answered = carriedOut(etcd, name, request)
        time.after(delay(), () => {
          if (!reaches(at) || etcd.members[at] !== 'up') return
          late.cancel()
          if (answered instanceof AppError) reject(answered)
          else resolve(answered as EtcdCalls[N][1])
        }, owner)
      })
    })
  }
}

function carriedOut (etcd: FakeEtcd, name: CallName, request: unknown): EtcdCalls[CallName][1] | AppError {
  try {
    return etcd.carryOut(name, request)
  } catch (error) {
    if (error instanceof AppError) return error
    throw error
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
        if (to === 'here') time.after(0, () => { if (!this.#ended) first.arrive() }, owner, 'stream')
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
