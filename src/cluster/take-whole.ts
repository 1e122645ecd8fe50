// What was read whole takes the place of what is known here, some of it in each turn of the event loop: what changed in the order in which
// it did, as a watch tells it, that of one revision at once, and what is gone last, since nobody knows when it went.
import type { LoopShare } from '../base/loop-share.js'
import type { WireKeyValue } from '../etcd/proto.js'
import type { Entries, EntryChange, SharedEntry } from './entries.js'

/** What was read, against what is known. */
export interface Whole {
  readonly keys: ReadonlySet<string>
  /** In the order of their revisions. */
  readonly changed: ReadonlyArray<{ readonly key: string, readonly after: SharedEntry }>
  /** It is of another history: something in it changed last before the change that is known here. */
  readonly isBehind: boolean
}

/** So many, of whole revisions, are put in force at once: whoever hears of changes does something for each time, too. */
const atOnce = 32

export async function compareWhole (
  entries: Entries, kvs: readonly WireKeyValue[], keyOf: (key: Buffer) => string, share: LoopShare
): Promise<Whole> {
  const keys = new Set<string>()
  const changed: Array<{ readonly key: string, readonly after: SharedEntry }> = []
  let isBehind = false
  for (const { key: wireKey, value, mod_revision: modified } of kvs) {
    if (share.isOver) await share.next()
    const [key, revision] = [keyOf(wireKey), Number(modified)]
    keys.add(key)
    const known = entries.get(key)?.revision
    if (known !== undefined && known > revision) isBehind = true
    if (known !== revision) changed.push({ key, after: { value, revision } })
  }
  changed.sort((one, other) => one.after.revision - other.after.revision)
  return { keys, changed, isBehind }
}

export async function takeWhole (
  entries: Entries, { keys, changed }: Whole, apply: (changes: ReadonlyArray<Omit<EntryChange, 'before'>>) => void, share: LoopShare
): Promise<void> {
  for (let from = 0, to = 0; from < changed.length; from = to) {
    to = Math.min(from + atOnce, changed.length)
    while (changed[to]?.after.revision === changed[to - 1]!.after.revision) to++
    if (share.isOver) await share.next()
    apply(changed.slice(from, to))
  }
  const gone = entries.keysBut(keys)
  for (let from = 0; from < gone.length; from += atOnce) {
    if (share.isOver) await share.next()
    apply(gone.slice(from, from + atOnce).map(key => ({ key, after: undefined })))
  }
}
