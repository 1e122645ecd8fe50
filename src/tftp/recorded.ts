// What of a transfer's messages is worth one of the few places that a machine's record of packets has.
import { dataHeaderLength, opcodes } from './packet.js'

/**
 * What is asked, agreed and refused, and the first block as a sign that it began: of a block its header alone, since files hold secrets.
 * undefined for later blocks, and for what is no message.
 */
export function recordedOf (message: Buffer): Buffer | undefined {
  if (message.length < dataHeaderLength) return undefined
  const opcode = message.readUInt16BE(0)
  const isBlock = opcode === opcodes.DATA || opcode === opcodes.ACK
  if (isBlock && message.readUInt16BE(2) > 1) return undefined
  return isBlock ? message.subarray(0, dataHeaderLength) : message
}
