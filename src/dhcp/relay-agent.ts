// Relay agent information, option 82: RFC 3046 (the sub-options), RFC 3527 (link selection), RFC 5107 (server identifier
// override). The server gives the whole option back as it came; only these two change what it does.
import type { Ipv4 } from '../net/ipv4.js'

const linkSelectionCode = 5
const serverIdOverrideCode = 11

/** The value of a sub-option, undefined when it is absent or the list is cut short before it. */
export function subOption (value: Buffer, wanted: number): Buffer | undefined {
  for (let at = 0; at + 2 <= value.length;) {
    const length = value.readUInt8(at + 1)
    if (at + 2 + length > value.length) return undefined
    if (value.readUInt8(at) === wanted) return value.subarray(at + 2, at + 2 + length)
    at += 2 + length
  }
  return undefined
}

/** An address on the link that the client is on, when the relay agent names one (sub-option 5). */
export const linkSelection = (value: Buffer | undefined): Ipv4 | undefined => addressIn(value, linkSelectionCode)

/** The address that the relay agent wants clients to know the server by, so that their renewals come through it (sub-option 11). */
export const serverIdOverride = (value: Buffer | undefined): Ipv4 | undefined => addressIn(value, serverIdOverrideCode)

function addressIn (value: Buffer | undefined, code: number): Ipv4 | undefined {
  const found = value === undefined ? undefined : subOption(value, code)
  return found?.length === 4 ? found.readUInt32BE() : undefined
}
