// What a request tells of the machine that sent it: RFC 4578 (PXE), RFC 3004 (user class), UEFI 2.5 section 23.7
// (HTTP Boot) and iPXE's encapsulated options.
import { isNul, withoutTail } from '../net/bytes.js'
import { macFromBytes, type Mac } from '../net/mac.js'
import { architectures, type Firmware } from './constants.js'
import type { DhcpPacket } from './packet.js'

/**
 * What is asking: a network card's PXE ROM, a Raspberry Pi's boot loader, UEFI HTTP Boot, iPXE, or anything else (an
 * initramfs, an installed system).
 */
export type ClientProgram = 'pxe' | 'raspberry-pi' | 'http' | 'ipxe' | 'other'

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

/** What our own iPXE calls itself (`set user-class core-provisioner` in its script), to be told from a network card's. */
export const ownUserClass = 'core-provisioner'

/** MAC prefixes of Raspberry Pi, whose boot loader says it is an x86 BIOS and wants a boot menu of its own kind. */
const raspberryPi: ReadonlySet<string> = new Set(['28:cd:c1', '2c:cf:67', 'b8:27:eb', 'd8:3a:dd', 'dc:a6:32', 'e4:5f:01'])

/** Ethernet, the only hardware type whose chaddr is a MAC that selectors and reservations can name. */
export const ethernet = 1

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
    program: ipxe ? 'ipxe' : programOf(vendorClassIdentifier, mac, numbers),
    firmware: known?.firmware,
    architectures: numbers,
    userClasses,
    vendorClass: vendorClassIdentifier,
    ipxeHttp: ipxe && (features === undefined || features.size === 0 || features.has(featureHttp))
  }
}

function programOf (vendorClass: string, mac: Mac, architectures: readonly number[]): ClientProgram {
  if (vendorClass.startsWith('PXEClient')) {
    // A Pi with UEFI firmware names its true architecture.
    return raspberryPi.has(mac.slice(0, 8)) && architectures.every(number => number === 0) ? 'raspberry-pi' : 'pxe'
  }
  if (vendorClass.startsWith('HTTPClient')) return 'http'
  return 'other'
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
