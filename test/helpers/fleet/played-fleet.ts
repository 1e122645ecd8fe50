// Parts of provisioners on a played etcd and clock: what they share, as the program opens it, where the time passes when a test says so.
import { Buffer } from 'node:buffer'
import { type Logger, pino } from 'pino'
import type { Test } from 'tap'
import type { Clock } from '../../../src/base/clock.js'
import type { FleetCopyContent, FleetCopy } from '../../../src/cluster/fleet-copy.js'
import { SharedState } from '../../../src/cluster/shared-state.js'
import type { EtcdClient } from '../../../src/etcd/etcd-client.js'
import { FakeEtcd } from './fake-etcd.js'
import { FakeEtcdClient } from './fake-etcd-client.js'
import { Process, Timeline } from './timeline.js'

/** Milliseconds that a message takes in either direction. */
const delay = 1

export interface ShareOptions {
  /** By how many milliseconds it hears later of what others write. */
  readonly lateness?: () => number
  /** Whether it comes to a member. */
  readonly reaches?: (member: number) => boolean
  readonly readOnly?: boolean
  /** What its disk holds of before. */
  readonly copied?: FleetCopyContent
}

export interface Sharing {
  readonly state: SharedState
  readonly etcd: EtcdClient
  readonly clock: Clock
  readonly log: Logger
  /** Events of its log, by name. */
  readonly said: readonly string[]
  readonly process: Process
}

/** Remembers when it heard of a lease's owner. */
class ListeningEtcd extends FakeEtcd {
  readonly heard = new Map<string, number>()
  readonly #clock: Timeline

  constructor (clock: Timeline) {
    super(clock)
    this.#clock = clock
  }

  override keepAlive (id: string): number {
    this.heard.set(id, this.#clock.now)
    return super.keepAlive(id)
  }
}

export class PlayedFleet {
  readonly time = new Timeline()
  readonly etcd = new ListeningEtcd(this.time)
  readonly #t: Test

  constructor (t: Test) { this.#t = t }

  async wait (milliseconds: number): Promise<void> { await this.time.run(this.time.now + milliseconds) }

  /** What comes of it, while time passes. */
  async meanwhile<T> (act: Promise<T>): Promise<T> {
    const done: unknown[] = []
    act.then(() => { done.push('well') }, () => { done.push('badly') })
    for (let tries = 0; done.length === 0 && tries < 1000; tries++) await this.wait(20)
    return await act
  }

  /** Started. */
  async share ({ lateness = () => 0, reaches = () => true, readOnly = false, copied }: ShareOptions = {}): Promise<Sharing> {
    const process = new Process()
    const clock = this.time.clock(process, 0)
    const said: string[] = []
    const log = pino({}, { write: (line: string) => { said.push(String((JSON.parse(line) as { msg: unknown }).msg)) } })
    const etcd = new FakeEtcdClient({ etcd: this.etcd, time: this.time, owner: process, delay: () => delay, lateness, reaches }) as unknown as EtcdClient
    const copy = { load: async () => copied, note: () => {}, confirm: () => {}, close: async () => {} } as unknown as FleetCopy
    const state = new SharedState({ etcd, prefix: '/f/', clock, log, readOnly, random: () => 0.5, steady: () => 0, ...copied !== undefined && { copy: () => copy } })
    await this.meanwhile(state.start())
    this.#t.teardown(() => { process.alive = false })
    return { state, etcd, clock, log, said, process }
  }

  /** What etcd has under a key of the fleet. */
  kept (key: string): { readonly value: Buffer, readonly lease: string } | undefined {
    const { kvs: [kept] } = this.etcd.carryOut('Range', { key: Buffer.from(`/f/${key}`) }) as { readonly kvs: ReadonlyArray<{ readonly value: Buffer, readonly lease: string }> }
    return kept
  }

  /** As another provisioner does. */
  put (key: string, text: string): void {
    this.etcd.carryOut('Txn', { compare: [], success: [{ request_put: { key: Buffer.from(`/f/${key}`), value: Buffer.from(text) } }], failure: [] })
  }

  remove (key: string): void {
    this.etcd.carryOut('Txn', { compare: [], success: [{ request_delete_range: { key: Buffer.from(`/f/${key}`) } }], failure: [] })
  }

  /** All members at once. */
  become (state: 'up' | 'stopped' | 'down'): void { this.etcd.members.fill(state) }
}
