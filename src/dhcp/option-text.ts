// Options as a person writes them in a configuration, by number: `42: "192.168.100.5"`, `26: 9000`, `43: "0x060108ff"`.
import type { Ipv4 } from '../net/ipv4.js'
import { parseIpv4 } from '../net/ipv4.js'
import { optionNames, type OptionName } from './options.js'

export type OptionText = { readonly bytes: Uint8Array } | { readonly problem: string }

/** What the protocol itself fills in, and what only clients or relay agents send. */
const reserved: ReadonlySet<number> = new Set([0, 50, 51, 52, 53, 54, 55, 57, 61, 82, 255])

interface Form { readonly expected: string, readonly parse: (text: string) => Uint8Array | undefined }

const u32 = (value: number): number[] => [value >>> 24, value >>> 16 & 255, value >>> 8 & 255, value & 255]

function addresses (text: string): Uint8Array | undefined {
  const list = text.split(',').map(part => parseIpv4(part.trim()))
  return list.every((ip): ip is Ipv4 => ip !== undefined) ? Uint8Array.from(list.flatMap(u32)) : undefined
}

function whole (text: string, octets: 1 | 2 | 4): Uint8Array | undefined {
  const value = /^\d{1,10}$/.test(text) ? Number(text) : Infinity
  return value < 2 ** (8 * octets) ? Uint8Array.from(u32(value).slice(4 - octets)) : undefined
}

const hex: Form = {
  expected: 'octets in hex (0x0102ff)',
  parse: text => /^0x(?:[0-9a-f]{2})*$/i.test(text) ? Buffer.from(text.slice(2), 'hex') : undefined
}
const addressList: Form = { expected: 'IPv4 addresses, separated by commas', parse: addresses }
const address: Form = { expected: 'one IPv4 address', parse: text => text.includes(',') ? undefined : addresses(text) }
const u8: Form = { expected: 'a number of 0 to 255', parse: text => whole(text, 1) }
const u16: Form = { expected: 'a number of 0 to 65535', parse: text => whole(text, 2) }
const seconds: Form = { expected: 'a number of 0 to 4294967295', parse: text => whole(text, 4) }
const words: Form = { expected: 'text', parse: text => text === '' ? undefined : Buffer.from(text) }

/** What those options hold that people set by hand (RFC 2132); every one may be given in hex too. */
const forms: Readonly<Record<number, Form | undefined>> = {
  1: address,
  2: seconds,
  3: addressList,
  4: addressList,
  6: addressList,
  7: addressList,
  9: addressList,
  12: words,
  15: words,
  16: address,
  17: words,
  19: u8,
  23: u8,
  26: u16,
  28: address,
  33: addressList,
  35: seconds,
  41: addressList,
  42: addressList,
  44: addressList,
  46: u8,
  58: seconds,
  59: seconds,
  60: words,
  66: words,
  67: words,
  69: addressList,
  70: addressList,
  72: addressList,
  150: addressList
}

/**
 * The wire form of option `code` given as `text` (a number in the configuration as its digits). An option that is not in the
 * table is hex, addresses or text, whichever it looks like. No longer than what fits into one packet beside the rest.
 */
export function optionFromText (code: number, text: string): OptionText {
  if (!Number.isInteger(code) || code < 0 || code > 255) return { problem: `expected an option number of 1 to 254, not ${code}` }
  if (reserved.has(code)) return { problem: `option ${code}${named(code)} is the protocol's own and can't be set` }
  const form = forms[code]
  const bytes = hex.parse(text) ?? (form ?? anything).parse(text)
  if (bytes === undefined) return { problem: `expected ${(form ?? anything).expected} for option ${code}${named(code)}, or ${hex.expected}` }
  return bytes.length > 255 ? { problem: `option ${code}${named(code)} is longer than 255 octets` } : { bytes }
}

const anything: Form = { expected: 'text or IPv4 addresses', parse: text => addresses(text) ?? words.parse(text) }

function named (code: number): string {
  const name: OptionName | undefined = optionNames.get(code)
  return name === undefined ? '' : ` (${name})`
}
