// A message as it may be shown: options that carry what nobody else is to read are x from end to end, and keep their length.
//   90        authentication, whose protocol 0 is a password as it is (RFC 3118 section 4)
//   190, 191  iPXE's user name and password, at the top or inside 175
import { headerLength, magicCookie } from './constants.js'

const secret: ReadonlySet<number> = new Set([90, 190, 191])
const ipxeEncapsulated = 175
const optionOverload = 52
const [snameAt, fileAt, fileEnd] = [44, 108, 236]

/** A copy. What is no DHCP message comes back as it is: the caller decides what of it is shown. */
export function withoutSecretOptions (message: Buffer): Buffer {
  const copy = Buffer.from(message)
  if (copy.length < headerLength || copy.readUInt32BE(headerLength - 4) !== magicCookie) return copy
  const overload = mask(copy.subarray(headerLength))
  if ((overload & 1) !== 0) mask(copy.subarray(fileAt, fileEnd))
  if ((overload & 2) !== 0) mask(copy.subarray(snameAt, fileAt))
  return copy
}

/** What option 52 says, 0 without it. */
function mask (options: Buffer): number {
  let overload = 0
  for (let at = 0; at < options.length;) {
    const code = options[at++]!
    if (code === 0) continue
    if (code === 255) break
    const length = options[at++] ?? 0
    const value = options.subarray(at, at + length)
    if (secret.has(code)) value.fill('x')
    else if (code === ipxeEncapsulated) mask(value)
    else if (code === optionOverload) overload = value[0] ?? 0
    at += length
  }
  return overload
}
