// All keys below a prefix as they were at one revision, page by page: etcd answers no more than a few MiB at once.
import type { EtcdClient } from './etcd-client.js'
import { endOfPrefix } from './keys.js'
import type { RangeResponse } from './proto.js'

/** A value may have 1 MiB. */
const pageSize = 250
/** Milliseconds a page. */
const patience = 30_000

/** Throws AppError, as `call` does. */
export async function readPrefix (etcd: Pick<EtcdClient, 'call'>, prefix: string): Promise<{ readonly kvs: RangeResponse['kvs'], readonly revision: number }> {
  const kvs: Array<RangeResponse['kvs'][number]> = []
  let revision = 0
  for (let key = Buffer.from(prefix); ;) {
    const page = await etcd.call('Range', { key, range_end: endOfPrefix(prefix), limit: pageSize, ...revision > 0 && { revision } }, patience)
    if (revision === 0) revision = Number(page.header.revision)
    for (const kv of page.kvs) kvs.push(kv)
    const last = page.kvs.at(-1)
    if (!page.more || last === undefined) return { kvs, revision }
    key = Buffer.concat([last.key, Buffer.from([0])])
  }
}
