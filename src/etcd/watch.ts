// Watching a prefix from a revision on. The events of one revision are handed over together; whatever ends the watch is told once, a
// compaction as such: etcd then says `canceled` with a number and no reason. Who was away is told of a thousand revisions at once: they
// are handed over some in a turn of the event loop.
import { AppError, messageOf, unwaited } from '../base/errors.js'
import { LoopShare } from '../base/loop-share.js'
import type { EtcdClient, EtcdStream } from './etcd-client.js'
import type { WatchResponse, WireKeyValue } from './proto.js'

export interface WatchOptions {
  readonly key: Buffer
  readonly rangeEnd: Buffer
  /** The first revision that is told. */
  readonly from: number
  /** Milliseconds of a clock that nobody sets. */
  readonly steady?: () => number
  readonly onEvents: (revision: number, events: readonly WatchEvent[]) => void
  /** Once; nothing is told afterwards. AppError etcd_compacted where `from` is forgotten. */
  readonly onEnd: (error: AppError) => void
  /** It is known to etcd. */
  readonly onCreated?: () => void
}

export interface WatchEvent { readonly type: 'PUT' | 'DELETE', readonly kv: WireKeyValue }

/** Ends when the returned function is called. After any end nothing more is told, of what had come neither. */
export async function watchPrefix (etcd: EtcdClient, options: WatchOptions): Promise<() => void> {
  const { key, rangeEnd, from, steady, onEvents, onEnd, onCreated } = options
  const stream: EtcdStream<object, WatchResponse> = await etcd.stream('Watch')
  let ended = false
  /** Pieces of a response, and events of a revision that may not be whole yet. */
  let pending: WatchEvent[] = []
  /** Revisions to be handed over, one after the other. */
  let whole: WatchEvent[][] = []
  let isHandingOver = false
  const handOver = async (): Promise<void> => {
    if (isHandingOver) return
    isHandingOver = true
    try {
      const share = new LoopShare({ ...steady !== undefined && { steady } })
      while (whole.length > 0) {
        const revisions = whole
        whole = []
        for (const events of revisions) {
          if (share.isOver) {
            stream.pause()
            await share.next()
            stream.resume()
          }
          if (ended) return
          onEvents(Number(events[0]!.kv.mod_revision), events)
        }
      }
    } finally {
      isHandingOver = false
    }
  }
  const end = (error: AppError): void => {
    if (ended) return
    ended = true
    stream.cancel()
    onEnd(error)
  }
  stream.on('data', (response: WatchResponse) => {
    if (ended) return
    if (etcd.cluster !== undefined && response.header.cluster_id !== etcd.cluster) return end(new AppError('etcd_foreign', 'another etcd cluster answers the watch'))
    if (Number(response.compact_revision) > 0) return end(new AppError('etcd_compacted', `etcd has forgotten revision ${from}: the first it knows is ${response.compact_revision}`))
    if (response.canceled) return end(new AppError('etcd_away', `etcd ended the watch: ${response.cancel_reason || 'it gave no reason'}`))
    if (response.created) return onCreated?.()
    pending.push(...response.events)
    if (response.fragment) return
    for (const events of byRevision(pending)) whole.push(events)
    pending = []
    unwaited(handOver())
  })
  stream.on('error', (error: Error) => { end(new AppError('etcd_away', `the watch on etcd ended: ${messageOf(error)}`)) })
  stream.on('end', () => { end(new AppError('etcd_away', 'the watch on etcd ended')) })
  stream.write({ create_request: { key, range_end: rangeEnd, start_revision: from, fragment: true } })
  return () => {
    ended = true
    stream.cancel()
  }
}

function byRevision (events: readonly WatchEvent[]): readonly WatchEvent[][] {
  const groups: WatchEvent[][] = []
  for (const event of events) {
    const last = groups.at(-1)
    if (last?.[0]!.kv.mod_revision === event.kv.mod_revision) last.push(event)
    else groups.push([event])
  }
  return groups
}
