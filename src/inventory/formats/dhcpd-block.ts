// Blocks for dhcpd.conf that can be pasted whole: next-server, the boot files for each kind of firmware, hosts; between the markers
// of cluster-builder, by which they are found again.
import { formatIpv4, type Ipv4 } from '../../net/ipv4.js'
import type { Mac } from '../../net/mac.js'
import { type ExportContext, type ExportedHost, nameOfMac } from '../exported.js'

/**
 * For ISC dhcpd 3.0 and later. Hosts stand in a group of their own, so that nothing changes for others, and what the group says goes
 * before what their subnet says. Without hosts it is for every machine of the scope that it is pasted into.
 */
export function writeDhcpd (hosts: readonly ExportedHost[], context: ExportContext): string {
  const { provisioner, scriptUrl, loaders, httpUrl } = context
  const boot = [
    `next-server ${provisioner};`,
    // iPXE asks again by itself, and is to get the script.
    'if exists user-class and option user-class = "iPXE" {',
    `  filename "${scriptUrl}";`,
    // UEFI HTTP Boot takes an answer that names it, with a URL (UEFI 2.10, 24.7.3).
    '} elsif substring (option vendor-class-identifier, 0, 10) = "HTTPClient" {',
    '  option vendor-class-identifier "HTTPClient";',
    '  if option core-provisioner-architecture = 00:13 {',
    `    filename "${httpUrl}/boot/${loaders.uefiArm64}";`,
    '  } else {',
    `    filename "${httpUrl}/boot/${loaders.uefiX64}";`,
    '  }',
    '} elsif option core-provisioner-architecture = 00:07 or option core-provisioner-architecture = 00:09 {',
    `  filename "${loaders.uefiX64}";`,
    '} elsif option core-provisioner-architecture = 00:0b {',
    `  filename "${loaders.uefiArm64}";`,
    '} else {',
    `  filename "${loaders.bios}";`,
    '}'
  ]
  const body = hosts.length === 0 ? boot : ['group {', ...[...boot, ...hosts.flatMap(host => hostLines(host))].map(line => `  ${line}`), '}']
  return `${['option core-provisioner-architecture code 93 = unsigned integer 16;', ...body].join('\n')}\n`
}

/**
 * For VMware's dhcpd, which is ISC DHCP 2.0 and knows no conditions: all is said of each host. pxelinux.0 goes on to iPXE by itself,
 * which undionly.kpxe, given again to the iPXE that it is, would not.
 */
export function writeFusion (hosts: readonly ExportedHost[], { provisioner, scriptUrl, networks }: ExportContext): string {
  const servers = networks[0]?.dnsServers.map(formatIpv4).join(', ') ?? ''
  return [
    '# This dhcpd knows no conditions, of which the iPXE clause of later ones is made (hosts export --format dhcpd):',
    `# pxelinux.0 starts ipxe.lkrn, which goes on to ${scriptUrl}.`,
    ...hosts.flatMap(host => hostLines(host, [
      ...servers === '' ? [] : [`option domain-name-servers ${servers};`],
      `option tftp-server-name "${provisioner}";`, `next-server ${provisioner};`, 'filename "pxelinux.0";'
    ])),
    ''
  ].join('\n')
}

/** A declaration for each network card: dhcpd takes several of one address. */
function hostLines ({ macs, ip, name }: ExportedHost, more: readonly string[] = []): string[] {
  return macs.flatMap((mac, index) => [
    `host ${declared(name, mac)}${index === 0 ? '' : `-${index + 1}`} {`,
    `  hardware ethernet ${mac};`,
    ...address(ip),
    ...name === undefined ? [] : [`  option host-name "${name}";`],
    ...more.map(line => `  ${line}`),
    '}'
  ])
}

const address = (ip: Ipv4 | undefined): string[] => ip === undefined ? [] : [`  fixed-address ${formatIpv4(ip)};`]
const declared = (name: string | undefined, mac: Mac): string => name ?? nameOfMac(mac)
