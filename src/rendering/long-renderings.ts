// Renderings that take long go on in a thread of their own, one at a time: a template or config of megabytes, or one that loops. Who
// asks from one address waits behind himself; the addresses take turns. The thread is started when there is something to do, ended
// when there was nothing for a while, and given up when a rendering does not come to its end.
import type { Worker } from 'node:worker_threads'
import type { Clock, Timer } from '../base/clock.js'
import { AppError, type ErrorCode, messageOf, unwaited } from '../base/errors.js'
import { startThread } from '../base/thread.js'
import type { DocumentBody } from '../matchbox/config-documents.js'
import { encodeGroup } from '../matchbox/group.js'
import type { Aside, LongRendering } from '../matchbox/provisioner.js'
import type { ConfigFile, ConfigKind, SharedKind } from '../matchbox/store.js'

export interface ThreadCall {
  /** As which document. */
  readonly as: ConfigKind
  readonly file: SharedMemoryFile
  /** What templates may call and carry, where it is not what it was at the call before. */
  readonly shared: SharedTexts | undefined
  readonly group: Uint8Array
  readonly labels: ReadonlyArray<readonly [string, string]>
  readonly rawQuery: string
  readonly client: string | undefined
}

/** A file of the store, copied once. */
export interface SharedMemoryFile extends Pick<ConfigFile, 'kind' | 'name'> {
  /** The same for the same version of the file. */
  readonly id: number
  readonly content: SharedArrayBuffer
}

export interface SharedTexts extends Readonly<Record<SharedKind, readonly SharedMemoryFile[]>> {
  readonly own: ReadonlyMap<string, string> | undefined
}

interface Failure { readonly code: ErrorCode, readonly message: string }

export type ThreadAnswer =
  | { readonly failed: Failure }
  | { readonly made: Omit<DocumentBody, 'body' | 'error' | 'boot'> & MadeBody }

interface MadeBody {
  readonly body: Uint8Array | undefined
  /** The body is the file as it is. */
  readonly isFile: boolean
  readonly error: Failure | undefined
}

export interface LongRenderingsOptions {
  readonly clock: Clock
  /** Hears what ended the thread. */
  readonly onCrash: (error: Error) => void
  /** The thread's program; its own by default. */
  readonly entry?: URL
}

/** Renderings that wait, of one address and of all. */
export const mostWaiting = { each: 8, all: 64 } as const
/** Milliseconds for one. */
export const longestRendering = 30_000
/** Octets of JavaScript objects in MiB. */
const mostMemory = 512
/** Milliseconds without a rendering after which the thread is ended. */
const idleAfter = 60_000

interface Job {
  readonly rendering: LongRendering
  readonly resolve: (made: DocumentBody) => void
  readonly reject: (error: AppError) => void
}

// Beside this file as it is compiled, and beside main.js in the bundle. Node runs no TypeScript in a thread: from the sources it
// is what was built of them.
const ownEntry = new URL(import.meta.url.endsWith('.ts') ? '../../dist/rendering/render-thread.js' : './render-thread.js', import.meta.url)

export class LongRenderings implements Aside {
  readonly #options: LongRenderingsOptions
  /** Of each address, in the order in which it is their turn. */
  readonly #waiting = new Map<string, Job[]>()
  #count = 0
  #now: Job | undefined
  #worker: Worker | undefined
  #watch: Timer | undefined
  #closed = false
  readonly #files = new WeakMap<ConfigFile, SharedMemoryFile>()
  /** What the thread was told of shared texts. */
  #told: Pick<LongRendering, 'shared' | 'ownSnippets'> | undefined
  #nextFile = 0

  constructor (options: LongRenderingsOptions) { this.#options = options }

  /** Those that are under way or wait. */
  get count (): number { return this.#count + (this.#now === undefined ? 0 : 1) }

  async make (rendering: LongRendering): Promise<DocumentBody> {
    const client = rendering.request.client ?? ''
    const own = this.#waiting.get(client) ?? []
    if (this.#closed || own.length >= mostWaiting.each || this.#count >= mostWaiting.all) {
      const { kind, name } = rendering.file
      throw new AppError('render_busy', `${kind}/${name} takes long to render, and so many wait already: ${own.length} of ${client}, ${this.#count} in all`)
    }
    return await new Promise((resolve, reject) => {
      own.push({ rendering, resolve, reject })
      this.#waiting.set(client, own)
      this.#count++
      this.#next()
    })
  }

  async close (): Promise<void> {
    this.#closed = true
    const why = new AppError('render_failed', 'the service ends')
    for (const jobs of this.#waiting.values()) for (const { reject } of jobs) reject(why)
    this.#waiting.clear()
    this.#count = 0
    await this.#end(why)
  }

  #next (): void {
    if (this.#now !== undefined) return
    this.#watch?.cancel()
    const [first] = this.#waiting
    if (first === undefined) {
      this.#watch = this.#options.clock.after(idleAfter, () => { unwaited(this.#end(new AppError('render_failed', 'nothing was to be done'))) })
      return
    }
    const [client, jobs] = first
    const job = jobs.shift()!
    this.#count--
    this.#waiting.delete(client)
    if (jobs.length > 0) this.#waiting.set(client, jobs)
    this.#now = job
    let worker: Worker
    try {
      worker = this.#worker ??= this.#start()
    } catch (error) {
      this.#now = undefined
      this.#options.onCrash(error instanceof Error ? error : new Error(String(error)))
      job.reject(new AppError('render_failed', messageOf(error)))
      this.#next()
      return
    }
    const { kind: as, file, file: { kind, name }, group, request: { labels, rawQuery, client: from } } = job.rendering
    const shared = this.#newsOfShared(job.rendering)
    const asked = { group: encodeGroup(group), labels: [...labels], rawQuery, client: from }
    const call: ThreadCall = { as, file: this.#fileFor(file), shared, ...asked }
    worker.postMessage(call)
    this.#watch = this.#options.clock.after(longestRendering, () => {
      this.#crashed(worker, new Error(`${kind}/${name} was not rendered within ${longestRendering / 1000} s`))
    })
  }

  /** Copied once, however often it is rendered. */
  #fileFor (file: ConfigFile): SharedMemoryFile {
    const known = this.#files.get(file)
    if (known !== undefined) return known
    const content = new SharedArrayBuffer(file.content.length)
    new Uint8Array(content).set(file.content)
    const made = { id: this.#nextFile++, kind: file.kind, name: file.name, content }
    this.#files.set(file, made)
    return made
  }

  #newsOfShared ({ shared, ownSnippets }: LongRendering): SharedTexts | undefined {
    const told = this.#told
    const isKnown = shared.snippets === told?.shared.snippets && shared.files === told.shared.files && ownSnippets === told.ownSnippets
    if (isKnown) return undefined
    this.#told = { shared, ownSnippets }
    const of = (kind: SharedKind): SharedMemoryFile[] => [...shared[kind].values()].map(file => this.#fileFor(file))
    return { snippets: of('snippets'), files: of('files'), own: ownSnippets }
  }

  #start (): Worker {
    this.#told = undefined
    const worker = startThread(this.#options.entry ?? ownEntry, { name: 'renderings', resourceLimits: { maxOldGenerationSizeMb: mostMemory } })
    worker.unref()
    worker.on('message', (answer: ThreadAnswer) => { if (this.#worker === worker) this.#hear(answer) })
    worker.on('messageerror', error => { this.#crashed(worker, error) })
    worker.on('error', error => { this.#crashed(worker, error instanceof Error ? error : new Error(String(error))) })
    worker.on('exit', code => { this.#crashed(worker, new Error(`the thread of renderings ended with status ${code}`)) })
    return worker
  }

  #hear (answer: ThreadAnswer): void {
    const job = this.#now
    this.#now = undefined
    if (job === undefined) return
    if ('failed' in answer) {
      job.reject(new AppError(answer.failed.code, answer.failed.message))
    } else {
      const { body, isFile, error, ...rest } = answer.made
      const content = isFile ? job.rendering.file.content : body && Buffer.from(body.buffer, body.byteOffset, body.length)
      job.resolve({ ...rest, body: content, error: error && new AppError(error.code, error.message) })
    }
    this.#next()
  }

  /** Of a thread that was not ended from here. */
  #crashed (worker: Worker, error: Error): void {
    if (this.#worker !== worker) return
    this.#options.onCrash(error)
    unwaited(this.#end(new AppError('render_failed', error.message)).finally(() => { if (!this.#closed) this.#next() }))
  }

  async #end (why: AppError): Promise<void> {
    const [worker, job] = [this.#worker, this.#now]
    this.#worker = undefined
    this.#now = undefined
    this.#watch?.cancel()
    job?.reject(why)
    await worker?.terminate()
  }
}
