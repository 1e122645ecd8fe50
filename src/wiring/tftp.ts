// The TFTP listener.
import { bootFolders } from '../base/bundled.js'
import type { LoadedConfig } from '../config/load.js'
import { note, problem, warning } from '../doctor/finding.js'
import { followChain } from '../loaders/boot-chain.js'
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
import { namedLoaders } from './named-loaders.js'
import { bootServers, listensAt } from './listens.js'
import type { ListenPlace } from './place.js'
import { elsewhere } from './reach.js'

export async function prepareTftp (ground: Ground, place: ListenPlace): Promise<PreparedListener> {
  const { loaded, config, clock, homes, ownAddresses } = ground
  const { key, host = '0.0.0.0', port } = place
  const folders = [config.tftp.root, ...bootFolders()]
  const files = loadersOnDisk(config, clock)
  const chains = await Promise.all(namedLoaders(ground).map(async name => ({ name, ...await followChain(name, files) })))
  const amiss = await loadersAmiss(loaded)
  const told = homes.all.flatMap(({ own }) => own === undefined ? [] : [formatIpv4(own)])
  return {
    what: `loaders ${chains.filter(({ found }) => found).map(({ name }) => name).join(', ') || 'none'}`,
    findings: [...amiss === undefined ? [] : [warning('loaders', amiss)], ...told.flatMap(own => elsewhere(ground.loaded, place, own)), ...chains.flatMap(({ name, found, problems }) => [
      ...found || !isWanted(name, loaded) ? [] : [(isNamed(name, loaded) ? warning : note)('loaders', `boot loader ${name} is in none of ${folders.join(', ')}; scripts/boot-files fetches those that the distribution has`)],
      ...problems.map(text => problem('loaders', text))
    ])],
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

/** The distribution of an x86 server has no loader for ARM: it is missed by who has such machines, and says so. */
const isWanted = (name: string, { config: { boot }, isWritten }: LoadedConfig): boolean => name !== boot.uefi_arm64 || isWritten(['boot', 'uefi_arm64'])

/** Whether the configuration names it, rather than leaves it to the defaults: who wrote it meant one that is there. */
const isNamed = (name: string, { config: { boot }, isWritten }: LoadedConfig): boolean =>
  (['bios', 'uefi_x64', 'uefi_arm64'] as const).some(key => boot[key] === name && isWritten(['boot', key])) || boot.overrides.some(({ file }) => file === name)

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
