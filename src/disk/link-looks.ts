// What links say, asked where nobody may wait: in a thread of its own (link-thread.ts), which a disk that does not answer
// may hold as long as it likes. Whoever asks is told in a moment, if only that nothing is known.
import { lstatSync, readlinkSync, realpathSync } from 'node:fs'
import { MessageChannel, type MessagePort, receiveMessageOnPort, type Worker } from 'node:worker_threads'
import { errnoOf } from '../base/errors.js'
import { startThread } from '../base/thread.js'

/** What a look found; undefined: what is not there. */
export type LinkSaid = string | undefined

export interface LinkLooks {
  /** Of each path where its link leads, '' for what is no link; undefined when the disk does not answer. */
  readonly links: (paths: readonly string[]) => readonly LinkSaid[] | undefined
  /** The path without links in it; undefined where there is none, or no answer. */
  readonly real: (path: string) => LinkSaid
}

export function readLink (path: string): LinkSaid {
  try {
    return lstatSync(path).isSymbolicLink() ? readlinkSync(path) : ''
  } catch (error) {
    // Moved between the two looks at it: whoever moves an alias renames, so that there is one again.
    return errnoOf(error) === 'EINVAL' ? '' : undefined
  }
}

export function realPath (path: string): LinkSaid {
  try {
    return realpathSync(path)
  } catch {
    return undefined
  }
}

/** For who may wait. */
export const looksHere: LinkLooks = { links: paths => paths.map(readLink), real: realPath }

export interface LinkCall { readonly id: number, readonly kind: keyof LinkLooks, readonly paths: readonly string[] }
export interface LinkAnswer { readonly id: number, readonly found: readonly LinkSaid[] }
/** In `state`, the last call that was begun and the last that was answered. */
export interface LinkThreadData { readonly port: MessagePort, readonly state: Int32Array }
export const beginsAt = 0
export const answersAt = 1

/** Milliseconds until the thread begins, which a busy machine may take, and for the disk from then on. */
const patience = { begin: 1000, answer: 40 } as const

const ownEntry = new URL(import.meta.url.endsWith('.ts') ? '../../dist/disk/link-thread.js' : './link-thread.js', import.meta.url)

export class LinkThread implements LinkLooks {
  readonly #port: MessagePort
  readonly #state = new Int32Array(new SharedArrayBuffer(8))
  readonly #worker: Worker
  #asked = 0
  #answered = 0
  #found: readonly LinkSaid[] = []
  #isGone = false

  private constructor (onCrash: (error: Error) => void) {
    const { port1, port2 } = new MessageChannel()
    this.#port = port1
    const data: LinkThreadData = { port: port2, state: this.#state }
    const resourceLimits = { maxYoungGenerationSizeMb: 2, maxOldGenerationSizeMb: 16 }
    this.#worker = startThread(ownEntry, { name: 'links', workerData: data, transferList: [port2], resourceLimits })
    this.#worker.on('error', error => { onCrash(error instanceof Error ? error : new Error(String(error))) })
    this.#worker.on('exit', () => { this.#isGone = true })
  }

  /** Once it runs; AppError `thread_failed` when it cannot. Whatever ends it later, links are read without it then. */
  static async start (onCrash: (error: Error) => void): Promise<LinkThread> {
    const thread = new LinkThread(onCrash)
    await new Promise<void>(resolve => {
      thread.#worker.once('online', resolve)
      thread.#worker.once('exit', () => { resolve() })
    })
    thread.#worker.unref()
    return thread
  }

  readonly links = (paths: readonly string[]): readonly LinkSaid[] | undefined => this.#isGone ? looksHere.links(paths) : this.#ask('links', paths)
  readonly real = (path: string): LinkSaid => this.#isGone ? looksHere.real(path) : this.#ask('real', [path])?.[0]

  /** Fulfilled when it has ended, which one that a disk holds does not. */
  async close (): Promise<void> {
    this.#port.close()
    this.#worker.ref()
    await this.#worker.terminate()
  }

  #ask (kind: LinkCall['kind'], paths: readonly string[]): readonly LinkSaid[] | undefined {
    this.#hear()
    if (this.#answered !== this.#asked) return undefined
    const before = this.#asked++
    const call: LinkCall = { id: this.#asked, kind, paths }
    this.#port.postMessage(call)
    if (Atomics.wait(this.#state, beginsAt, before, patience.begin) === 'timed-out') return undefined
    Atomics.wait(this.#state, answersAt, before, patience.answer)
    this.#hear()
    return this.#answered === this.#asked ? this.#found : undefined
  }

  #hear (): void {
    for (let heard = receiveMessageOnPort(this.#port); heard !== undefined; heard = receiveMessageOnPort(this.#port)) {
      const { id, found } = heard.message as LinkAnswer
      this.#answered = id
      this.#found = found
    }
  }
}
