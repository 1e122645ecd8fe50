// TFTP packets: RFC 1350 section 5 and appendix I, options as in RFC 2347.
//
//   RRQ, WRQ  | opcode 2 | filename | 0 | mode | 0 | option | 0 | value | 0 | ...
//   DATA      | opcode 2 | block 2 | 0 to blksize bytes |
//   ACK       | opcode 2 | block 2 |
//   ERROR     | opcode 2 | code 2 | message | 0 |
//   OACK      | opcode 2 | option | 0 | value | 0 | ...
//
// Text is held as one character a byte (Latin-1), so that whatever bytes came in go out again; file-name.ts reads names.
import { DecodeError } from '../base/errors.js'
import { ByteReader, ByteWriter } from '../net/bytes.js'

export const opcodes = { RRQ: 1, WRQ: 2, DATA: 3, ACK: 4, ERROR: 5, OACK: 6 } as const
export type Opcode = keyof typeof opcodes

/** RFC 1350 appendix I; 8 is RFC 2347's. */
export const errorCodes = {
  notDefined: 0,
  fileNotFound: 1,
  accessViolation: 2,
  diskFull: 3,
  illegalOperation: 4,
  unknownTransferId: 5,
  fileExists: 6,
  noSuchUser: 7,
  optionNegotiation: 8
} as const

/** An option's name and value as the client spelled them. */
export type TftpOption = readonly [name: string, value: string]

export interface TransferRequest {
  readonly opcode: 'RRQ' | 'WRQ'
  readonly filename: string
  /** In lower case; any word, known or not. */
  readonly mode: string
  readonly options: readonly TftpOption[]
}
export interface Data { readonly opcode: 'DATA', readonly block: number, readonly payload: Buffer }
export interface Ack { readonly opcode: 'ACK', readonly block: number }
export interface ErrorPacket { readonly opcode: 'ERROR', readonly code: number, readonly message: string }
export interface OptionAck { readonly opcode: 'OACK', readonly options: readonly TftpOption[] }
export type Packet = TransferRequest | Data | Ack | ErrorPacket | OptionAck

/** RFC 2347: a request is no longer than 512 bytes. */
export const maxRequestLength = 512
export const dataHeaderLength = 4

const text = (bytes: Buffer): string => bytes.toString('latin1')

function options (reader: ByteReader): TftpOption[] {
  const found: TftpOption[] = []
  while (reader.remaining > 0) {
    const name = reader.untilNul()
    // ROMs that send a request of fixed size pad it with NULs.
    if (name.length === 0) break
    found.push([text(name), text(reader.untilNul())])
  }
  return found
}

function request (opcode: 'RRQ' | 'WRQ', reader: ByteReader): TransferRequest {
  const filename = text(reader.untilNul())
  let mode = reader.untilNul()
  // A boot file name that DHCP handed out with its NUL counted in comes back with more than one behind it.
  while (mode.length === 0) mode = reader.untilNul()
  return { opcode, filename, mode: text(mode).toLowerCase(), options: options(reader) }
}

function errorPacket (reader: ByteReader): ErrorPacket {
  const code = reader.u16()
  const rest = reader.rest()
  const end = rest.indexOf(0)
  // Several ROMs leave out the NUL; what they say still has to end the transfer.
  return { opcode: 'ERROR', code, message: text(end < 0 ? rest : rest.subarray(0, end)) }
}

/** What a datagram says. Throws DecodeError, and nothing else. A DATA payload is a view of the same memory. */
export function decodePacket (bytes: Buffer): Packet {
  const reader = new ByteReader(bytes)
  const opcode = reader.u16()
  if (opcode !== opcodes.DATA && bytes.length > maxRequestLength) throw new DecodeError('too_long', maxRequestLength)
  switch (opcode) {
    case opcodes.RRQ: return request('RRQ', reader)
    case opcodes.WRQ: return request('WRQ', reader)
    case opcodes.DATA: return { opcode: 'DATA', block: reader.u16(), payload: reader.rest() }
    case opcodes.ACK: return { opcode: 'ACK', block: reader.u16() }
    case opcodes.ERROR: return errorPacket(reader)
    case opcodes.OACK: return { opcode: 'OACK', options: options(reader) }
    default: throw new DecodeError('unknown_opcode', 0)
  }
}

function writeText (writer: ByteWriter, value: string): void {
  writer.bytes(Buffer.from(value.replaceAll('\0', ''), 'latin1')).u8(0)
}

/** Of a request that is kept as it came while it waits: its options would take fifteen times as much. */
export function optionsOf (bytes: Buffer): readonly TftpOption[] {
  const packet = decodePacket(bytes)
  return packet.opcode === 'RRQ' ? packet.options : []
}

/** The bytes of a packet. NULs inside text are left out, since the wire cannot carry them. */
export function encodePacket (packet: Packet): Buffer {
  const writer = new ByteWriter(64).u16(opcodes[packet.opcode])
  switch (packet.opcode) {
    case 'RRQ':
    case 'WRQ':
      writeText(writer, packet.filename)
      writeText(writer, packet.mode)
      for (const part of packet.options.flat()) writeText(writer, part)
      break
    case 'DATA': writer.u16(packet.block).bytes(packet.payload); break
    case 'ACK': writer.u16(packet.block); break
    case 'ERROR':
      writer.u16(packet.code)
      writeText(writer, packet.message)
      break
    case 'OACK':
      for (const part of packet.options.flat()) writeText(writer, part)
      break
  }
  return writer.finish()
}

/** Puts what stands before the bytes of a DATA packet. `block` counts on past 65535 and wraps. */
export function writeDataHeader (packet: Buffer, block: number): void {
  packet[0] = 0
  packet[1] = opcodes.DATA
  packet[2] = block >>> 8 & 0xff
  packet[3] = block & 0xff
}
