// DHCP options: code, RFC name and codec of each in one table (RFC 2132, 3004, 3011, 3046, 3396, 4578; iPXE's 175).
// What the table does not know survives as bytes.
import { DecodeError } from '../base/errors.js'
import { type ByteWriter, isNul, withoutTail } from '../net/bytes.js'
import type { Ipv4 } from '../net/ipv4.js'
import { type MessageType, messageTypeCodes, messageTypes } from './constants.js'

/** Octets to a value and back. */
interface Codec<T> {
  readonly decode: (bytes: Buffer) => T
  readonly write: (writer: ByteWriter, value: T) => void
}

function exactly (bytes: Buffer, length: number): Buffer {
  if (bytes.length !== length) throw new DecodeError('option_length', 0)
  return bytes
}

function multipleOf (bytes: Buffer, size: number): Buffer {
  if (bytes.length === 0 || bytes.length % size !== 0) throw new DecodeError('option_length', 0)
  return bytes
}

const u8: Codec<number> = {
  decode: bytes => exactly(bytes, 1).readUInt8(),
  write: (writer, value) => { writer.u8(value) }
}

const u16: Codec<number> = {
  decode: bytes => exactly(bytes, 2).readUInt16BE(),
  write: (writer, value) => { writer.u16(value) }
}

const u32: Codec<number> = {
  decode: bytes => exactly(bytes, 4).readUInt32BE(),
  write: (writer, value) => { writer.u32(value) }
}

const u16List: Codec<readonly number[]> = {
  decode: bytes => Array.from({ length: multipleOf(bytes, 2).length / 2 }, (_, i) => bytes.readUInt16BE(i * 2)),
  write: (writer, values) => { for (const value of values) writer.u16(value) }
}

const ip: Codec<Ipv4> = u32

const ipList: Codec<readonly Ipv4[]> = {
  decode: bytes => Array.from({ length: multipleOf(bytes, 4).length / 4 }, (_, i) => bytes.readUInt32BE(i * 4)),
  write: (writer, values) => { for (const value of values) writer.u32(value) }
}

const bytes: Codec<Buffer> = { decode: value => value, write: (writer, value) => { writer.bytes(value) } }

/** Text as octets, one character each; trailing NULs, which some clients count in, are left out (RFC 2132 section 2). */
const text: Codec<string> = {
  decode: value => withoutTail(value, isNul).toString('latin1'),
  write: (writer, value) => { writer.text(value) }
}

const codeList: Codec<readonly number[]> = {
  decode: value => [...multipleOf(value, 1)],
  write: (writer, values) => { for (const value of values) writer.u8(value) }
}

const messageType: Codec<MessageType> = {
  decode: value => {
    const code = exactly(value, 1).readUInt8()
    const name: MessageType | undefined = messageTypes[code as keyof typeof messageTypes]
    if (name === undefined) throw new DecodeError('option_value', 0)
    return name
  },
  write: (writer, value) => { writer.u8(messageTypeCodes[value]) }
}

const row = <T>(code: number, codec: Codec<T>): { readonly code: number, readonly codec: Codec<T> } => ({ code, codec })

export const optionTable = {
  subnetMask: row(1, ip),
  router: row(3, ipList),
  domainNameServer: row(6, ipList),
  hostName: row(12, text),
  domainName: row(15, text),
  rootPath: row(17, text),
  broadcastAddress: row(28, ip),
  ntpServers: row(42, ipList),
  vendorSpecificInformation: row(43, bytes),
  requestedIpAddress: row(50, ip),
  ipAddressLeaseTime: row(51, u32),
  optionOverload: row(52, u8),
  dhcpMessageType: row(53, messageType),
  serverIdentifier: row(54, ip),
  parameterRequestList: row(55, codeList),
  message: row(56, text),
  maximumDhcpMessageSize: row(57, u16),
  renewalTime: row(58, u32),
  rebindingTime: row(59, u32),
  vendorClassIdentifier: row(60, text),
  clientIdentifier: row(61, bytes),
  tftpServerName: row(66, text),
  bootfileName: row(67, text),
  userClass: row(77, bytes),
  relayAgentInformation: row(82, bytes),
  clientSystemArchitecture: row(93, u16List),
  clientNetworkInterfaceIdentifier: row(94, bytes),
  clientMachineIdentifier: row(97, bytes),
  subnetSelection: row(118, ip),
  ipxeEncapsulatedOptions: row(175, bytes)
} as const

export type OptionName = keyof typeof optionTable
type CodecValue<Row> = Row extends { readonly codec: Codec<infer T> } ? T : never

/** Options by their RFC names; an encoder writes them in the order in which they stand here. */
export type Options = { readonly [Name in OptionName]?: CodecValue<typeof optionTable[Name]> } & {
  /** Options by number that the table does not name, or that a configuration gives raw. */
  readonly other?: ReadonlyMap<number, Uint8Array>
}
export type MutableOptions = { -readonly [Key in keyof Options]: Options[Key] }

export const optionNames: ReadonlyMap<number, OptionName> = new Map(
  Object.entries(optionTable).map(([name, { code }]) => [code, name as OptionName])
)

const codecOf = (name: OptionName): Codec<unknown> => optionTable[name].codec as Codec<unknown>

/** The value of option `name`, or DecodeError when its length or value is not what its RFC allows. */
export const decodeOption = (name: OptionName, value: Buffer): unknown => codecOf(name).decode(value)

/** Writes the value of option `name`, without its code and length. */
export const writeOptionValue = (writer: ByteWriter, name: OptionName, value: unknown): void => { codecOf(name).write(writer, value) }
