// The DHCP message on the wire: RFC 2131 section 2 (header), RFC 2132 section 9.3 (overload), RFC 3396 (long options).
//
//    0                   1                   2                   3
//    0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//   +---------------+---------------+---------------+---------------+
//   |      op       |     htype     |     hlen      |     hops      |
//   +---------------------------------------------------------------+
//   |                              xid                              |
//   +-------------------------------+-------------------------------+
//   |             secs              |             flags             |
//   +---------------------------------------------------------------+
//   |            ciaddr, yiaddr, siaddr, giaddr (4 each)            |
//   +---------------------------------------------------------------+
//   |     chaddr (16)    |    sname (64)    |      file (128)       |
//   +---------------------------------------------------------------+
//   |                 cookie (4)   |   options ...                  |
//   +---------------------------------------------------------------+
import { DecodeError } from '../base/errors.js'
import { ByteReader, ByteWriter } from '../net/bytes.js'
import type { Ipv4 } from '../net/ipv4.js'
import { defaultDatagram, headerLength, ipUdpHeader, magicCookie, maximumLength, minimumLength, op } from './constants.js'
import { decodeOption, type MutableOptions, optionNames, type OptionName, type Options, optionTable, writeOptionValue } from './options.js'

export interface DhcpPacket {
  readonly op: 1 | 2
  readonly htype: number
  readonly hops: number
  readonly xid: number
  /** Seconds since the client began; some firmware sends it little-endian, so that only whose turn it is goes by it (answer-turns). */
  readonly secs: number
  readonly flags: number
  readonly ciaddr: Ipv4
  readonly yiaddr: Ipv4
  readonly siaddr: Ipv4
  readonly giaddr: Ipv4
  /** `hlen` octets of hardware address. */
  readonly chaddr: Buffer
  readonly sname: string
  readonly file: string
  readonly options: Options
  /** What could not be read and was left out; the rest counts. Absent when everything could. */
  readonly faults?: readonly OptionFault[]
}

/** An option that its RFC would not have so. Firmware sends such things, and what it asks for is plain all the same. */
export interface OptionFault {
  readonly code: number
  readonly why: 'truncated' | 'length' | 'value'
}

const pad = 0
const end = 255
const chaddrLength = 16
const snameLength = 64
const fileLength = 128

/** What every client takes, and so what relay agent information must leave to the rest of a message. */
const minimumPayload = defaultDatagram - ipUdpHeader

/** RFC 2132 section 9.3: bit 0, `file` holds options; bit 1, `sname` does. */
const overloadFile = 1
const overloadSname = 2

/**
 * Reads a message, or throws DecodeError: `too_long`, `truncated` (in its fixed part), `op`, `hlen`, `cookie`. An option that
 * can't be read is left out and named in `faults`.
 */
export function decodePacket (datagram: Buffer): DhcpPacket {
  if (datagram.length > maximumLength) throw new DecodeError('too_long', maximumLength)
  const reader = new ByteReader(datagram)
  const opCode = reader.u8()
  if (opCode !== op.bootRequest && opCode !== op.bootReply) throw new DecodeError('op', 0)
  const htype = reader.u8()
  const hlen = reader.u8()
  // None at all is InfiniBand's (RFC 4390): its addresses do not fit.
  if (hlen > chaddrLength) throw new DecodeError('hlen', 2)
  const hops = reader.u8()
  const xid = reader.u32()
  const secs = reader.u16()
  const flags = reader.u16()
  const ciaddr = reader.u32()
  const yiaddr = reader.u32()
  const siaddr = reader.u32()
  const giaddr = reader.u32()
  const chaddr = reader.bytes(chaddrLength).subarray(0, hlen)
  const sname = reader.bytes(snameLength)
  const file = reader.bytes(fileLength)
  if (reader.u32() !== magicCookie) throw new DecodeError('cookie', headerLength - 4)

  const faults: OptionFault[] = []
  const pieces = new Map<number, Buffer[]>()
  readOptions(reader, pieces, faults)
  const overload = overloadOf(pieces.get(optionTable.optionOverload.code))
  if ((overload & overloadFile) !== 0) readOptions(new ByteReader(file), pieces, faults)
  if ((overload & overloadSname) !== 0) readOptions(new ByteReader(sname), pieces, faults)
  const options = nameOptions(pieces, faults)
  return {
    op: opCode,
    htype,
    hops,
    xid,
    secs,
    flags,
    ciaddr,
    yiaddr,
    siaddr,
    giaddr,
    chaddr,
    sname: (overload & overloadSname) === 0 ? cString(sname) : '',
    file: (overload & overloadFile) === 0 ? cString(file) : '',
    options,
    ...faults.length > 0 && { faults }
  }
}

/** The parts of each option by its code: RFC 3396 joins them in the order they come. */
type Pieces = ReadonlyMap<number, readonly Buffer[]>

const valueOf = (parts: readonly Buffer[]): Buffer => parts.length === 1 ? parts[0]! : Buffer.concat(parts)

function readOptions (reader: ByteReader, pieces: Map<number, Buffer[]>, faults: OptionFault[]): void {
  while (reader.remaining > 0) {
    const code = reader.u8()
    if (code === pad) continue
    if (code === end) return
    // A stray octet at the end, or an option that claims more than there is: nothing behind it can be told apart.
    const length = reader.remaining === 0 ? Infinity : reader.u8()
    if (length > reader.remaining) {
      faults.push({ code, why: 'truncated' })
      return
    }
    const value = reader.bytes(length)
    const before = pieces.get(code)
    if (before === undefined) pieces.set(code, [value])
    else before.push(value)
  }
}

/** 0 where nothing is borrowed, or the option says what it can't: `file` and `sname` are then names. */
function overloadOf (parts: readonly Buffer[] | undefined): number {
  const wire = parts?.[0]
  const value = wire?.length === 1 ? wire.readUInt8() : 0
  return value <= 3 ? value : 0
}

function nameOptions (pieces: Pieces, faults: OptionFault[]): Options {
  const options: Record<string, unknown> = {}
  let other: Map<number, Uint8Array> | undefined
  for (const [code, parts] of pieces) {
    const name = optionNames.get(code)
    if (name === undefined) {
      (other ??= new Map()).set(code, valueOf(parts))
      continue
    }
    // An option of fixed size that came twice is no long one in parts (RFC 3396): the first counts.
    const whole = readable(name, valueOf(parts))
    const found = whole.value === undefined && parts.length > 1 ? readable(name, parts[0]!) : whole
    if (found.value !== undefined) options[name] = found.value
    if (whole.why !== undefined) faults.push({ code, why: whole.why })
  }
  if (other !== undefined) options['other'] = other
  return options as MutableOptions
}

function readable (name: OptionName, value: Buffer): { readonly value?: unknown, readonly why?: OptionFault['why'] } {
  try {
    return { value: decodeOption(name, value) }
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error
    return { why: error.code === 'option_length' ? 'length' : 'value' }
  }
}

function cString (field: Buffer): string {
  const nul = field.indexOf(0)
  return field.toString('latin1', 0, nul < 0 ? field.length : nul)
}

/** The largest UDP payload of one Ethernet frame: what goes beyond it comes in fragments, which boot ROMs can't join. */
const frameLength = 1472

export interface EncodeOptions {
  /** Octets of UDP payload; one Ethernet frame without it. */
  readonly maximum?: number
  readonly onLeftOut?: (code: number) => void
  /** Whose memory the message is written into: it is good until the next one. One of its own without it. */
  readonly writer?: ByteWriter
}

/**
 * Writes a message of at most `maximum` octets. Options go out in the order they stand in; what does not fit
 * is left out from the back and told of, so put what matters first. Relay agent information comes last and is not counted, since the
 * relay agent takes it out again; it is left out only when it would take the room of everything else (RFC 3046 section 2.2).
 * Option 52 and the fields it would borrow are never used: PXE ROMs read `file` as a name whatever 52 says.
 */
export function encodePacket (packet: DhcpPacket, options: EncodeOptions = {}): Buffer {
  const { maximum = frameLength, onLeftOut, writer = new ByteWriter() } = options
  writer.reset()
  writer.u8(packet.op).u8(packet.htype).u8(packet.chaddr.length).u8(packet.hops)
  writer.u32(packet.xid).u16(packet.secs).u16(packet.flags)
  writer.u32(packet.ciaddr).u32(packet.yiaddr).u32(packet.siaddr).u32(packet.giaddr)
  writer.field(packet.chaddr, chaddrLength)
  writeField(writer, packet.sname, snameLength)
  writeField(writer, packet.file, fileLength)
  writer.u32(magicCookie)

  const relay = relayInformation(packet.options)
  const room = Math.min(maximum, frameLength - (relay === undefined ? 0 : wireLength(relay.length))) - 1
  for (const key in packet.options) {
    const name = key as keyof Options
    if (name === 'relayAgentInformation') continue
    if (name === 'other') {
      packet.options.other?.forEach((value, code) => { if (!writeOption(writer, code, value, room)) onLeftOut?.(code) })
      continue
    }
    const value = packet.options[name]
    const { code } = optionTable[name]
    if (value !== undefined && !writeNamed(writer, name, value, room)) onLeftOut?.(code)
  }
  if (relay !== undefined) writeOption(writer, optionTable.relayAgentInformation.code, relay, Infinity)
  writer.u8(end)
  if (writer.length < minimumLength) writer.zeros(minimumLength - writer.length)
  return writer.finish()
}

/** Text with at least one NUL behind it. */
function writeField (writer: ByteWriter, text: string, length: number): void {
  const fitting = text.length < length ? text : text.slice(0, length - 1)
  writer.text(fitting).zeros(length - fitting.length)
}

function relayInformation ({ relayAgentInformation }: Options): Buffer | undefined {
  const fits = relayAgentInformation !== undefined && wireLength(relayAgentInformation.length) <= frameLength - minimumPayload
  return fits ? relayAgentInformation : undefined
}

const wireLength = (length: number): number => length + 2 * Math.max(1, Math.ceil(length / 255))

/** Writes the value where it will stand, and the length before it then; false when it would go beyond `room`. */
function writeNamed (writer: ByteWriter, name: OptionName, value: unknown, room: number): boolean {
  const { code } = optionTable[name]
  const start = writer.length
  writer.u8(code).u8(0)
  writeOptionValue(writer, name, value)
  const length = writer.length - start - 2
  if (length > 255) {
    const long = writer.since(start + 2)
    writer.rewind(start)
    return writeOption(writer, code, long, room)
  }
  if (writer.length > room) {
    writer.rewind(start)
    return false
  }
  writer.patch(start + 1, length)
  return true
}

/** False when it would go beyond `room`. */
function writeOption (writer: ByteWriter, code: number, value: Uint8Array, room: number): boolean {
  if (writer.length + wireLength(value.length) > room) return false
  if (value.length <= 255) {
    writer.u8(code).u8(value.length).bytes(value)
    return true
  }
  for (let start = 0; start < value.length; start += 255) {
    const part = value.subarray(start, start + 255)
    writer.u8(code).u8(part.length).bytes(part)
  }
  return true
}
