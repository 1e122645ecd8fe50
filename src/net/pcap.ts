// UDP datagrams as a file for Wireshark and tcpdump: draft-ietf-opsawg-pcap (version 2.4), LINKTYPE_RAW, in which each record begins
// with its IPv4 header. A socket hears no headers: they are made from what it tells, without a checksum of UDP (RFC 768 allows it).
import type { Endpoint } from './endpoint.js'
import { parseIpv4, unspecified } from './ipv4.js'

export interface CapturedDatagram {
  /** Epoch milliseconds. */
  readonly at: number
  readonly from: Endpoint
  readonly to: Endpoint
  /** The beginning of its payload. */
  readonly data: Buffer
  /** Octets of the whole payload. */
  readonly length: number
}

const ipHeader = 20
const udpHeader = 8
const linktypeRaw = 101

export const encodePcap = (datagrams: readonly CapturedDatagram[]): Buffer => Buffer.concat([fileHeader(), ...datagrams.flatMap(record)])

function fileHeader (): Buffer {
  const header = Buffer.alloc(24)
  header.writeUInt32LE(0xa1b2c3d4, 0)
  header.writeUInt16LE(2, 4)
  header.writeUInt16LE(4, 6)
  header.writeUInt32LE(65_535, 16)
  header.writeUInt32LE(linktypeRaw, 20)
  return header
}

function record ({ at, from, to, data, length }: CapturedDatagram): readonly Buffer[] {
  const headers = Buffer.alloc(16 + ipHeader + udpHeader)
  headers.writeUInt32LE(Math.floor(at / 1000), 0)
  headers.writeUInt32LE(Math.floor(at % 1000 * 1000), 4)
  headers.writeUInt32LE(ipHeader + udpHeader + data.length, 8)
  headers.writeUInt32LE(ipHeader + udpHeader + length, 12)
  const ip = headers.subarray(16, 16 + ipHeader)
  ip[0] = 0x45
  ip.writeUInt16BE(ipHeader + udpHeader + length, 2)
  ip[8] = 64
  ip[9] = 17
  ip.writeUInt32BE(parseIpv4(from.address) ?? unspecified, 12)
  ip.writeUInt32BE(parseIpv4(to.address) ?? unspecified, 16)
  ip.writeUInt16BE(checksum(ip), 10)
  headers.writeUInt16BE(from.port, 36)
  headers.writeUInt16BE(to.port, 38)
  headers.writeUInt16BE(udpHeader + length, 40)
  return [headers, data]
}

/** RFC 1071; the field itself is still zero. */
function checksum (header: Buffer): number {
  let sum = 0
  for (let at = 0; at < header.length; at += 2) sum += header.readUInt16BE(at)
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16)
  return ~sum & 0xffff
}
