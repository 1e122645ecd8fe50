// An option's value from what a person writes in a configuration: text, a number, addresses, or 0x and bytes in hex.
import { parseIpv4 } from '../net/ipv4.js'
import { encodeOption, optionNames } from './options.js'

/**
 * The octets of option `code`, or undefined when `value` can't be meant for it. A number takes the width that the
 * option has; for an option that the table does not know it has to be written in bytes.
 */
export function encodeRawOption (code: number, value: string | number): Uint8Array | undefined {
  const name = optionNames.get(code)
  if (typeof value === 'number') {
    if (name === undefined) return undefined
    const bytes = encodeOption(name, value)
    return bytes.length > 0 && numberOf(bytes) === value ? bytes : undefined
  }
  const hex = /^0x((?:[0-9a-f]{2})+)$/i.exec(value)?.[1]
  if (hex !== undefined) return Buffer.from(hex, 'hex')
  const addresses = value.split(/[\s,]+/).map(parseIpv4)
  if (addresses.every(address => address !== undefined)) return encodeOption('router', addresses)
  return value === '' ? undefined : Buffer.from(value, 'utf8')
}

const numberOf = (bytes: Uint8Array): number => bytes.reduce((total, byte) => total * 256 + byte, 0)
