// Reservations a line each, as `hosts import` writes them: ten thousand of them are read in a hundredth of the time that a reader
// of all of YAML takes, so that a list is in force within a second. What is written in any other way is that reader's.
import { parseIpv4 } from '../net/ipv4.js'
import { parseMac } from '../net/mac.js'
import type { ReservationConfig } from './schema.js'

type Entry = ReservationConfig & { readonly source: string }

const entry = /^- \{ mac: "([0-9a-f:]{17})", ip: ([0-9.]{7,15})(?:, hostname: "([A-Za-z0-9.-]{1,253})")?(?:, role: "([\w.-]{1,64})")? \}$/

/**
 * The entries when every line is one, a comment or empty, else undefined. `isGood` says whether a name or a role may be so.
 */
export function parsePlainReservations (
  name: string, text: string, isGood: { readonly hostname: (text: string) => boolean, readonly role: (text: string) => boolean }
): readonly Entry[] | undefined {
  const entries: Entry[] = []
  for (const [index, line] of text.split('\n').entries()) {
    if (line === '' || line.startsWith('#')) continue
    const [, hex, dotted = '', hostname, role] = entry.exec(line) ?? []
    const mac = parseMac(hex ?? '')
    const ip = parseIpv4(dotted)
    if (mac === undefined || ip === undefined) return undefined
    if ((hostname !== undefined && !isGood.hostname(hostname)) || (role !== undefined && !isGood.role(role))) return undefined
    entries.push({ mac, ip, hostname, role, options: {}, source: `${name}:${index + 1}` })
  }
  return entries
}
