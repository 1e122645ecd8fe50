// The TFTP listener.
import type { ListenAddress } from '../config/load.js'
import { AppError } from '../base/errors.js'
import type { InheritedSocket } from '../net/inherited-sockets.js'
import { type InterfaceAddress, localAddresses } from '../net/interfaces.js'
import { contains, formatIpv4, type Ipv4, parseIpv4 } from '../net/ipv4.js'
import { kernelUdp } from '../net/udp.js'
import { startTftpServer } from '../tftp/tftp-server.js'
import type { Shared } from './shared.js'

/** Milliseconds that transfers under way may take to finish. */
const grace = 1500

export async function startTftp (shared: Shared): Promise<void> {
  const { loaded, config, log, own, sockets } = shared
  const { address } = config.tftp
  if (address === null) return
  const inherited = sockets.takeAll('tftp', { key: 'tftp.address', ...address })
  try {
    await listen(shared, address, inherited)
  } catch (error) {
    // Whoever never asked for it has what Matchbox had: a TFTP server of another program, or none.
    if (!(error instanceof AppError) || own !== undefined || loaded.isWritten(['tftp'])) throw error
    log.warn({ reason: error.message }, 'tftp.off')
  }
}

async function listen (shared: Shared, { host, port }: ListenAddress, inherited: readonly InheritedSocket[]): Promise<void> {
  const { config, log, clock, macOf, observer, bootFiles, own, onClose } = shared
  const server = await startTftpServer({
    address: host,
    port,
    sockets: inherited,
    singlePort: config.tftp.single_port,
    maxBlockSize: config.tftp.max_block_size,
    maxWindowSize: config.tftp.max_window_size
  }, {
    network: kernelUdp,
    files: bootFiles,
    clock,
    log,
    onEvent: observer.onTftp,
    macOf,
    askedAddress: client => askedAddress(client, own)
  })
  onClose(() => server.close(grace))
}

/**
 * Which of our addresses a client will have asked: DHCP named `own` to it. Only one on another network of ours, which has
 * `own` from nobody, asks the address that the kernel's routing answers from.
 */
function askedAddress (client: string, own: Ipv4 | undefined): string | undefined {
  const ip = parseIpv4(client)
  if (ip === undefined || own === undefined) return undefined
  let near: readonly InterfaceAddress[]
  try {
    near = localAddresses().filter(({ subnet }) => contains(subnet, ip))
  } catch {
    // No descriptor is left to ask the kernel with.
    return formatIpv4(own)
  }
  return near.length === 0 || near.some(address => address.ip === own) ? formatIpv4(own) : undefined
}
