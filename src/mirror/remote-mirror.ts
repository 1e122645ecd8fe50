// The service's side of the mirror's thread: started when there is something to do, ended when there was nothing for a while,
// given up when it is not heard of any more. Whatever ends it is a failure of what it was doing, and of nothing else.
import { setImmediate as turn } from 'node:timers/promises'
import type { Worker } from 'node:worker_threads'
import type { Clock, Timer } from '../base/clock.js'
import { AppError, type ErrorCode, unwaited } from '../base/errors.js'
import { startThread } from '../base/thread.js'
import type { ImagesTold } from './images-told.js'
import type { MirrorOptions, PrunedRelease } from './mirror.js'
import type { Progress, SyncResult } from './sync.js'

export type MirrorCall =
  | { readonly call: 'list', readonly id: number }
  /** `siblings` are origins. */
  | { readonly call: 'sync', readonly id: number, readonly siblings: readonly string[] }
  /** `texts` is how many have been sent before. */
  | { readonly call: 'prune', readonly id: number, readonly texts: number }
  | { readonly call: 'texts', readonly texts: readonly string[] }
  | { readonly call: 'stop' }

export type WorkerReply =
  | { readonly alive: true }
  | { readonly id: number, readonly result: SyncResult }
  | { readonly id: number, readonly progress: Progress }
  | { readonly id: number, readonly value: unknown }
  | { readonly id: number, readonly error: { readonly code: ErrorCode, readonly message: string } }

export interface RemoteMirrorOptions {
  readonly mirror: Omit<MirrorOptions, 'clock'>
  readonly clock: Clock
  /** Hears what ended the thread, with its place in the program. */
  readonly onCrash: (error: Error) => void
  /** The thread's program; the mirror's own by default. */
  readonly entry?: URL
}

/** Milliseconds without a call after which the thread is ended, and without a word after which it is given up. */
const idleAfter = 60_000
const silentAfter = 300_000
/** Octets of JavaScript objects in MiB: metadata and digests, never files. */
const mostMemory = 512
/** Texts that go to the thread at once. */
const batch = 200

interface PendingCall {
  readonly resolve: (value: unknown) => void
  readonly reject: (error: unknown) => void
  readonly onResult: (result: SyncResult) => void
  readonly onProgress: (progress: Progress) => void
}

// Beside this file as it is compiled, and beside main.js in the bundle. Node runs no TypeScript in a thread: from the sources it
// is what was built of them.
const ownEntry = new URL(import.meta.url.endsWith('.ts') ? '../../dist/mirror/mirror-worker.js' : './mirror-worker.js', import.meta.url)

interface Asked extends Pick<PendingCall, 'onResult' | 'onProgress'> { readonly texts: number, readonly siblings: readonly string[] }

export class RemoteMirror {
  readonly #options: RemoteMirrorOptions
  #worker: Worker | undefined
  /** Fulfilled when the thread has loaded its program, or ended. */
  #loaded: Promise<void> = Promise.resolve()
  #next = 0
  readonly #waiting = new Map<number, PendingCall>()
  #watch: Timer | undefined
  #heard = 0

  constructor (options: RemoteMirrorOptions) { this.#options = options }

  async list (): Promise<ImagesTold> { return await this.#call('list') as ImagesTold }

  /**
   * `onProgress` hears how far each source's file has come, twice a second at most and when it is whole. `siblings` are origins of other
   * provisioners.
   */
  async sync (
    onResult: (result: SyncResult) => void, onProgress: (progress: Progress) => void = () => {}, siblings: readonly string[] = []
  ): Promise<readonly SyncResult[]> {
    return await this.#call('sync', { onResult, onProgress, siblings }) as readonly SyncResult[]
  }

  /** As Mirror.prune, but gives what was removed; the texts are handed over a few at a time, with time for others in between. */
  async prune (texts: Iterable<string>): Promise<readonly PrunedRelease[]> {
    let some: string[] = []
    let sent = 0
    const send = async (): Promise<void> => {
      this.#post({ call: 'texts', texts: some })
      sent += some.length
      some = []
      await turn()
    }
    for (const text of texts) if (some.push(text) >= batch) await send()
    await send()
    return await this.#call('prune', { texts: sent }) as readonly PrunedRelease[]
  }

  /** Ends a sync that is under way, as soon as it can. */
  stop (): void { if (this.#waiting.size > 0) this.#post({ call: 'stop' }) }

  async close (): Promise<void> { await this.#end(new AppError('image_download_failed', 'the service ends')) }

  #post (message: MirrorCall): void { (this.#worker ??= this.#start()).postMessage(message) }

  async #call (
    call: 'list' | 'sync' | 'prune',
    { texts = 0, siblings = [], onResult = () => {}, onProgress = () => {} }: Partial<Asked> = {}
  ): Promise<unknown> {
    const id = this.#next++
    return await new Promise((resolve, reject) => {
      const messages = { list: { call: 'list', id }, sync: { call: 'sync', id, siblings }, prune: { call: 'prune', id, texts } } as const
      this.#post(messages[call])
      this.#waiting.set(id, { resolve, reject, onResult, onProgress })
      this.#heard = this.#options.clock.now()
      this.#watchOver()
    })
  }

  #start (): Worker {
    const { mirror, entry = ownEntry } = this.#options
    const worker = startThread(entry, { workerData: mirror, name: 'mirror', resourceLimits: { maxOldGenerationSizeMb: mostMemory } })
    worker.unref()
    this.#loaded = new Promise(resolve => { for (const sign of ['message', 'exit'] as const) worker.once(sign, () => { resolve() }) })
    worker.on('message', (answer: WorkerReply) => { this.#hear(answer) })
    worker.on('messageerror', error => { this.#crashed(worker, error) })
    worker.on('error', error => { this.#crashed(worker, error instanceof Error ? error : new Error(String(error))) })
    worker.on('exit', code => { this.#crashed(worker, new Error(`the mirror's thread ended with status ${code}`)) })
    return worker
  }

  #hear (answer: WorkerReply): void {
    this.#heard = this.#options.clock.now()
    if ('alive' in answer) return
    const waiting = this.#waiting.get(answer.id)
    if ('result' in answer) {
      waiting?.onResult(answer.result)
      return
    }
    if ('progress' in answer) {
      waiting?.onProgress(answer.progress)
      return
    }
    this.#waiting.delete(answer.id)
    if ('error' in answer) waiting?.reject(new AppError(answer.error.code, answer.error.message))
    else waiting?.resolve(answer.value)
    this.#watchOver()
  }

  /** Of a thread that was not ended from here. */
  #crashed (worker: Worker, error: Error): void {
    if (this.#worker !== worker) return
    this.#options.onCrash(error)
    unwaited(this.#end(new AppError('image_download_failed', `the mirror's thread ended: ${error.message}`), Promise.resolve()))
  }

  /** A thread that is ended while it loads an addon ends the process: koffi's throws into an isolate that takes no exception any more. */
  async #end (why: AppError, loaded = this.#loaded): Promise<void> {
    const worker = this.#worker
    this.#worker = undefined
    this.#watch?.cancel()
    const waiting = [...this.#waiting.values()]
    this.#waiting.clear()
    for (const { reject } of waiting) reject(why)
    worker?.ref()
    await loaded
    await worker?.terminate()
  }

  #watchOver (): void {
    const { clock } = this.#options
    this.#watch?.cancel()
    const busy = this.#waiting.size > 0
    this.#watch = clock.after(busy ? silentAfter : idleAfter, () => {
      const worker = this.#worker
      if (worker === undefined) return
      if (!busy) unwaited(this.#end(new AppError('image_download_failed', 'nothing was to be done')))
      // A clock that was set back says nothing of the thread.
      else if (Math.abs(clock.now() - this.#heard) >= silentAfter) this.#crashed(worker, new Error(`nothing was heard of the mirror's thread for ${silentAfter / 1000} seconds`))
      else this.#watchOver()
    })
  }
}
