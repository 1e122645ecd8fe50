// What a request tells of the machine that sent it: RFC 4578 (PXE), RFC 3004 (user class), UEFI 2.5 section 23.7
// (HTTP Boot) and iPXE's encapsulated options.
import { isNul, withoutTail } from '../net/bytes.js'
import type { Ipv4 } from '../net/ipv4.js'
import { macFromBytes, type Mac, nobodys } from '../net/mac.js'
import { architectures, type Firmware, rpiBoot } from './constants.js'
import type { DhcpPacket } from './packet.js'

/**
 * What is asking: a network card's PXE ROM, a Raspberry Pi's boot loader, U-Boot, UEFI HTTP Boot, iPXE, or anything else (an
 * initramfs, an installed system).
 */
export type ClientProgram = 'pxe' | 'raspberry-pi' | 'u-boot' | 'http' | 'ipxe' | 'other'

export interface ClientInfo {
  readonly mac: Mac
  readonly program: ClientProgram
  /** Undefined when it names no architecture, or none that is known. */
  readonly firmware: Firmware | undefined
  /** The numbers it gives for its architecture (RFC 4578 section 2.1), best first. */
  readonly architectures: readonly number[]
  readonly userClasses: readonly string[]
  /** Option 60 as it came, '' without one. */
  readonly vendorClass: string
  /** For iPXE: whether its build can fetch over HTTP; some network cards carry one that can't. */
  readonly ipxeHttp: boolean
}

/** A message with what it tells of its sender, read once, and where its datagram came from. */
export interface ClientMessage {
  readonly request: DhcpPacket
  readonly client: ClientInfo
  /** The client's own address, its relay agent's, or none (0.0.0.0), as the network tells it. */
  readonly from: Ipv4
  /** This machine asks itself whether it answers (server-question.ts): it takes nothing. */
  readonly isOwnQuestion?: boolean
}

/** What our own iPXE calls itself (`set user-class core-provisioner` in its script), to be told from a network card's. */
export const ownUserClass = 'core-provisioner'

/**
 * Option 60 of a question to which this service's own answer is looked for; what it asks at its start it lets pass unanswered. It says
 * nothing of anybody else: the question comes from this machine's own hardware address, unrelayed.
 */
export const ownQuestionClass = 'core-provisioner doctor'

/** MAC prefixes of Raspberry Pi, for boot loaders that say nothing else of what they are. */
const raspberryPi: ReadonlySet<string> = new Set(['28:cd:c1', '2c:cf:67', '88:a2:9e', 'b8:27:eb', 'd8:3a:dd', 'dc:a6:32', 'e4:5f:01'])

/** Ethernet, the only hardware type whose chaddr is a MAC that selectors and reservations can name. */
export const ethernet = 1

/** RFC 4390: such a client has no chaddr, and is known by its client identifier alone. */
const infiniBand = 32

/**
 * Why no machine on an Ethernet has the hardware address that a message gives; undefined where one may. A switch drops what comes from a
 * group's address, but chaddr is only written into the message, and each that is invented holds an address of a range.
 */
export function hardwareFault ({ htype, chaddr }: DhcpPacket, { mac }: ClientInfo): string | undefined {
  if (htype === infiniBand) return 'InfiniBand (RFC 4390) is not supported'
  if (htype !== ethernet || chaddr.length !== 6) return `htype ${htype}, hlen ${chaddr.length}`
  const why = nobodys(mac)
  return why === undefined ? undefined : `no machine has this hardware address: ${why}`
}

export function clientInfo (packet: DhcpPacket): ClientInfo {
  const { vendorClassIdentifier = '', userClass, clientSystemArchitecture, ipxeEncapsulatedOptions } = packet.options
  const userClasses = userClass === undefined ? [] : parseUserClass(userClass)
  const numbers = clientSystemArchitecture ?? vendorClassArchitecture(vendorClassIdentifier)
  const known = numbers.map(number => architectures[number]).find(architecture => architecture !== undefined)
  const features = ipxeEncapsulatedOptions === undefined ? undefined : ipxeFeatures(ipxeEncapsulatedOptions)
  const ipxe = features !== undefined || userClasses.includes('iPXE') || userClasses.includes(ownUserClass)
  const mac = macFromBytes(packet.chaddr)
  return {
    mac,
    program: ipxe ? 'ipxe' : programOf(packet, mac, numbers),
    firmware: known?.firmware,
    architectures: numbers,
    userClasses,
    vendorClass: vendorClassIdentifier,
    ipxeHttp: ipxe && (features === undefined || features.size === 0 || features.has(featureHttp))
  }
}

function programOf ({ options }: DhcpPacket, mac: Mac, architectures: readonly number[]): ClientProgram {
  const { vendorClassIdentifier: vendorClass = '', clientMachineIdentifier } = options
  if (vendorClass.startsWith('U-Boot') || architectures.some(number => uBoot.has(number))) return 'u-boot'
  if (vendorClass.startsWith('PXEClient')) return isRaspberryPi(mac, architectures, clientMachineIdentifier) ? 'raspberry-pi' : 'pxe'
  if (vendorClass.startsWith('HTTPClient')) return 'http'
  return 'other'
}

/** U-Boot with `pxe` or `dhcp`; over HTTP it calls itself an HTTPClient. */
const uBoot: ReadonlySet<number> = new Set([21, 22])

/**
 * Boot loaders of a Raspberry Pi say that they are an x86 BIOS, and want a boot menu of their own kind. A Pi 4 or 5 has its
 * model in option 97 (`RPi4`, `RPi5`), the ROM of a Pi 3 sixteen letters `D`; a Pi with UEFI firmware names its true architecture.
 */
function isRaspberryPi (mac: Mac, architectures: readonly number[], identifier: Buffer | undefined): boolean {
  if (architectures.includes(rpiBoot)) return true
  if (!architectures.every(number => number === 0)) return false
  const named = identifier !== undefined && (identifier.toString('latin1', 1, 4) === 'RPi' || (identifier.length === 17 && identifier.subarray(1).every(octet => octet === 0x44)))
  return named || raspberryPi.has(mac.slice(0, 8))
}

/** `PXEClient:Arch:00007:UNDI:003016`: some ROMs say it only here and leave option 93 out. */
function vendorClassArchitecture (vendorClass: string): readonly number[] {
  const digits = /^(?:PXE|HTTP)Client:Arch:(\d{5})/.exec(vendorClass)?.[1]
  return digits === undefined ? [] : [Number(digits)]
}

/** Option 77 as RFC 3004 has it (a length before each class), or as iPXE sends it: the bare text. */
export function parseUserClass (value: Buffer): readonly string[] {
  const classes: string[] = []
  for (let at = 0; at < value.length;) {
    const length = value.readUInt8(at)
    if (length === 0 || at + 1 + length > value.length) return [withoutTail(value, isNul).toString('latin1')]
    classes.push(value.toString('latin1', at + 1, at + 1 + length))
    at += 1 + length
  }
  return classes
}

/** iPXE's feature number for HTTP (`DHCP_EB_FEATURE_HTTP`). */
const featureHttp = 19

/** The sub-option numbers inside iPXE's option 175; what is cut short ends the list, as iPXE itself reads it. */
function ipxeFeatures (value: Buffer): ReadonlySet<number> {
  const found = new Set<number>()
  for (let at = 0; at + 1 < value.length;) {
    const code = value.readUInt8(at)
    if (code === 0) {
      at += 1
      continue
    }
    if (code === 255) break
    found.add(code)
    at += 2 + value.readUInt8(at + 1)
  }
  return found
}
