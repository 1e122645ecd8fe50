// Addresses and names as other programs' lists write them, more loosely than this program does.
import { hostNamePattern } from '../net/host-name.js'
import { type Ipv4, parseIpv4 } from '../net/ipv4.js'
import { type Mac, parseMac } from '../net/mac.js'
import type { Fact, ListedHost, Place } from './host-list.js'
import { listError } from './source-text.js'

/**
 * A hardware address of six octets: also with single digits, as dhcpd and ethers(5) take them (`0:c:29:1:2:3`), and with no
 * separators at all. undefined for anything else.
 */
export function looseMac (text: string): Mac | undefined {
  const trimmed = text.trim()
  const plain = /^[0-9a-f]{12}$/i.test(trimmed) ? trimmed.replace(/..(?=.)/g, '$&:') : trimmed
  const padded = /^[0-9a-f]{1,2}(?:([:-])[0-9a-f]{1,2})(?:\1[0-9a-f]{1,2}){4}$/i.test(plain)
    ? plain.split(/[:-]/).map(octet => octet.padStart(2, '0')).join(':')
    : plain
  const mac = parseMac(padded)
  return mac?.length === 17 ? mac : undefined
}

/** As the configuration takes it. */
export const isHostName = (text: string): boolean => hostNamePattern.test(text) && parseIpv4(text) === undefined

/** What a role may be called: it becomes a word of other programs' files. */
const roleName = /^[a-z0-9](?:[\w.-]{0,62}[a-z0-9])?$/i

export const isRole = (text: string): boolean => roleName.test(text)

export function macFact (text: string, at: Place): Fact<Mac> {
  const value = looseMac(text)
  if (value === undefined) throw listError(at, `${quoted(text)} is no MAC address: six octets in hex, such as 00:0c:29:bd:7f:ec`)
  return { value, at }
}

export function ipFact (text: string, at: Place): Fact<Ipv4> {
  const value = parseIpv4(text.trim())
  if (value === undefined) throw listError(at, `${quoted(text)} is no IPv4 address`)
  return { value, at }
}

/** A dot at the end, as in zone files, is no part of the name. */
export function nameFact (text: string, at: Place): Fact<string> {
  const value = text.trim().replace(/\.$/, '')
  if (!isHostName(value)) throw listError(at, `${quoted(text)} is no host name: letters, digits and hyphens, in labels joined by dots`)
  return { value, at }
}

export function roleFact (text: string, at: Place): Fact<string> {
  const value = text.trim()
  if (!isRole(value)) throw listError(at, `${quoted(text)} is no name of a group: letters, digits, dots, hyphens and underscores`)
  return { value, at }
}

/** Entries of one name and address in one list: a machine with several network cards. */
export function joinCards (hosts: readonly ListedHost[]): readonly ListedHost[] {
  const joined: ListedHost[] = []
  const cards = new Map<string, Array<Fact<Mac>>>()
  for (const host of hosts) {
    const key = host.name === undefined || host.ip === undefined ? undefined : `${host.name.value.toLowerCase()} ${host.ip.value}`
    const before = key === undefined ? undefined : cards.get(key)
    if (before !== undefined) {
      for (const mac of host.macs) before.push(mac)
      continue
    }
    const macs = [...host.macs]
    joined.push({ ...host, macs })
    if (key !== undefined) cards.set(key, macs)
  }
  return joined
}

/** For a message: a value that is long is cut. */
export const quoted = (text: string): string => JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}...` : text)
