// DHCP on its interfaces, on each in server or proxy mode, and the two sockets beside: port 68, from which a server asks whether
// another one answers, and the boot server's of a proxy.
import { counted } from '../base/units.js'
import { type DhcpInterface, dhcpInterfaces, givesAddresses, isBootFileName, type LoadedConfig } from '../config/load.js'
import { buildReservations } from '../dhcp/reservation-table.js'
import { inRange, isHostAddress } from '../dhcp/subnet.js'
import { type Finding, problem, warning } from '../doctor/finding.js'
import { groupLoaders } from '../matchbox/group-machines.js'
import { missingProblem, networkInterfaces } from '../net/interfaces.js'
import { contains, formatIpv4, formatSubnet, type Ipv4 } from '../net/ipv4.js'
import { bootServerPlaces, dhcpClientPlaces } from './dhcp-places.js'
import { dhcpSubnets } from './dhcp-settings.js'
import { followLink } from '../dhcp/link-watch.js'
import { proxyOn } from './dhcp-proxy.js'
import { serverOn } from './dhcp-server.js'
import type { Ground } from './ground.js'
import type { Home } from '../dhcp/homes.js'
import type { PreparedListener } from './listener.js'
import type { ListenPlace } from './place.js'
import { readReservations } from './reservation-sources.js'

/** AppError names the option of a subnet that can't be. */
export async function prepareDhcp (ground: Ground, place: ListenPlace): Promise<PreparedListener> {
  const { loaded, config, homes, store } = ground
  const home = homes.on(place.device)
  const { own, interface: at } = home
  const subnets = dhcpSubnets(loaded)
  const found = await readReservations(loaded, store)
  const inForce = buildReservations(found.entries, subnets, ...homes.addresses)
  const boot = groupLoaders(store.snapshot.groups.values(), isBootFileName)
  const overrides = config.boot.overrides.length + boot.loaders.length
  const isFirst = home === homes.all[0]
  const as = [...homes.all.length === 1 ? [] : [at?.mode], ...own === undefined ? [] : [`as ${formatIpv4(own)}`]].join(' ')
  return {
    what: `${as === '' ? '' : `${as}, `}${counted(subnets.length, 'subnet')}, ${counted(inForce.byIp.size, 'reservation')},${overrides === 0 ? '' : ` ${counted(overrides, 'boot override')},`} unknown clients: ${config.dhcp.unknown_clients}`,
    findings: [
      ...missing(loaded, home),
      // What is so on every interface is said once.
      ...isFirst ? [...found.problems, ...inForce.problems].map(text => problem('configuration', text)) : [],
      ...isFirst ? withoutEffect(loaded).map(text => warning('configuration', text)) : [],
      ...isFirst ? [...wrongRouters(loaded), ...usedUp(loaded, [...homes.addresses, ...inForce.byIp.keys()])].map(text => warning('configuration', text)) : [],
      ...unserved(loaded, home),
      ...tooWide(loaded, home)
    ],
    listen: async parts => {
      const service = at?.mode === 'proxy'
        ? proxyOn(parts, home, place, beside(bootServerPlaces(config), place) ?? place)
        : serverOn(parts, home, place, beside(dhcpClientPlaces(config), place))
      return { close: await followLink(parts, home, service) }
    }
  }
}

/** An interface that is not there yet, or has no address: it is served when it has. */
function missing ({ where }: LoadedConfig, { own, interface: at }: Home): readonly Finding[] {
  if (own !== undefined || at === undefined) return []
  return [problem('configuration', `${where(pathOf(at))}: ${at.key}: ${missingProblem(at.name, networkInterfaces())}; nobody there is served until it has`)]
}

const pathOf = ({ key }: DhcpInterface): ReadonlyArray<string | number> => key.split('.').map(part => /^\d+$/.test(part) ? Number(part) : part)

const said = ({ where }: LoadedConfig, path: ReadonlyArray<string | number>, what: string): string => `${where(path)}: ${path.join('.')} ${what}`

/** Settings that do nothing as things stand. */
function withoutEffect (loaded: LoadedConfig): readonly string[] {
  const { config, config: { dhcp, boot } } = loaded
  const ranges = (what: string): readonly string[] =>
    dhcp.subnets.flatMap(({ range }, n) => range === undefined ? [] : [said(loaded, ['dhcp', 'subnets', n, 'range'], what)])
  const proxies = dhcpInterfaces(config).some(({ mode }) => mode === 'proxy')
  return [
    ...proxies ? [] : boot.overrides.flatMap(({ proxy_style: style }, n) => style === undefined ? [] : [said(loaded, ['boot', 'overrides', n, 'proxy_style'], 'has no effect in server mode')]),
    ...!givesAddresses(config)
      ? ranges('has no effect in proxy mode: addresses are given by the other server')
      : dhcp.unknown_clients === 'deny'
        ? ranges('is never used: dhcp.unknown_clients is deny, so only reservations are answered')
        : dhcp.subnets.flatMap((subnet, n) => {
          const idle = notForHosts(subnet)
          return idle === undefined ? [] : [said(loaded, ['dhcp', 'subnets', n, 'range'], idle)]
        })
  ]
}

/** Routers that no machine can reach. */
const wrongRouters = (loaded: LoadedConfig): readonly string[] => loaded.config.dhcp.subnets.flatMap(({ subnet, routers }, n) =>
  routers.flatMap((router, i) => isHostAddress({ subnet }, router)
    ? []
    : [said(loaded, ['dhcp', 'subnets', n, 'routers', i], `is ${formatIpv4(router)}, the ${router === subnet.network ? 'network' : 'broadcast'} address: machines reach nothing beyond their network`)]))

/** A range of which every address is somebody's: `others` has those of this service and of reservations. */
function usedUp (loaded: LoadedConfig, others: Iterable<Ipv4>): readonly string[] {
  const { dhcp } = loaded.config
  if (!givesAddresses(loaded.config) || dhcp.unknown_clients === 'deny') return []
  const all = [...others]
  return dhcp.subnets.flatMap(({ subnet, range, routers }, n) => {
    if (range === undefined) return []
    const nobodys = new Set([subnet.network, subnet.broadcast].filter(ip => inRange(range, ip) && !isHostAddress({ subnet }, ip)))
    const taken = new Set([...all, ...routers].filter(ip => inRange(range, ip) && !nobodys.has(ip)))
    const hosts = range.last - range.first + 1 - nobodys.size
    // Of a range that no host may have that is told itself (notForHosts).
    return hosts === 0 || taken.size < hosts
      ? []
      : [said(loaded, ['dhcp', 'subnets', n, 'range'], 'has no address left: all are reserved, a router\'s or this service\'s own; machines without a reservation get none')]
  })
}

/** What a range holds that no machine is given; undefined of one that is given whole. */
function notForHosts ({ subnet, range }: LoadedConfig['config']['dhcp']['subnets'][number]): string | undefined {
  if (range === undefined) return undefined
  const { first, last } = range
  const idle = [...new Set([subnet.network, subnet.broadcast])].filter(ip => inRange(range, ip) && !isHostAddress({ subnet }, ip))
  if (idle.length === 0) return undefined
  const [from, to] = [idle.includes(first) ? first + 1 : first, idle.includes(last) ? last - 1 : last]
  const remedy = from > to ? 'nothing is left of it' : `write ${formatIpv4(from)}-${formatIpv4(to)}`
  const names = idle.map(ip => `${formatIpv4(ip)}, the ${ip === subnet.network ? 'network' : 'broadcast'} address`)
  return `holds ${names.join(', and ')}, which no machine is given: ${remedy}`
}

/** Networks that get no answer, or none of what is written for them. */
function unserved (loaded: LoadedConfig, { own, addresses, interface: at }: Home): readonly Finding[] {
  const { config, config: { dhcp } } = loaded
  if (own === undefined || at === undefined) return []
  const here = dhcp.subnets.map(({ subnet, range }, n) => ({ subnet, range, n }))
    .filter(({ subnet }) => addresses.some(({ ip }) => contains(subnet, ip)))
  if (at.mode === 'server') {
    const what = `hold no address of ${at.name} (${formatIpv4(own)}): machines there get no answer, only those behind relay agents do`
    return here.length > 0 ? [] : [{ ...warning('configuration', said(loaded, ['dhcp', 'subnets'], what)), isUnfit: true }]
  }
  return !givesAddresses(config)
    ? []
    : here.flatMap(({ range, n }) => range === undefined
      ? []
      : [warning('configuration', said(loaded, ['dhcp', 'subnets', n, 'range'], `has no effect on ${at.name}, which is in proxy mode: addresses are given by the other server`))])
}

/** Subnets that are wider than the interface has its own: what machines are given beyond that, this machine has no way to. */
function tooWide (loaded: LoadedConfig, { addresses, interface: at }: Home): readonly Finding[] {
  if (at?.mode !== 'server') return []
  return loaded.config.dhcp.subnets.flatMap(({ subnet }, n) => {
    const own = addresses.filter(({ ip }) => contains(subnet, ip))
    const [widest] = own.sort((a, b) => a.subnet.prefix - b.subnet.prefix)
    // One of a single address is routed to, or floats.
    if (widest === undefined || widest.subnet.prefix <= subnet.prefix || widest.subnet.prefix === 32) return []
    const what = `is ${formatSubnet(subnet)}, and ${at.name} is ${formatIpv4(widest.ip)}/${widest.subnet.prefix}: without a route machines outside ${formatSubnet(widest.subnet)} get no answer over TFTP and HTTP`
    return [warning('configuration', said(loaded, ['dhcp', 'subnets', n, 'subnet'], what))]
  })
}

/** The socket of another row on the same interface. */
const beside = (places: readonly ListenPlace[], { device }: ListenPlace): ListenPlace | undefined =>
  places.find(place => place.device === device)
