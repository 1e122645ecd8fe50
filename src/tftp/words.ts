// What a packet of TFTP means, in a sentence about its machine.
import { DecodeError } from '../base/errors.js'
import { decodePacket, type Packet } from './packet.js'

const listed = (options: ReadonlyArray<readonly [string, string]>): string => options.map(([name, value]) => `${name} ${value}`).join(', ')

/** `octets`: of the whole packet, of which `bytes` may be the beginning. */
export function packetInWords (bytes: Buffer, { isSent, octets }: { readonly isSent: boolean, readonly octets: number }): string {
  let packet: Packet
  try {
    packet = decodePacket(bytes)
  } catch (error) {
    if (error instanceof DecodeError) return `sends what is no packet of TFTP (${error.code})`
    throw error
  }
  switch (packet.opcode) {
    case 'RRQ': return `asks for the file ${packet.filename}${packet.options.length === 0 ? '' : ` (${listed(packet.options)})`}`
    case 'WRQ': return `wants to write the file ${packet.filename}`
    case 'OACK': return `is told ${listed(packet.options)}`
    case 'DATA': return `is sent block ${packet.block}, ${octets - 4} octets`
    case 'ACK': return `has block ${packet.block}`
    case 'ERROR': return `${isSent ? 'is told' : 'says'} error ${packet.code}: ${packet.message}`
  }
}
