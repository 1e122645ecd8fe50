// What keeps machines from booting, found from the outside: configuration, interface, ports and who has them, loaders,
// certificates, folders, firewalls, other DHCP servers; and for networks whose own DHCP server stays, what it has to say.
import { readdir, readFile } from 'node:fs/promises'
import { counted } from '../base/units.js'
import type { Clock } from '../base/clock.js'
import { AppError } from '../base/errors.js'
import { answersDhcp, type Config, type LoadedConfig } from '../config/load.js'
import { buildReservations } from '../dhcp/reservation-table.js'
import type { ExportedHost } from '../inventory/exported.js'
import { writeDhcpd } from '../inventory/formats/dhcpd-block.js'
import { clusterMarkers, wrapped } from '../inventory/managed-block.js'
import { contains } from '../net/ipv4.js'
import { socketHolders } from '../net/port-owner.js'
import { dhcpSubnets } from '../wiring/dhcp-settings.js'
import { exportContextOnDisk } from '../wiring/export-context.js'
import type { Ground } from '../wiring/ground.js'
import type { Home } from '../dhcp/homes.js'
import { readReservations } from '../wiring/reservation-sources.js'
import { fine, type Finding, note } from './finding.js'
import { diagnoseAdvertised } from './advertised.js'
import { diagnoseCluster } from './cluster.js'
import { diagnoseContainer } from './container.js'
import { diagnoseFolders } from './folders.js'
import { diagnoseImages } from './images.js'
import { diagnoseLoaders } from './loaders.js'
import { diagnoseMemory } from './memory.js'
import type { Around } from './ports.js'
import { diagnoseHealth, installedService } from './ready.js'
import { diagnoseStateFiles } from './state-files.js'
import { diagnoseStateHolder } from './state-holder.js'
import { judgeService } from './systemd.js'
import { diagnoseNames } from './names.js'
import { onGround, type ListenPlan, type ListenPlanOptions } from './plan.js'
import { lintOf } from './store-look.js'

export interface DoctorOptions extends ListenPlanOptions {
  readonly loaded: LoadedConfig
  /** Whether an appliance with this configuration runs: then it is the one that should have the ports. */
  readonly running: boolean
}

/** All there is to find. */
export const diagnose = async (options: DoctorOptions): Promise<readonly Finding[]> =>
  [...await diagnoseAround(options), ...await diagnoseReading(options)]

/** What root sees best: the service, the network, ports and who has them, firewalls. */
export const diagnoseAround = ({ loaded, running, ...options }: DoctorOptions): Promise<readonly Finding[]> =>
  onGround(loaded, options, async (_, plan) => [
    ...await fromService(loaded.config, running),
    ...await diagnoseStateHolder(loaded.config, running),
    ...diagnoseContainer(loaded.config),
    ...await fromListeners(plan, await around(loaded.config, options.clock, running)),
    ...await firewall(plan)
  ])

/** What is to be seen as the service sees it: configuration, files, store, and what machines are told. */
export const diagnoseReading = ({ loaded, running: _, ...options }: DoctorOptions): Promise<readonly Finding[]> =>
  onGround(loaded, options, async (ground, plan) => [
    ...fromPlan(plan),
    ...await diagnoseCluster(ground),
    ...await diagnoseAdvertised(ground),
    ...await diagnoseFolders(loaded),
    ...await diagnoseStateFiles(loaded.config),
    ...await diagnoseImages(loaded, options),
    ...shortened(lintOf(ground)),
    ...await diagnoseLoaders(ground),
    ...diagnoseMemory(ground),
    ...await names(ground),
    ...await otherDhcpServer(ground)
  ])

/** What keeps the service itself from working, seen as the service sees it: what it cannot read or write. */
export const diagnoseRights = ({ loaded, running: _, ...options }: DoctorOptions): Promise<readonly Finding[]> =>
  onGround(loaded, options, async (ground, plan) =>
    // What has a line was opened: what is wrong in it keeps no service from working.
    [...plan.findings, ...await diagnoseFolders(loaded), ...lintOf(ground).filter(({ rule, place }) => rule === 'unreadable' && place?.line === undefined)])

/** The same of a version that does not run yet, which has to read what others have kept as well. */
export const diagnoseFiles = async (options: DoctorOptions): Promise<readonly Finding[]> =>
  [...await diagnoseRights(options), ...await diagnoseStateFiles(options.loaded.config)]

function fromPlan ({ findings, paths }: ListenPlan): readonly Finding[] {
  const allIsWell = !findings.some(({ level, about }) => level === 'problem' && about === 'configuration')
  return [...findings, ...allIsWell ? [fine('configuration', paths.map(path => path.join(' ').trim()).join('; '))] : []]
}

/** Who has the ports, and who answers DHCP; that of DHCP's clients is theirs, and a link may come later. */
export const diagnoseNetwork = ({ loaded, running, ...options }: DoctorOptions): Promise<readonly Finding[]> =>
  onGround(loaded, options, async (_, plan) =>
    (await fromListeners(plan, await around(loaded.config, options.clock, running))).filter(({ about }) => about !== 'interface'))

async function around (config: Config, clock: Clock, running: boolean): Promise<Around> {
  const [holders, service] = await Promise.all([socketHolders(config.control_socket), installedService(config)])
  return { config, clock, running, own: new Set(holders.map(({ pid }) => pid)), units: service?.sockets ?? new Set() }
}

async function fromService (config: Config, running: boolean): Promise<readonly Finding[]> {
  const service = await installedService(config)
  return [...service === undefined ? [] : await judgeService(service), ...running ? await diagnoseHealth(config, '/readyz') : []]
}

async function fromListeners ({ listeners }: Pick<ListenPlan, 'listeners'>, around: Around): Promise<readonly Finding[]> {
  const found = await Promise.all(listeners.filter(({ off }) => !off).map(({ row, place }) => row.diagnose(row, place, around)))
  // Two interfaces have one port.
  return [...new Map(found.flat().map(finding => [`${finding.about} ${finding.text}`, finding])).values()]
}

/** A store of thousands can have thousands of faults. */
const mostTold = 30

function shortened (findings: readonly Finding[]): readonly Finding[] {
  const told = [...findings].sort((a, b) => Number(b.level === 'problem') - Number(a.level === 'problem'))
  const more = told.length - mostTold
  return more <= 0 ? told : [...told.slice(0, mostTold), { level: 'note', about: 'store', text: `${counted(more, 'more finding')}: core-provisioner check tells all` }]
}

/** What a subnet's options can't be is told elsewhere. */
async function names ({ loaded, clock, store }: Ground): Promise<readonly Finding[]> {
  if (!answersDhcp(loaded.config)) return []
  try {
    return await diagnoseNames({ entries: (await readReservations(loaded, store)).entries, subnets: dhcpSubnets(loaded), clock })
  } catch (error) {
    if (error instanceof AppError) return []
    throw error
  }
}

/** Firewalls that are known to run; what they let through is theirs to say, so this only tells what has to get in. */
async function firewall ({ listeners }: ListenPlan): Promise<readonly Finding[]> {
  const names = new Set<string>()
  for (const pid of await readdir('/proc').catch(() => [])) {
    if (/^\d+$/.test(pid) && (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).includes('/firewalld')) names.add('firewalld')
  }
  if (/^ENABLED=yes/m.test(await readFile('/etc/ufw/ufw.conf', 'utf8').catch(() => ''))) names.add('ufw')
  const wanted = listeners.filter(({ off, row }) => !off && row.transport !== 'unix').map(({ row, place }) => `${place.port}/${row.transport}`).join(' ')
  return [...names].map(name => note('firewall', `${name} runs: it has to let in ${wanted}`))
}

/** With DHCP off, or beside another server, that server has to name this one: what to paste into its configuration. */
async function otherDhcpServer (ground: Ground): Promise<readonly Finding[]> {
  const { all } = ground.homes
  return await Promise.all(all.filter(({ interface: at }) => at?.mode !== 'server').map(async home => {
    const about = all.length === 1 ? 'your DHCP server' : `your DHCP server on ${home.interface?.name ?? ''}`
    const text = "paste this into ISC dhcpd's dhcpd.conf, or let hosts export --format dhcpd --write put it there (fusion for VMware's)"
    return { ...note(about, text), block: await toPaste(ground, home) }
  }))
}

/** What the DHCP server of a home's network has to say. */
async function toPaste ({ loaded, config, clock, homes, store }: Ground, home: Home): Promise<string> {
  const found = await readReservations(loaded, store)
  const { byIp } = buildReservations(found.entries, dhcpSubnets(loaded), 0)
  const hosts = found.entries
    .filter(({ ip }) => (byIp.has(ip) || config.dhcp.subnets.length === 0) &&
      (homes.all.length === 1 || home.addresses.some(({ subnet }) => contains(subnet, ip))))
    .map(({ macs, ip, hostName }): ExportedHost => ({ macs, ip, name: hostName, fullName: hostName, role: undefined }))
  const context = await exportContextOnDisk(loaded, clock, { cluster: 'core-provisioner', groups: [...store.snapshot.groups.values()] }, home)
  return wrapped(writeDhcpd(hosts, context), clusterMarkers(context.cluster))
}
