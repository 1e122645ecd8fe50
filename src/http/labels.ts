// A machine's labels: the query as Go's net/url reads it, the first value of each key, hardware addresses in normal form.
import { ownTextOf } from '../base/own-text.js'
import { parseQuery } from '../go/query.js'
import { isMacKey } from '../matchbox/group.js'
import type { Labels } from '../matchbox/select.js'
import { parseMac } from '../net/mac.js'

/** What should be a hardware address and is none is passed over. Labels outlive their query: each is a text of its own. */
export function parseLabels (rawQuery: string): Labels {
  const labels = new Map<string, string>()
  const seen = new Set<string>()
  for (const [key, value] of parseQuery(rawQuery)) {
    if (seen.has(key)) continue
    seen.add(key)
    const label = isMacKey(key) ? parseMac(value) : value
    if (label !== undefined) labels.set(ownTextOf(rawQuery, key), ownTextOf(rawQuery, label))
  }
  return labels
}
