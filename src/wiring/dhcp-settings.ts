// What the DHCP server is told, made of the configuration: subnets, boot files, options in wire form.
import type { Config, ListenAddress, LoadedConfig } from '../config/load.js'
import type { BootConfig, BootOverride } from '../dhcp/boot-file.js'
import { optionFromText } from '../dhcp/option-text.js'
import type { DhcpSubnet } from '../dhcp/subnet.js'
import { AppError } from '../base/errors.js'
import { loadersPath } from '../http/loader-routes.js'
import { localAddresses, type OwnAddress } from '../net/interfaces.js'
import { contains, formatIpv4, type Ipv4 } from '../net/ipv4.js'
import { isWildcard } from './place.js'

/** Of the interface's addresses the one inside a subnet that is served, else the first. */
export const ownAddressAmong = ({ dhcp }: Pick<Config, 'dhcp'>, addresses: readonly OwnAddress[]): Ipv4 | undefined =>
  (addresses.find(({ ip }) => dhcp.subnets.some(({ subnet }) => contains(subnet, ip))) ?? addresses[0])?.ip

/** The name or address that machines are told: the configured one, that of their interface, else this machine's first. */
export function advertisedHost (config: Config, own: Ipv4 | undefined): string {
  if (config.advertise !== '') return config.advertise
  if (own !== undefined) return formatIpv4(own)
  const bound = config.http.address.host
  if (!isWildcard(bound)) return bound.includes(':') ? `[${bound}]` : bound
  const outward = localAddresses().find(({ name }) => name !== 'lo')
  return outward === undefined ? '127.0.0.1' : formatIpv4(outward.ip)
}

export const httpOrigin = (host: string, { port }: ListenAddress): string => `http://${host}:${port}`

/** The two builds of iPXE stand in for each other. For a shim or a GRUB nothing does, least of all what nobody signed. */
const otherBuild: ReadonlyMap<string, string> = new Map([['snponly.efi', 'ipxe.efi'], ['ipxe.efi', 'snponly.efi']])

/** Whether there is another loader for machines that the configured one leads nowhere. */
export const hasOtherLoader = ({ boot }: Config): boolean => otherBuild.has(boot.uefi_x64)

/**
 * `machines` are the exceptions of single machines (matchbox/group-machines), which go before the configuration's; `httpNames` what
 * stands in for loaders over HTTP.
 */
export function bootConfig (
  { boot }: Config, origin: string, machines: readonly BootOverride[] = [], httpNames: ReadonlyMap<string, string> = new Map()
): BootConfig {
  const other = otherBuild.get(boot.uefi_x64)
  return {
    loaders: { bios: boot.bios, 'efi-x64': boot.uefi_x64, 'efi-arm64': boot.uefi_arm64 },
    otherLoaders: other === undefined ? {} : { 'efi-x64': other },
    ...boot.http_boot && { loaderBaseUrl: `${origin}${loadersPath}`, httpNames },
    scriptUrl: boot.script_url === '' ? `${origin}/boot.ipxe` : boot.script_url,
    ownUserClass: boot.own_user_class,
    overrides: [...machines, ...boot.overrides.map(overrideOf)]
  }
}

const overrideOf = (
  { mac, vendor_class: vendorClass, arch, file, script_url: scriptUrl, proxy_style: uefiStyle }: Config['boot']['overrides'][number]
): BootOverride => ({
  ...mac !== undefined && { mac },
  ...vendorClass !== undefined && { vendorClass },
  ...arch !== undefined && { architecture: arch },
  ...file !== undefined && { loader: file },
  ...scriptUrl !== undefined && { scriptUrl },
  ...uefiStyle !== undefined && { uefiStyle }
})

export const dhcpSubnets = ({ config, where }: LoadedConfig): readonly DhcpSubnet[] => config.dhcp.subnets.map((entry, index) => ({
  subnet: entry.subnet,
  ...entry.link !== undefined && { link: entry.link },
  range: entry.range,
  routers: entry.routers,
  dnsServers: entry.dns_servers,
  domainName: entry.domain_name,
  ntpServers: entry.ntp_servers,
  leaseTime: Math.floor(entry.lease_time / 1000),
  options: wireOptions(entry.options, `${where(['dhcp', 'subnets', index, 'options'])}: dhcp.subnets.${index}`)
}))

/** AppError `config_invalid` names `at` when a value does not suit its option. */
export function wireOptions (options: Readonly<Record<string, string | number>>, at: string): ReadonlyMap<number, Uint8Array> {
  return new Map(Object.entries(options).map(([code, value]) => {
    const option = optionFromText(Number(code), String(value))
    if ('problem' in option) throw new AppError('config_invalid', `${at}: ${option.problem}`)
    return [Number(code), option.bytes]
  }))
}
