// A capture of Ethernet frames as tcpdump writes it (pcap, 24 octets of header, each frame with 16 before it): the DHCP messages in it.
import { readFileSync } from 'node:fs'
import { type DhcpPacket, decodePacket } from '../../src/dhcp/packet.js'

/** In the order in which they were seen; a frame that is cut off at the end is left out. */
export function dhcpIn (file: string): readonly DhcpPacket[] {
  const found: DhcpPacket[] = []
  new PcapReader(packet => { found.push(packet) }).take(readFileSync(file))
  return found
}

/** Reads a capture as it is written. */
export class PcapReader {
  readonly #hear: (packet: DhcpPacket, at: number) => void
  /** What is no whole frame yet. */
  #rest: Buffer = Buffer.alloc(0)
  #littleEndian: boolean | undefined

  /** `at`: when it was seen, epoch milliseconds. */
  constructor (hear: (packet: DhcpPacket, at: number) => void) { this.#hear = hear }

  take (bytes: Buffer): void {
    const all = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes])
    let at = 0
    if (this.#littleEndian === undefined && all.length >= 24) {
      this.#littleEndian = all.readUInt32LE(0) === 0xa1b2c3d4
      at = 24
    }
    const read = (offset: number): number => this.#littleEndian === true ? all.readUInt32LE(offset) : all.readUInt32BE(offset)
    while (this.#littleEndian !== undefined && at + 16 <= all.length) {
      const length = read(at + 8)
      if (at + 16 + length > all.length) break
      this.#frame(all.subarray(at + 16, at + 16 + length), read(at) * 1000 + read(at + 4) / 1000)
      at += 16 + length
    }
    this.#rest = all.subarray(at)
  }

  #frame (frame: Buffer, at: number): void {
    if (frame.length < 42 || frame.readUInt16BE(12) !== 0x0800 || frame[23] !== 17) return
    const udp = 14 + (frame[14]! & 15) * 4
    const ports = [frame.readUInt16BE(udp), frame.readUInt16BE(udp + 2)]
    if (ports.every(port => port === 67 || port === 68)) this.#hear(decodePacket(frame.subarray(udp + 8)), at)
  }
}
