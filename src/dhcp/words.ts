// What a message means, in a sentence about its machine.
import { formatIpv4, unspecified } from '../net/ipv4.js'
import { architectures } from './constants.js'
import type { DhcpPacket } from './packet.js'

type Sentence = (packet: DhcpPacket) => string

const sentences: Readonly<Partial<Record<NonNullable<DhcpPacket['options']['dhcpMessageType']>, Sentence>>> = {
  DISCOVER: ({ options: { vendorClassIdentifier, clientSystemArchitecture = [], userClass } }) => {
    const as = architectures[clientSystemArchitecture[0] ?? -1]?.name ?? vendorClassIdentifier
    return `looks for a DHCP server${as === undefined ? '' : `, as ${as}`}${userClass?.includes('iPXE') === true ? ', from iPXE' : ''}`
  },
  OFFER: packet => `is offered ${given(packet)}`,
  REQUEST: ({ ciaddr, options: { requestedIpAddress, serverIdentifier } }) =>
    `asks for ${formatIpv4(requestedIpAddress ?? ciaddr)}${serverIdentifier === undefined ? '' : `, of ${formatIpv4(serverIdentifier)}`}`,
  ACK: packet => `has ${given(packet)}`,
  NAK: ({ options: { message } }) => `is refused the address${message === undefined ? '' : `: ${message}`}`,
  DECLINE: ({ options: { requestedIpAddress } }) => `says that somebody else uses ${requestedIpAddress === undefined ? 'its address' : formatIpv4(requestedIpAddress)}`,
  RELEASE: ({ ciaddr }) => `gives back ${formatIpv4(ciaddr)}`,
  INFORM: () => 'has an address and asks for the rest'
}

/** `is offered 192.168.100.41, and undionly.kpxe from 192.168.100.2` */
export function messageInWords (packet: DhcpPacket): string {
  const { dhcpMessageType } = packet.options
  const sentence = dhcpMessageType === undefined ? undefined : sentences[dhcpMessageType]
  return `${sentence?.(packet) ?? `sends ${dhcpMessageType ?? 'BOOTP'}`}${packet.giaddr === unspecified ? '' : ` (through the relay agent ${formatIpv4(packet.giaddr)})`}`
}

function given ({ yiaddr, siaddr, file, options: { bootfileName = file, ipAddressLeaseTime } }: DhcpPacket): string {
  const address = yiaddr === unspecified ? 'no address' : `${formatIpv4(yiaddr)}${ipAddressLeaseTime === undefined ? '' : ` for ${ipAddressLeaseTime} s`}`
  if (bootfileName === '') return `${address}, and no boot file`
  return `${address}, and ${bootfileName}${bootfileName.includes('://') ? '' : ` from ${formatIpv4(siaddr)}`}`
}
