// A message in one readable line, for the log at debug and for tests' golden descriptions.
import { formatIpv4 } from '../net/ipv4.js'
import { macFromBytes } from '../net/mac.js'
import type { OptionName, Options } from './options.js'
import type { DhcpPacket } from './packet.js'

const addresses: ReadonlySet<OptionName> = new Set([
  'subnetMask', 'router', 'domainNameServer', 'broadcastAddress', 'ntpServers', 'requestedIpAddress', 'serverIdentifier'
])

/** `DISCOVER xid=5a3c01f2 52:54:00:12:34:56 vendorClassIdentifier="PXEClient:Arch:00000" ...` */
export function describePacket (packet: DhcpPacket): string {
  const { dhcpMessageType = 'BOOTP', ...options } = packet.options
  const header = (['ciaddr', 'yiaddr', 'siaddr', 'giaddr'] as const)
    .filter(field => packet[field] !== 0).map(field => `${field}=${formatIpv4(packet[field])}`)
  return [
    dhcpMessageType,
    `xid=${packet.xid.toString(16).padStart(8, '0')}`,
    macFromBytes(packet.chaddr),
    ...packet.flags === 0 ? [] : [`flags=${packet.flags.toString(16)}`],
    ...header,
    ...packet.sname === '' ? [] : [`sname=${JSON.stringify(packet.sname)}`],
    ...packet.file === '' ? [] : [`file=${JSON.stringify(packet.file)}`],
    ...describeOptions(options)
  ].join(' ')
}

function describeOptions ({ other, ...named }: Options): string[] {
  return [
    ...Object.entries(named).map(([name, value]) => `${name}=${describeValue(name as OptionName, value)}`),
    ...[...other ?? []].map(([code, value]) => `${code}=${Buffer.from(value).toString('hex')}`)
  ]
}

function describeValue (name: OptionName, value: unknown): string {
  if (Buffer.isBuffer(value)) return value.toString('hex')
  if (Array.isArray(value)) return value.map(item => describeValue(name, item)).join(',')
  if (typeof value === 'number') return addresses.has(name) ? formatIpv4(value) : String(value)
  return JSON.stringify(value)
}
