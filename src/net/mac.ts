// Hardware addresses as Go's net.ParseMAC reads them, since Matchbox's selectors and labels are compared that way:
// 6, 8 or 20 octets in hex, separated by ':' or '-' (one octet a group) or by '.' (two octets a group).

/** A hardware address in its one normal form: lower case, octets separated by ':'. */
export type Mac = string & { readonly __mac: never }

/** Of six octets in normal form already, as iPXE writes them. */
const normal = /^[0-9a-f]{2}(?::[0-9a-f]{2}){5}$/
const octets = /^[0-9a-f]{2}(?:([:-])[0-9a-f]{2}(?:\1[0-9a-f]{2})*)$/i
const dotted = /^[0-9a-f]{4}(?:\.[0-9a-f]{4})+$/i
const lengths: ReadonlySet<number> = new Set([6, 8, 20])

/** The address in normal form, or undefined when Go's net.ParseMAC would refuse the text. */
export function parseMac (text: string): Mac | undefined {
  // Of two short pieces, each a copy: the text may be cut from a query of any length, and would keep all of it.
  if (text.length === 17 && normal.test(text)) return text.slice(0, 9) + text.slice(9) as Mac
  if (!octets.test(text) && !dotted.test(text)) return undefined
  const hex = text.replace(/[:.-]/g, '').toLowerCase()
  return lengths.has(hex.length / 2) ? hex.replace(/..(?=.)/g, '$&:') as Mac : undefined
}

const hexOf: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

/** The normal form of the octets of a chaddr or client identifier. */
export function macFromBytes (bytes: Uint8Array): Mac {
  let text = ''
  for (let i = 0; i < bytes.length; i++) text += i === 0 ? hexOf[bytes[i]!] : `:${hexOf[bytes[i]!]}`
  return text as Mac
}

export const macToBytes = (mac: Mac): Buffer => Buffer.from(mac.replaceAll(':', ''), 'hex')

const zeros = '00:00:00:00:00:00'

/** Why no machine has the address: the lowest bit of the first octet says that it is a group's (IEEE 802). undefined of one that may be. */
export const nobodys = (mac: Mac): string | undefined =>
  mac === zeros ? 'it is none' : (Number.parseInt(mac.slice(0, 2), 16) & 1) === 1 ? 'it stands for many' : undefined

/** The form that file names and kernel arguments use: `52-54-00-12-34-56` (iPXE's `hexhyp`, PXELINUX's `01-` names). */
export const hyphenated = (mac: Mac): string => mac.replaceAll(':', '-')
