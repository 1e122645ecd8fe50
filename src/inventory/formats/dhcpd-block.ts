// Blocks for dhcpd.conf that can be pasted whole: next-server, the boot files for each kind of firmware, hosts; between the markers
// of cluster-builder, by which they are found again.
import { formatIpv4, type Ipv4 } from '../../net/ipv4.js'
import { type ExportContext, type ExportedHost, type LoaderOverride, nameOfMac, namesApart } from '../exported.js'

const architecture = 'option core-provisioner-architecture'

/** How the vendor class of UEFI HTTP Boot begins (UEFI 2.10, 24.7.3). */
const http = 'HTTPClient'

/** Text of a configuration: dhcpd takes backslashes for escapes. */
const quoted = (text: string): string => `"${text.replace(/["\\]/g, '\\$&')}"`
const filename = (name: string): string => `filename ${quoted(name)};`
const isArchitecture = (number: number): string => `${architecture} = ${number.toString(16).padStart(4, '0').replace(/..(?=.)/, '$&:')}`

/** One for each architecture: dhcpd's expressions go on after no parenthesis. */
function conditionsOf ({ mac, vendorClass }: LoaderOverride, architectures: readonly number[] | undefined): string[] {
  const common = [
    ...mac === undefined ? [] : [`substring (hardware, 1, ${mac.split(':').length}) = ${mac}`],
    ...vendorClass === undefined ? [] : [`substring (option vendor-class-identifier, 0, ${Buffer.byteLength(vendorClass)}) = ${quoted(vendorClass)}`]
  ]
  return (architectures?.map(isArchitecture) ?? [undefined])
    .map(last => [...common, ...last === undefined ? [] : [last]].join(' and '))
}

/** `if ... elsif ... else ...`; the last branch alone when there are no conditions. */
function choice (branches: ReadonlyArray<readonly [condition: string, lines: readonly string[]]>, otherwise: readonly string[]): string[] {
  if (branches.length === 0) return [...otherwise]
  const indented = (lines: readonly string[]): string[] => lines.map(line => `  ${line}`)
  return [
    ...branches.flatMap(([condition, lines], index) => [`${index === 0 ? 'if' : '} elsif'} ${condition} {`, ...indented(lines)]),
    '} else {', ...indented(otherwise), '}'
  ]
}

/**
 * For ISC dhcpd 3.0 and later. Hosts stand in a group of their own, so that nothing changes for others, and what the group says goes
 * before what their subnet says. Without hosts it is for every machine of the scope that it is pasted into.
 */
export function writeDhcpd (hosts: readonly ExportedHost[], context: ExportContext): string {
  const { provisioner, scriptUrl, loaders, overrides = [], httpLoaders = { uefiX64: '', uefiArm64: '' } } = context
  type Of<T> = (override: LoaderOverride) => T | undefined
  const exceptions = (fileOf: Of<string>, numbersOf: Of<readonly number[]>) => overrides.flatMap(override => {
    const file = fileOf(override) ?? ''
    return file === '' ? [] : conditionsOf(override, numbersOf(override)).map(condition => [condition, [filename(file)]] as const)
  })
  const mayBeHttp = ({ vendorClass = '' }: LoaderOverride): boolean => http.startsWith(vendorClass) || vendorClass.startsWith(http)
  const byPxe = exceptions(({ loader, vendorClass = '' }) => vendorClass.startsWith(http) ? undefined : loader, ({ architectures }) => architectures)
  const byHttp = [
    ...exceptions(override => mayBeHttp(override) ? override.httpLoader : undefined, ({ httpArchitectures }) => httpArchitectures),
    ...httpLoaders.uefiArm64 === '' ? [] : [[isArchitecture(19), [filename(httpLoaders.uefiArm64)]] as const]
  ]
  const scripts = exceptions(({ scriptUrl }) => scriptUrl,
    ({ architectures, httpArchitectures = [] }) => architectures && [...architectures, ...httpArchitectures])
  const boot = [
    `next-server ${provisioner};`,
    ...choice([
      // iPXE asks again by itself, and is to get the script.
      ['exists user-class and option user-class = "iPXE"', choice(scripts, [filename(scriptUrl)])],
      // UEFI HTTP Boot takes an answer that names it, with a URL (UEFI 2.10, 24.7.3).
      ...byHttp.length === 0 && httpLoaders.uefiX64 === ''
        ? []
        : [[`substring (option vendor-class-identifier, 0, ${http.length}) = "${http}"`, [
            `option vendor-class-identifier "${http}";`,
            ...choice(byHttp, httpLoaders.uefiX64 === '' ? [] : [filename(httpLoaders.uefiX64)])
          ]] as const]
    ], choice([
      ...byPxe,
      [`${isArchitecture(7)} or ${isArchitecture(9)}`, [filename(loaders.uefiX64)]],
      [isArchitecture(11), [filename(loaders.uefiArm64)]]
    ], [filename(loaders.bios)]))
  ]
  const body = hosts.length === 0 ? boot : ['group {', ...[...boot, ...hostsLines(hosts)].map(line => `  ${line}`), '}']
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
    ...hostsLines(hosts, [
      ...servers === '' ? [] : [`option domain-name-servers ${servers};`],
      `option tftp-server-name "${provisioner}";`, `next-server ${provisioner};`, 'filename "pxelinux.0";'
    ]),
    ''
  ].join('\n')
}

/** A declaration for each network card: dhcpd takes several of one address, and none of one name. */
function hostsLines (hosts: readonly ExportedHost[], more: readonly string[] = []): string[] {
  const apart = namesApart('-', name => name.toLowerCase())
  return hosts.flatMap(({ macs, ip, name }) => macs.flatMap(mac => [
    `host ${apart(name ?? nameOfMac(mac))} {`,
    `  hardware ethernet ${mac};`,
    ...address(ip),
    ...name === undefined ? [] : [`  option host-name "${name}";`],
    ...more.map(line => `  ${line}`),
    '}'
  ]))
}

const address = (ip: Ipv4 | undefined): string[] => ip === undefined ? [] : [`  fixed-address ${formatIpv4(ip)};`]
