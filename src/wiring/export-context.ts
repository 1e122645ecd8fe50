// What other programs' files are told of this provisioner: where it is, what machines boot, the networks that it knows.
import type { LoadedConfig } from '../config/load.js'
import type { ClientCertificates, ExportContext } from '../inventory/exported.js'
import { bootConfig } from './dhcp-settings.js'
import { homesHere } from './homes.js'

export interface ExportOptions {
  readonly cluster: string
  readonly certificates?: ClientCertificates | undefined
}

/** `homes` as they are known already; on a machine that has none of the interfaces an export is often made for another. */
export function exportContext ({ config }: LoadedConfig, { cluster, certificates }: ExportOptions, homes = homesHere(config)): ExportContext {
  const { host: provisioner, origin: httpUrl } = homes.first
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
