// PXE's own options: RFC 4578 (93, 94, 97) and the PXE 2.1 specification, section 2.2 (option 43).
import type { ClientInfo } from './client-info.js'
import type { DhcpPacket } from './packet.js'
import type { MutableOptions } from './options.js'

const discoveryControl = 6
const end = 255

/** PXE_DISCOVERY_CONTROL bit 3: skip boot server discovery and load the file named in this very message. */
const bootThisFile = 8

/** Option 43 that says no more than "boot what this message names". */
export const bootDirectly: Buffer = Buffer.from([discoveryControl, 1, bootThisFile, end])

/**
 * The options that make a message one for PXE or HTTP Boot firmware; none for other clients. edk2 drops an offer whose
 * vendor class is not its own, and takes `PXEClient` without option 43 for a call to the boot server on port 4011.
 * The machine identifier (97) goes back as it came, whatever its length: Intel ROMs compare it.
 */
export function pxeOptions (request: DhcpPacket, client: ClientInfo): MutableOptions {
  if (client.program !== 'pxe' && client.program !== 'http') return {}
  const { clientMachineIdentifier } = request.options
  return {
    ...client.program === 'pxe'
      ? { vendorClassIdentifier: 'PXEClient', vendorSpecificInformation: bootDirectly }
      : { vendorClassIdentifier: 'HTTPClient' },
    ...clientMachineIdentifier !== undefined && { clientMachineIdentifier }
  }
}
