// What other programs' files are told of this provisioner: where it is, what machines boot, the networks that it knows.
import type { LoadedConfig } from '../config/load.js'
import { AppError } from '../base/errors.js'
import type { ClientCertificates, ExportContext } from '../inventory/exported.js'
import type { Ipv4 } from '../net/ipv4.js'
import { advertisedHost, bootConfig, httpOrigin, ownAddress } from './dhcp-settings.js'

export interface ExportOptions {
  readonly cluster: string
  readonly certificates?: ClientCertificates | undefined
}

/** `own` is the service's own address where it is known already. */
export function exportContext (
  loaded: LoadedConfig, { cluster, certificates }: ExportOptions, own: Ipv4 | undefined = ownAddressHere(loaded)
): ExportContext {
  const { config } = loaded
  const provisioner = advertisedHost(config, own)
  const httpUrl = httpOrigin(provisioner, config.http.address)
  const { loaders, scriptUrl } = bootConfig(config, httpUrl)
  return {
    cluster,
    provisioner,
    httpUrl,
    scriptUrl,
    rpcEndpoint: config.rpc.address === null ? '' : `${provisioner}:${config.rpc.address.port}`,
    networks: config.dhcp.subnets.map(({ subnet, routers, dns_servers: dnsServers, domain_name: domain }) =>
      ({ subnet, routers, dnsServers, domain })),
    loaders: { bios: loaders.bios ?? '', uefiX64: loaders['efi-x64'] ?? '', uefiArm64: loaders['efi-arm64'] ?? '' },
    certificates
  }
}

/** Undefined on a machine that does not have the interface: an export is often made elsewhere. */
function ownAddressHere (loaded: LoadedConfig): Ipv4 | undefined {
  try {
    return ownAddress(loaded)
  } catch (error) {
    if (error instanceof AppError) return undefined
    throw error
  }
}
