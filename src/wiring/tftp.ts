// The TFTP listener.
import { warning } from '../doctor/finding.js'
import type { InterfaceAddress } from '../net/interfaces.js'
import { contains, formatIpv4, type Ipv4, parseIpv4 } from '../net/ipv4.js'
import { sparing } from '../net/sparing-udp.js'
import { tapped } from '../net/tapped-udp.js'
import { kernelUdp } from '../net/udp.js'
import { startTftpServer } from '../tftp/tftp-server.js'
import { loadersAmiss } from './folder-amiss.js'
import { loadersOnDisk } from './loader-files.js'
import type { Ground } from './ground.js'
import type { PreparedListener } from './listener.js'
import { lookAtLoaders } from './missing-loaders.js'
import { bootServers, listensAt } from './listens.js'
import type { ListenPlace } from './place.js'
import { elsewhere } from './reach.js'

export async function prepareTftp (ground: Ground, place: ListenPlace): Promise<PreparedListener> {
  const { loaded, config, clock, homes, ownAddresses } = ground
  const { key, host = '0.0.0.0', port } = place
  const { there, findings } = await lookAtLoaders(ground, loadersOnDisk(config, clock))
  const amiss = await loadersAmiss(loaded)
  const told = homes.all.flatMap(({ own }) => own === undefined ? [] : [formatIpv4(own)])
  return {
    what: `loaders ${there.join(', ') || 'none'}`,
    findings: [...amiss === undefined ? [] : [warning('loaders', amiss)], ...told.flatMap(own => elsewhere(ground.loaded, place, own)), ...findings],
    listen: async ({ arp, log, clock, macOf, observer, packets, loaderFiles, sockets }) => {
      const inherited = sockets.takeAll('tftp', { key, host, port })
      const server = await startTftpServer({
        address: host,
        port,
        sockets: inherited,
        singlePort: config.tftp.single_port,
        maxBlockSize: config.tftp.max_block_size,
        maxWindowSize: config.tftp.max_window_size
      }, {
        network: sparing(packets === undefined ? kernelUdp : tapped(kernelUdp, packets.onTftp), arp.find),
        files: loaderFiles,
        clock,
        log,
        onEvent: observer.onTftp,
        macOf,
        askedAddress: client => askedAddress(client, homes.of(client).own, ownAddresses)
      })
      const listens = listensAt({ transport: 'udp' }, place, server.addresses[0]?.port ?? port, bootServers(place, homes))
      return { listens, close: grace => server.close(grace) }
    }
  }
}

/**
 * Which of our addresses a client will have asked: DHCP named `own` to it. Only one on a network of ours where no DHCP is
 * answered, which has `own` from nobody, asks the address that the kernel's routing answers from.
 */
export function askedAddress (client: string, own: Ipv4 | undefined, ownAddresses: Ground['ownAddresses']): string | undefined {
  const ip = parseIpv4(client)
  if (ip === undefined || own === undefined) return undefined
  let near: readonly InterfaceAddress[]
  try {
    near = ownAddresses().filter(({ subnet }) => contains(subnet, ip))
  } catch {
    // No descriptor is left to ask the kernel with.
    return formatIpv4(own)
  }
  return near.length === 0 || near.some(address => address.ip === own) ? formatIpv4(own) : undefined
}
