// Images sent by a thread of their own (image-thread.ts): what a rack downloads takes nothing of the time in which DHCP and
// scripts are answered. The thread begins with the first image and ends when none was asked for in a while.
import { closeSync, writeSync } from 'node:fs'
import type { Socket } from 'node:net'
import type { Worker } from 'node:worker_threads'
import type { Clock, Timer } from '../base/clock.js'
import { unwaited } from '../base/errors.js'
import { startThread } from '../base/thread.js'
import { type OpenedFile, openedFile } from '../disk/file-identity.js'
import type { FileDescriptor } from '../disk/open-file.js'
import { openEvent, secondDescriptor } from '../net/connection.js'

/** A part of an open file for a socket. Both descriptors stay open until the thread has said that it ended. */
export interface SendJob {
  readonly id: number
  readonly socket: number
  readonly file: number
  /** For people. */
  readonly path: string
  readonly place: string | Uint8Array
  readonly identity: OpenedFile
  readonly start: number
  readonly length: number
}

/** What the thread is told, and tells. */
export type SendCall = { readonly type: 'send' } & SendJob | { readonly type: 'cut', readonly id: number } | { readonly type: 'end' }
export type News =
  /** By identifier, octets that have left. */
  | { readonly type: 'progress', readonly far: ReadonlyArray<readonly [number, number]> }
  | { readonly type: 'ended', readonly id: number, readonly sent: Sent }

export interface FilePart { readonly path: string, readonly from: FileDescriptor, readonly start: number, readonly length: number }

/** How it went: octets that the connection took, whether those are all, and if not why, unless the client is gone. */
export interface Sent { readonly octets: number, readonly isWhole: boolean, readonly problem: string | undefined }

export interface FileSender {
  /** Octets: less is written faster than handed over. */
  readonly smallest: number
  /**
   * Sends what follows on a plain connection, on which nothing else may be written until then; undefined when the caller has to.
   * `onProgress` hears now and then how many octets have left.
   */
  send: (socket: Socket, part: FilePart, onProgress: (octets: number) => void) => Promise<Sent> | undefined
}

/** Milliseconds without anything to send after which the thread is ended. */
const idleAfter = 60_000
/** Milliseconds for which there is none after one that ended by an error: images leave without it meanwhile. */
const restAfterCrash = 60_000

interface Sending {
  readonly descriptor: number
  readonly onProgress: (octets: number) => void
  readonly done: (sent: Sent) => void
  octets: number
}

interface Thread { readonly worker: Worker, readonly wake: number }

export interface ImageThreadOptions {
  readonly clock: Pick<Clock, 'after'>
  /** Files at a time: each is one descriptor more. */
  readonly most: number
  /** The thread ended by an error: what was on its way is broken off. */
  readonly onCrash: (error: Error) => void
  /** What the thread runs, for tests. */
  readonly entry?: URL
}

// Beside this file as it is compiled, and beside main.js in the bundle; Node runs no TypeScript in a thread.
const ownEntry = new URL(import.meta.url.endsWith('.ts') ? '../../dist/assets/image-thread.js' : './image-thread.js', import.meta.url)

const one = BigUint64Array.of(1n)

export class ImageThread implements FileSender {
  readonly smallest = 512 * 1024
  readonly #options: ImageThreadOptions
  readonly #sendings = new Map<number, Sending>()
  #thread: Thread | undefined
  #idle: Timer | undefined
  #rest: Timer | undefined
  #nextId = 0
  #closed = false

  constructor (options: ImageThreadOptions) { this.#options = options }

  /** Files that are on their way. */
  get count (): number { return this.#sendings.size }

  send (socket: Socket, part: FilePart, onProgress: (octets: number) => void): Promise<Sent> | undefined {
    const { path, from: { fd, identity, place }, start, length } = part
    if (this.#closed || this.#rest !== undefined || this.#sendings.size >= this.#options.most) return undefined
    const descriptor = secondDescriptor(socket)
    if (descriptor === undefined) return undefined
    let thread: Thread
    try {
      thread = this.#thread ??= this.#start()
    } catch {
      // No descriptor is left, or no memory for a thread.
      closeSync(descriptor)
      return undefined
    }
    this.#idle?.cancel()
    const id = this.#nextId++
    const cut = (): void => { this.#call({ type: 'cut', id }) }
    const sent = new Promise<Sent>(resolve => {
      this.#sendings.set(id, {
        descriptor,
        onProgress,
        done: told => {
          socket.off('close', cut)
          resolve(told)
        },
        octets: 0
      })
    })
    this.#call({ type: 'send', id, socket: descriptor, file: fd, path, place, identity: openedFile(identity), start, length }, thread)
    // Of a connection's answers one is on its way at a time, but what else listens may be much.
    if (socket.listenerCount('close') >= socket.getMaxListeners()) socket.setMaxListeners(0)
    socket.once('close', cut)
    if (socket.destroyed) cut()
    return sent
  }

  /** What is on its way is broken off. */
  async close (): Promise<void> {
    this.#closed = true
    this.#rest?.cancel()
    await this.#end()
  }

  #call (call: SendCall, thread = this.#thread): void {
    if (thread === undefined) return
    thread.worker.postMessage(call)
    writeSync(thread.wake, one)
  }

  #start (): Thread {
    const wake = openEvent()
    let worker: Worker
    try {
      worker = startThread(this.#options.entry ?? ownEntry, { name: 'images', workerData: wake, trackUnmanagedFds: false })
    } catch (error) {
      closeSync(wake)
      throw error
    }
    worker.unref()
    const thread = { worker, wake }
    worker.on('message', (news: News) => { if (this.#thread === thread) this.#hear(news) })
    worker.on('error', error => {
      if (!this.#closed) this.#rest = this.#options.clock.after(restAfterCrash, () => { this.#rest = undefined })
      this.#options.onCrash(error instanceof Error ? error : new Error(String(error)))
    })
    worker.on('exit', () => {
      closeSync(wake)
      if (this.#thread === thread) this.#ended()
    })
    return thread
  }

  #hear (news: News): void {
    if (news.type === 'progress') {
      for (const [id, octets] of news.far) {
        const sending = this.#sendings.get(id)
        if (sending === undefined) continue
        sending.octets = octets
        sending.onProgress(octets)
      }
      return
    }
    const { id, sent } = news
    const sending = this.#sendings.get(id)
    this.#sendings.delete(id)
    sending?.done(sent)
    if (this.#sendings.size === 0 && !this.#closed) this.#idle = this.#options.clock.after(idleAfter, () => { unwaited(this.#end()) })
  }

  /** The thread is no more: its sockets are closed from here. */
  #ended (): void {
    this.#thread = undefined
    for (const { descriptor, octets, done } of this.#sendings.values()) {
      closeSync(descriptor)
      done({ octets, isWhole: false, problem: 'the thread of images ended' })
    }
    this.#sendings.clear()
  }

  async #end (): Promise<void> {
    this.#idle?.cancel()
    const thread = this.#thread
    if (thread === undefined) return
    // Of one that is idle the next image begins another.
    if (this.#sendings.size === 0) this.#thread = undefined
    thread.worker.ref()
    const exited = new Promise<void>(resolve => { thread.worker.once('exit', () => { resolve() }) })
    this.#call({ type: 'end' }, thread)
    await exited
  }
}
