// PXE's own options: RFC 4578 (93, 94, 97) and the PXE 2.1 specification, section 2.2 (option 43).
import type { ClientInfo } from './client-info.js'
import type { DhcpPacket } from './packet.js'
import type { MutableOptions } from './options.js'

/** PXE 2.1 table 2-2, the sub-options of option 43. */
const sub = { discoveryControl: 6, bootServers: 8, bootMenu: 9, menuPrompt: 10, bootItem: 71, end: 255 } as const

/** Discovery control, bit 3: skip boot server discovery and load the file named in this very message. */
const bootThisFile = 8

const option = (code: number, value: Uint8Array): Buffer => Buffer.from([code, value.length, ...value])

/** A prompt shown for `seconds`: 0 takes the first menu item at once. */
const prompt = (seconds: number, text: string): Buffer => option(sub.menuPrompt, Buffer.from([seconds, ...Buffer.from(text)]))

/** One menu item for boot server type 0, which is booting from what this message names. */
const menu = (text: string): Buffer => option(sub.bootMenu, Buffer.from([0, 0, text.length, ...Buffer.from(text)]))

const end = Buffer.from([sub.end])

/** Option 43 that says no more than "boot what this message names". The prompt is for edk2, some builds of which want one. */
export const bootDirectly: Buffer = Buffer.concat([option(sub.discoveryControl, Buffer.from([bootThisFile])), prompt(0, 'PXE'), end])

/** What a Raspberry Pi looks for before it takes an offer for its own: this very menu, and the word in it. */
const raspberryPiMenu: Buffer = Buffer.concat([
  option(sub.discoveryControl, Buffer.from([3])), prompt(0, 'PXE'), menu('Raspberry Pi Boot'), end
])

/**
 * The options that make a message one for PXE or HTTP Boot firmware; none for other clients. edk2 drops an offer whose
 * vendor class is not its own, and takes `PXEClient` without option 43 for a call to the boot server on port 4011.
 * The machine identifier (97) goes back as it came, whatever its length: Intel ROMs compare it.
 */
export function pxeOptions (request: DhcpPacket, client: ClientInfo): MutableOptions {
  switch (client.program) {
    case 'pxe': return { vendorClassIdentifier: 'PXEClient', vendorSpecificInformation: bootDirectly, ...machineIdentifier(request) }
    case 'raspberry-pi': return { vendorClassIdentifier: 'PXEClient', vendorSpecificInformation: raspberryPiMenu, ...machineIdentifier(request) }
    case 'http': return { vendorClassIdentifier: 'HTTPClient', ...machineIdentifier(request) }
    case 'ipxe': return { ipxeEncapsulatedOptions: noProxyDhcp }
    case 'u-boot':
    case 'other': return {}
  }
}

/** iPXE's `no-pxedhcp` (176) in its option 175: the offer is complete, so it need not wait three seconds for a ProxyDHCP one. */
const noProxyDhcp = Buffer.from([176, 1, 1])

export const machineIdentifier = ({ options: { clientMachineIdentifier } }: DhcpPacket): MutableOptions =>
  clientMachineIdentifier === undefined ? {} : { clientMachineIdentifier }

/** The value of a sub-option of option 43; undefined when it is absent or the list is cut short before it. */
export function vendorOption (value: Buffer | undefined, wanted: number): Buffer | undefined {
  if (value === undefined) return undefined
  for (let at = 0; at < value.length;) {
    const code = value.readUInt8(at)
    if (code === 0) {
      at += 1
      continue
    }
    if (code === sub.end || at + 1 >= value.length) return undefined
    const length = value.readUInt8(at + 1)
    if (at + 2 + length > value.length) return undefined
    if (code === wanted) return value.subarray(at + 2, at + 2 + length)
    at += 2 + length
  }
  return undefined
}

/** A boot server's answer: the boot item that was asked for (43.71) goes back, or none when none was asked for. */
export function bootServerVendorOptions (request: DhcpPacket): Buffer {
  const item = vendorOption(request.options.vendorSpecificInformation, sub.bootItem)
  return item === undefined ? bootDirectly : Buffer.concat([option(sub.bootItem, item), end])
}
