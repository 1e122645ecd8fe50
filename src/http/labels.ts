// A machine's labels: the query as Go's net/url reads it, the first value of each key, hardware addresses in normal form.
import { textOfBytes } from '../go/string.js'
import { isMacKey } from '../matchbox/group.js'
import type { Labels } from '../matchbox/select.js'
import { parseMac } from '../net/mac.js'
import { decodePercent } from './request-target.js'

const unescape = (text: string): string | undefined => {
  const decoded = decodePercent(text.includes('+') ? text.replaceAll('+', ' ') : text)
  return decoded === undefined ? undefined : textOfBytes(decoded)
}

/**
 * Pairs with a semicolon or a broken escape in them are passed over, and so is what should be a hardware address and is
 * none. `rawQuery` holds one character a byte.
 */
export function parseLabels (rawQuery: string): Labels {
  const labels = new Map<string, string>()
  const seen = new Set<string>()
  for (let start = 0; start < rawQuery.length;) {
    const end = rawQuery.indexOf('&', start)
    const pair = end < 0 ? rawQuery.slice(start) : rawQuery.slice(start, end)
    start = end < 0 ? rawQuery.length : end + 1
    if (pair === '' || pair.includes(';')) continue
    const equals = pair.indexOf('=')
    const key = unescape(equals < 0 ? pair : pair.slice(0, equals))
    const value = equals < 0 ? '' : unescape(pair.slice(equals + 1))
    if (key === undefined || value === undefined || seen.has(key)) continue
    seen.add(key)
    const label = isMacKey(key) ? parseMac(value) : value
    if (label !== undefined) labels.set(key, label)
  }
  return labels
}

/** The machine's hardware address, whatever the case of its key. */
export function macOf (labels: Labels): string | undefined {
  const mac = labels.get('mac')
  if (mac !== undefined) return mac
  for (const [key, value] of labels) if (isMacKey(key)) return value
  return undefined
}
