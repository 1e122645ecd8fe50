// The mirror in a thread of its own: what it reads, hashes and waits for holds nothing else up, and what goes wrong in it ends
// it alone. remote-mirror.ts starts it and speaks with it.
import { setPriority } from 'node:os'
import { parentPort, workerData } from 'node:worker_threads'
import { systemClock } from '../base/clock.js'
import { AppError, messageOf, unwaited } from '../base/errors.js'
import { type ImagesTold, tellImages } from './images-told.js'
import { Mirror, type MirrorOptions } from './mirror.js'
import type { WorkerReply, MirrorCall } from './remote-mirror.js'
import type { Progress } from './sync.js'

/** Of this thread only (setpriority(2) with 0 on Linux): machines that boot come first. */
const niceness = 10
const heartbeat = 10_000

try { setPriority(niceness) } catch { /* not allowed here: then it is as urgent as everything else */ }

const port = parentPort!
const mirror = new Mirror({ ...workerData as Omit<MirrorOptions, 'clock'>, clock: systemClock })
const stopping = new AbortController()
const texts: string[] = []

/** Milliseconds between two words of how far a source's file has come. */
const toldEvery = 500
const told = new Map<string, { readonly file: string, readonly at: number }>()

function tellProgress (id: number, progress: Progress): void {
  const { source, file, received, total } = progress
  const [last, at] = [told.get(source), systemClock.now()]
  if (last?.file === file && Math.abs(at - last.at) < toldEvery && received !== total) return
  told.set(source, { file, at })
  port.postMessage({ id, progress } satisfies WorkerReply)
}

const calls = {
  list: async () => tellImages(await mirror.list()),
  sync: async (message: MirrorCall & { readonly id: number }) => await mirror.sync({
    signal: stopping.signal,
    siblings: 'siblings' in message ? message.siblings : [],
    onProgress: progress => { tellProgress(message.id, progress) },
    onResult: result => { port.postMessage({ id: message.id, result } satisfies WorkerReply) }
  }),
  prune: async (message: MirrorCall & { readonly id: number }) => {
    const all = texts.splice(0)
    // Some were sent to a thread that ended meanwhile: what they name would go.
    if (!('texts' in message) || message.texts !== all.length) throw new AppError('read_failed', 'nothing is pruned: the store was not handed over whole')
    return (await mirror.prune(all)).filter(({ kept }) => kept === undefined)
  }
} as const

port.on('message', (message: MirrorCall) => {
  if (message.call === 'stop') {
    stopping.abort()
    return
  }
  if (message.call === 'texts') {
    texts.push(...message.texts)
    return
  }
  const { id, call } = message
  unwaited(calls[call](message).then(
    value => { port.postMessage({ id, value } satisfies WorkerReply, call === 'list' ? bytesIn(value as ImagesTold) : []) },
    (error: unknown) => { port.postMessage({ id, error: { code: error instanceof AppError ? error.code : 'write_failed', message: messageOf(error) } } satisfies WorkerReply) }
  ))
})

/** Handed over, not copied. */
const bytesIn = ({ json, metrics }: ImagesTold): ArrayBuffer[] => [json, metrics].map(({ buffer }) => buffer as ArrayBuffer)

const tellAlive = (): void => { port.postMessage({ alive: true } satisfies WorkerReply) }
tellAlive()
setInterval(tellAlive, heartbeat).unref()
