// A capture of Ethernet frames as tcpdump writes it (pcap, 24 octets of header, each frame with 16 before it): the DHCP messages in it.
import { readFileSync } from 'node:fs'
import { type DhcpPacket, decodePacket } from '../../src/dhcp/packet.js'

/** In the order in which they were seen; a frame that is cut off at the end is left out. */
export function dhcpIn (file: string): readonly DhcpPacket[] {
  const bytes = readFileSync(file)
  const read = bytes.readUInt32LE(0) === 0xa1b2c3d4 ? (at: number) => bytes.readUInt32LE(at) : (at: number) => bytes.readUInt32BE(at)
  const found: DhcpPacket[] = []
  for (let at = 24; at + 16 <= bytes.length;) {
    const length = read(at + 8)
    const frame = bytes.subarray(at + 16, at + 16 + length)
    at += 16 + length
    if (frame.length < length || frame.readUInt16BE(12) !== 0x0800 || frame[23] !== 17) continue
    const udp = 14 + (frame[14]! & 15) * 4
    const ports = [frame.readUInt16BE(udp), frame.readUInt16BE(udp + 2)]
    if (ports.every(port => port === 67 || port === 68)) found.push(decodePacket(frame.subarray(udp + 8)))
  }
  return found
}
