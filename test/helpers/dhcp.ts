// Short ways to write what the DHCP tests are about: addresses, subnets, requests of a client.
import { Buffer } from 'node:buffer'
import { clientInfo, type ClientMessage } from '../../src/dhcp/client-info.js'
import type { DhcpPacket } from '../../src/dhcp/packet.js'
import type { Options } from '../../src/dhcp/options.js'
import type { DhcpSubnet } from '../../src/dhcp/subnet.js'
import { type Ipv4, parseIpv4, parseSubnet, unspecified } from '../../src/net/ipv4.js'
import { type Mac, macToBytes, parseMac } from '../../src/net/mac.js'

function sure<T> (value: T | undefined, text: string): T {
  if (value === undefined) throw new Error(`not what a test should write: ${text}`)
  return value
}

export const ip = (text: string): Ipv4 => sure(parseIpv4(text), text)
export const mac = (text: string): Mac => sure(parseMac(text), text)

/** The subnet `192.168.100.0/24` with a range `192.168.100.100-192.168.100.150`, or none. */
export function subnet (text: string, range?: string, more: Partial<DhcpSubnet> = {}): DhcpSubnet {
  const [first = '', last = ''] = range?.split('-') ?? []
  return {
    subnet: sure(parseSubnet(text), text),
    range: range === undefined ? undefined : { first: ip(first), last: ip(last) },
    routers: [],
    dnsServers: [],
    domainName: '',
    ntpServers: [],
    leaseTime: 3600,
    options: new Map(),
    ...more
  }
}

export const testMac = mac('52:54:00:12:34:56')

/** A request as a client on the server's own network sends it. */
export function request (options: Options, fields: Partial<Omit<DhcpPacket, 'options' | 'chaddr'>> & { readonly mac?: Mac } = {}): DhcpPacket {
  const { mac: client = testMac, ...header } = fields
  return {
    op: 1,
    htype: 1,
    hops: 0,
    xid: 0x5a3c01f2,
    secs: 0,
    flags: 0,
    ciaddr: 0,
    yiaddr: 0,
    siaddr: 0,
    giaddr: 0,
    sname: '',
    file: '',
    ...header,
    chaddr: macToBytes(client),
    options
  }
}

export const hex = (text: string): Buffer => Buffer.from(text.replace(/[^0-9a-f]/gi, ''), 'hex')

/** The packet as it is decided on when it came from an address. */
export const message = (packet: DhcpPacket, from: Ipv4 = unspecified): ClientMessage => ({ request: packet, client: clientInfo(packet), from })
