// What an installation puts in place for a configuration: what systemd and firewalld are told, as files below a folder that stands for /.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { shippedUnits } from '../base/bundled.js'
import { AppError } from '../base/errors.js'
import { dhcpInterfaces } from '../config/dhcp-interfaces.js'
import { type LoadedConfig } from '../config/load.js'
import { writeFileAtomic } from '../disk/atomic-file.js'
import { zonesOf } from '../doctor/firewalld.js'
import type { ListenPlan } from '../doctor/plan.js'
import { networkInterfaces } from '../net/interfaces.js'
import { contains, formatIpv4, formatSubnet } from '../net/ipv4.js'
import { firewallServices, portsOf } from '../setup/firewall-services.js'
import { type Assignment, type Gateway, gatewayDropInFile, gatewayPolicy, outsideIn, policyXml } from '../setup/gateway.js'
import { subjectNames } from '../setup/subject-names.js'
import { unitFiles, type WantedSocket } from '../setup/unit-files.js'
import type { SetupPlaces } from './setup-places.js'
import { assignedTo, assignmentsOf } from './setup-zones.js'

export interface FilesWanted {
  readonly loaded: LoadedConfig
  readonly plan: ListenPlan
  /** The folder that stands for /. */
  readonly to: string
  readonly places: SetupPlaces
  /** The version of systemd, 0 for none. */
  readonly systemd: number
  /** Names of this machine beside those that are known. */
  readonly names: readonly string[]
  /** The interface that leads out, where this machine is to be a gateway. */
  readonly outside: string | undefined
}

/** What is put in place, and what systemd and firewalld are told besides. */
export interface FilesWritten {
  /** Below /etc/systemd/system and /etc/firewalld: the paths of what is to be there. */
  readonly units: readonly string[]
  readonly firewalld: readonly string[]
  /** Socket units that are to start. */
  readonly sockets: readonly string[]
  /** Services of firewalld, and the zones that are to let them in. */
  readonly services: readonly string[]
  readonly zones: readonly string[]
  /** Interfaces of the gateway that firewalld is to have in their zones by name. */
  readonly assigned: readonly Assignment[]
  /** Names for the server's certificate, with commas between. */
  readonly names: string
}

/** Writes them. AppError `config_invalid` for what no gateway can be. */
export async function writeFiles ({ loaded, plan, to, places, systemd, names, outside }: FilesWanted): Promise<FilesWritten> {
  const sockets = socketsOf(plan)
  const devices = plan.dhcp.interfaces.map(at => at.name)
  const gateway = outside === undefined ? undefined : await gatewayOf(outside, loaded, devices, places)
  const written = writtenElsewhere(loaded)
  const units = unitFiles({ units: shippedUnits(), sockets, several: devices.length > 1, written, systemd, gateway })
  const services = firewallServices(sockets)
  for (const [path, text] of units.files) await writeFileAtomic(join(to, places.units, path), text)
  for (const { name, text } of services) await writeFileAtomic(join(to, places.firewalld, 'services', `${name}.xml`), text)
  const zones = await zonesOf(devices)
  const policy = gateway === undefined ? undefined : await policyFor(gateway, zones)
  if (policy !== undefined) await writeFileAtomic(join(to, places.firewalld, policyFile), policy)
  const all = networkInterfaces()
  const own = (devices.length === 1 ? devices : [...all.keys()].filter(name => name !== 'lo')).flatMap(name => all.get(name)?.addresses ?? [])
  return {
    units: [...units.files.keys()].sort(),
    firewalld: [...services.map(({ name }) => `services/${name}.xml`), ...policy === undefined ? [] : [policyFile]],
    sockets: units.sockets,
    services: services.filter(({ on }) => on).map(({ name }) => name),
    zones,
    assigned: gateway?.assigned ?? [],
    names: subjectNames([...names, loaded.config.advertise, 'localhost', ...own.map(({ ip }) => formatIpv4(ip)), '127.0.0.1'])
  }
}

/** Below /etc/firewalld. */
export const policyFile = `policies/${gatewayPolicy}.xml`

/** What has to be let in, where a firewall runs that install.sh does not tell by itself; undefined where none does. */
export function firewallNote (plan: ListenPlan): string | undefined {
  const runs = existsSync('/etc/ufw/ufw.conf') && /^ENABLED=yes/m.test(readFileSync('/etc/ufw/ufw.conf', 'utf8'))
  return runs ? `ufw runs: let the machines in with ufw allow for ${portsOf(socketsOf(plan)).join(' ')}` : undefined
}

/** Where machines are told another router than this machine, and so would pass the gateway by; undefined where they are not. */
export function routerNote (outside: string, { config }: LoadedConfig): string | undefined {
  const all = networkInterfaces()
  const own = dhcpInterfaces(config).filter(({ mode }) => mode === 'server').flatMap(({ name }) => all.get(name)?.addresses ?? []).map(({ ip }) => ip)
  const past = config.dhcp.subnets.filter(({ subnet, routers }) => own.some(ip => contains(subnet, ip)) &&
    !routers.some(ip => own.includes(ip)))
  const told = past.map(({ subnet, routers }) =>
    `${formatSubnet(subnet)} names ${routers.length === 0 ? 'no router' : `the router ${routers.map(formatIpv4).join(', ')}`}`)
  return past.length === 0
    ? undefined
    : `machines are not told to go out through ${outside}: in dhcp.subnets ${told.join(', ')}; ` +
      `routers: [${own.map(formatIpv4).join(', ')}] there names this machine`
}

/** The gateway that is installed, by its unit's drop-in. */
export function installedGateway ({ units }: SetupPlaces): string | undefined {
  const file = join(units, gatewayDropInFile)
  return existsSync(file) ? outsideIn(readFileSync(file, 'utf8')) : undefined
}

async function gatewayOf (outside: string, { config }: LoadedConfig, devices: readonly string[], places: SetupPlaces): Promise<Gateway> {
  const networks = config.dhcp.subnets.map(({ subnet }) => formatSubnet(subnet))
  if (devices.includes(outside)) throw new AppError('config_invalid', `--gateway ${outside}: machines boot from ${outside}; name the interface that leads out`)
  if (devices.length === 0 || networks.length === 0) throw new AppError('config_invalid', '--gateway needs the network that it is for: dhcp.mode server with its subnets')
  if (!networkInterfaces().has(outside)) throw new AppError('config_invalid', `--gateway ${outside}: no interface ${outside} on this machine`)
  const assigned = hasPolicies() ? await assignmentsOf([...devices, outside], assignedTo(places)) : []
  return { inside: devices, outside, networks, assigned }
}

/** undefined where firewalld has nothing to be told, or knows no policies (below 0.9). */
async function policyFor ({ outside }: Gateway, inside: readonly string[]): Promise<string | undefined> {
  const [egress] = await zonesOf([outside])
  return egress === undefined || !hasPolicies() ? undefined : policyXml(inside, egress)
}

const hasPolicies = (): boolean => existsSync('/usr/lib/firewalld/policies')

function writtenElsewhere ({ config }: LoadedConfig): readonly string[] {
  const { data_path: data, state_path: state, assets_path: assets, images } = config
  return [data, state, ...images.sources.length > 0 ? [assets] : []].filter(path => path !== '' && !isOwn(path))
}

/** What systemd opens, of what would listen. */
const socketsOf = ({ listeners }: ListenPlan): readonly WantedSocket[] => listeners.flatMap(({ row, place, off }) =>
  off || row.systemd === undefined || row.transport === 'unix'
    ? []
    : [{ name: row.systemd, transport: row.transport, host: place.host ?? '0.0.0.0', port: place.port, device: place.device }])

/** Whether the unit lets the service write there as it ships. */
const isOwn = (path: string): boolean => ['/var/lib/matchbox', '/var/lib/core-provisioner'].some(folder => path === folder || path.startsWith(`${folder}/`))
