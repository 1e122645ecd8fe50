// What other programs' files are told of this provisioner: where it is, what machines boot, the networks that it knows.
import type { Clock } from '../base/clock.js'
import { isBootFileName, type LoadedConfig } from '../config/load.js'
import type { BootOverride } from '../dhcp/boot-file.js'
import { architectures } from '../dhcp/constants.js'
import { loadersPath } from '../http/loader-routes.js'
import type { ClientCertificates, ExportContext, LoaderOverride } from '../inventory/exported.js'
import type { Group } from '../matchbox/group.js'
import { groupLoaders } from '../matchbox/group-machines.js'
import { localAddresses } from '../net/interfaces.js'
import { type Ipv4, parseIpv4 } from '../net/ipv4.js'
import { openHttpNames } from './boot.js'
import { bootConfig } from './dhcp-settings.js'
import type { Home } from '../dhcp/homes.js'
import { homesHere } from './homes.js'

export interface ExportOptions {
  readonly cluster: string
  readonly certificates?: ClientCertificates | undefined
  /** Of the store, whose groups may choose loaders. */
  readonly groups: Iterable<Group>
  /** Of loaders that firmware gets under another name by HTTP (loaders/shim-image). */
  readonly httpNames?: ReadonlyMap<string, string>
}

/** `home` is whose network is meant; on a machine that has none of the interfaces an export is often made for another. */
export function exportContext (
  { config }: LoadedConfig, { cluster, certificates, groups, httpNames = new Map() }: ExportOptions, home: Pick<Home, 'host' | 'origin'> = homesHere(config).first
): ExportContext {
  const { host: provisioner, origin: httpUrl } = home
  const { loaders, scriptUrl, overrides = [] } = bootConfig(config, httpUrl, groupLoaders(groups, isBootFileName).loaders)
  const urlOf = (loader: string): string => /^https?:/.test(loader) ? loader : `${httpUrl}${loadersPath}${httpNames.get(loader) ?? loader}`
  const overHttp = (loader = ''): string => loader === '' || !config.boot.http_boot ? '' : urlOf(loader)
  return {
    cluster,
    provisioner,
    httpUrl,
    scriptUrl,
    rpcEndpoint: config.rpc.address === null ? '' : `${provisioner}:${config.rpc.address.port}`,
    networks: config.dhcp.subnets.map(({ subnet, routers, dns_servers: dnsServers, domain_name: domain }) =>
      ({ subnet, routers, dnsServers, domain })),
    loaders: { bios: loaders.bios ?? '', uefiX64: loaders['efi-x64'] ?? '', uefiArm64: loaders['efi-arm64'] ?? '' },
    httpLoaders: { uefiX64: overHttp(loaders['efi-x64']), uefiArm64: overHttp(loaders['efi-arm64']) },
    overrides: overrides.map(override => {
      const { loader } = override
      return { ...overrideOf(override), ...loader !== undefined && { httpLoader: overHttp(loader) } }
    }),
    certificates
  }
}

/** The same, with the loaders on this machine's disk looked at. */
export async function exportContextOnDisk (
  loaded: LoadedConfig, clock: Clock, options: Omit<ExportOptions, 'httpNames' | 'groups'> & { readonly groups: readonly Group[] },
  home?: Pick<Home, 'host' | 'origin'>
): Promise<ExportContext> {
  const { names: httpNames } = await openHttpNames(loaded.config, clock, options.groups)
  return exportContext(loaded, { ...options, httpNames }, home)
}

/** The addresses that this machine has, and the one that it is told to be known by. */
export function ownAddresses ({ config }: LoadedConfig): ReadonlySet<Ipv4> {
  const advertised = parseIpv4(config.advertise)
  return new Set([...localAddresses().map(({ ip }) => ip), ...advertised === undefined ? [] : [advertised]])
}

function overrideOf ({ mac, vendorClass, architecture, loader, scriptUrl }: BootOverride): LoaderOverride {
  const numbers = Object.keys(architectures).map(Number)
    .filter(number => architecture === number || architectures[number]?.firmware === architecture)
  const unnamed = typeof architecture === 'number' && !numbers.includes(architecture) ? [architecture] : []
  const isHttp = (number: number): boolean => architectures[number]?.http === true
  return {
    ...mac !== undefined && { mac },
    ...vendorClass !== undefined && { vendorClass },
    ...architecture !== undefined && {
      architectures: [...numbers.filter(number => !isHttp(number)), ...unnamed],
      httpArchitectures: numbers.filter(isHttp)
    },
    ...loader !== undefined && { loader },
    ...scriptUrl !== undefined && { scriptUrl }
  }
}
