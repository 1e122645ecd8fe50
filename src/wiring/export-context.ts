// What other programs' files are told of this provisioner: where it is, what machines boot, the networks that it knows.
import { isBootFileName, type LoadedConfig } from '../config/load.js'
import type { BootOverride } from '../dhcp/boot-file.js'
import { architectures } from '../dhcp/constants.js'
import type { ClientCertificates, ExportContext, LoaderOverride } from '../inventory/exported.js'
import type { Group } from '../matchbox/group.js'
import { groupLoaders } from '../matchbox/group-machines.js'
import { localAddresses } from '../net/interfaces.js'
import { type Ipv4, parseIpv4 } from '../net/ipv4.js'
import { bootConfig } from './dhcp-settings.js'
import { type Home, homesHere } from './homes.js'

export interface ExportOptions {
  readonly cluster: string
  readonly certificates?: ClientCertificates | undefined
  /** Of the store, whose groups may choose loaders. */
  readonly groups: Iterable<Group>
}

/** `home` is whose network is meant; on a machine that has none of the interfaces an export is often made for another. */
export function exportContext (
  { config }: LoadedConfig, { cluster, certificates, groups }: ExportOptions, home: Pick<Home, 'host' | 'origin'> = homesHere(config).first
): ExportContext {
  const { host: provisioner, origin: httpUrl } = home
  const { loaders, scriptUrl, overrides = [] } = bootConfig(config, httpUrl, groupLoaders(groups, isBootFileName).loaders)
  return {
    cluster,
    provisioner,
    httpUrl,
    scriptUrl,
    rpcEndpoint: config.rpc.address === null ? '' : `${provisioner}:${config.rpc.address.port}`,
    networks: config.dhcp.subnets.map(({ subnet, routers, dns_servers: dnsServers, domain_name: domain }) =>
      ({ subnet, routers, dnsServers, domain })),
    loaders: { bios: loaders.bios ?? '', uefiX64: loaders['efi-x64'] ?? '', uefiArm64: loaders['efi-arm64'] ?? '' },
    overrides: overrides.map(overrideOf),
    certificates
  }
}

/** The addresses that this machine has, and the one that it is told to be known by. */
export function ownAddresses ({ config }: LoadedConfig): ReadonlySet<Ipv4> {
  const advertised = parseIpv4(config.advertise)
  return new Set([...localAddresses().map(({ ip }) => ip), ...advertised === undefined ? [] : [advertised]])
}

function overrideOf ({ mac, vendorClass, architecture, loader, scriptUrl }: BootOverride): LoaderOverride {
  const numbers = typeof architecture === 'number'
    ? [architecture]
    : Object.entries(architectures).filter(([, known]) => known?.firmware === architecture && !known?.http)
      .map(([number]) => Number(number))
  return {
    ...mac !== undefined && { mac },
    ...vendorClass !== undefined && { vendorClass },
    ...architecture !== undefined && { architectures: numbers },
    ...loader !== undefined && { loader },
    ...scriptUrl !== undefined && { scriptUrl }
  }
}
