// DATA packets for tests.
import { dataHeaderLength, writeDataHeader } from '../../src/tftp/packet.js'

/** One of `length` bytes, whatever those are. */
export function dataPacket (block: number, length: number): Buffer {
  const packet = Buffer.alloc(dataHeaderLength + length)
  writeDataHeader(packet, block)
  return packet
}
