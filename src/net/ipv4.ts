// IPv4 addresses and subnets. An address is an unsigned 32-bit number in memory and dotted text at the edges.

/** An IPv4 address as an unsigned 32-bit number, most significant octet first. */
export type Ipv4 = number

export interface Subnet {
  readonly network: Ipv4
  /** Prefix length in bits, 0 to 32. */
  readonly prefix: number
  readonly mask: Ipv4
  readonly broadcast: Ipv4
}

export const unspecified: Ipv4 = 0
export const limitedBroadcast: Ipv4 = 0xffffffff

const [dot, zero] = [0x2e, 0x30]

/** The address, or undefined when the text is not four decimal octets without leading zeros. */
export function parseIpv4 (text: string): Ipv4 | undefined {
  let [value, octet, digits, dots] = [0, 0, 0, 0]
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    const digit = code - zero
    if (code === dot) {
      if (digits === 0 || ++dots > 3) return undefined
      value = value * 256 + octet
      octet = digits = 0
    } else {
      if (!(digit >= 0 && digit <= 9) || (digits > 0 && octet === 0)) return undefined
      octet = octet * 10 + digit
      digits++
      if (octet > 255) return undefined
    }
  }
  return dots === 3 && digits > 0 ? value * 256 + octet : undefined
}

export const formatIpv4 = (ip: Ipv4): string => `${ip >>> 24}.${ip >>> 16 & 255}.${ip >>> 8 & 255}.${ip & 255}`

/** An IP address in text, without the prefix that IPv6 sockets put before IPv4 ones (RFC 4291 section 2.5.5.2). */
export const unmapped = (address: string): string =>
  address.startsWith('::ffff:') ? address.replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/, '') : address

/** The address, or of IPv6 the network in which one host may make up addresses (RFC 4291 section 2.5.1: 64 bits). */
export function networkOf (address: string): string {
  const own = unmapped(address)
  if (!own.includes(':')) return own
  const [before = '', after = ''] = own.split('%', 1)[0]!.split('::')
  const head = before.split(':').filter(part => part !== '')
  const tail = after.split(':').filter(part => part !== '')
  return [...head, ...Array<string>(Math.max(0, 8 - head.length - tail.length)).fill('0'), ...tail].slice(0, 4).join(':')
}

export const maskOf = (prefix: number): Ipv4 => prefix === 0 ? 0 : (0xffffffff << (32 - prefix)) >>> 0

/** The length of the prefix that a mask is of; undefined for bits that are none. */
export function prefixOfMask (mask: Ipv4): number | undefined {
  const prefix = Math.clz32(~mask)
  return maskOf(prefix) === mask ? prefix : undefined
}

export function subnetOf (ip: Ipv4, prefix: number): Subnet {
  const mask = maskOf(prefix)
  const network = (ip & mask) >>> 0
  return { network, prefix, mask, broadcast: (network | ~mask) >>> 0 }
}

/** A subnet from `address/prefix` whose host bits are zero, else undefined. */
export function parseSubnet (text: string): Subnet | undefined {
  const [address = '', prefix = '', ...rest] = text.split('/')
  const ip = parseIpv4(address)
  if (ip === undefined || rest.length > 0 || !/^\d{1,2}$/.test(prefix) || Number(prefix) > 32) return undefined
  const subnet = subnetOf(ip, Number(prefix))
  return subnet.network === ip ? subnet : undefined
}

export const formatSubnet = (subnet: Subnet): string => `${formatIpv4(subnet.network)}/${subnet.prefix}`

export const contains = (subnet: Subnet, ip: Ipv4): boolean => ((ip & subnet.mask) >>> 0) === subnet.network
