// THE wiring: from a configuration to the store, the servers and their sockets. What starts here is closed here, in the
// opposite order, also when a later part does not start.
import { mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { bootFolders } from './bundled.js'
import { type Clock, systemClock } from './clock.js'
import type { Config, ListenAddress, LoadedConfig } from './config.js'
import { type DhcpServer, type DhcpSettings, startDhcpServer } from './dhcp/dhcp-server.js'
import { LeaseFile } from './dhcp/lease-file.js'
import { isActive, LeaseTable, stateAt } from './dhcp/leases.js'
import { LoaderLoop } from './dhcp/loader-loop.js'
import { buildReservations } from './dhcp/reservations.js'
import { advertisedHost, bootConfig, dhcpSubnets, httpOrigin, ownAddress } from './dhcp-settings.js'
import { AppError, messageOf } from './errors.js'
import { buildControlApp, listenControl } from './http/control-app.js'
import { buildHttpApp } from './http/http-server.js'
import { type MachineRoutesOptions, registerMachineRoutes } from './http/machine-routes.js'
import { registerMetricsRoute } from './http/metrics-route.js'
import type { Logger } from './log.js'
import { MachineJournal } from './machines/journal.js'
import { MachineRegistry } from './machines/registry.js'
import { createProvisioner } from './matchbox/provisioner.js'
import { Metrics } from './metrics.js'
import { kernelConflictProbe } from './net/conflict-probe.js'
import { openDeviceSocket } from './net/device-socket.js'
import { formatIpv4, type Ipv4, parseIpv4 } from './net/ipv4.js'
import type { Mac } from './net/mac.js'
import { kernelUdp, listenError } from './net/udp.js'
import { createObserver, type Observer } from './observer.js'
import { type FoundReservations, readReservations, watchReservations } from './reservation-sources.js'
import { type FileStore, openFileStore } from './store/file-store.js'
import { FileCache } from './tftp/file-cache.js'
import { storedFiles } from './tftp/file-source.js'
import { startTftpServer } from './tftp/tftp-server.js'

export interface Appliance {
  /** Finishes what is under way, for some seconds at most. */
  readonly close: () => Promise<void>
}

export interface ApplianceOptions {
  readonly log: Logger
  readonly clock?: Clock
}

/** Milliseconds that TFTP transfers under way may take to finish. */
const grace = 3000
/** Boot loaders are small and asked for by everybody at once. */
const loaderCache = { total: 64 * 2 ** 20, file: 8 * 2 ** 20 }
const dhcpReceiveBuffer = 4 * 2 ** 20

/** Starts everything that the configuration asks for; AppError says in one line what could not start. */
export async function startAppliance (loaded: LoadedConfig, { log, clock = systemClock }: ApplianceOptions): Promise<Appliance> {
  const closers: Array<() => Promise<void>> = []
  const close = async (): Promise<void> => {
    for (let next = closers.pop(); next !== undefined; next = closers.pop()) {
      await next().catch((error: unknown) => { log.error({ error: messageOf(error) }, 'appliance.close') })
    }
  }
  try {
    await start(loaded, log, clock, closer => { closers.push(closer) })
  } catch (error) {
    await close()
    throw error
  }
  return { close }
}

/** The store as it is on disk now, for commands that only look. The caller closes it. */
export const openStore = ({ data_path: dataPath }: Config, log: Logger): Promise<FileStore> =>
  openFileStore({ dataPath, tombstoneMs: 0, clock: systemClock, log, watch: false })

/** What the parts share. */
interface Shared {
  readonly loaded: LoadedConfig
  readonly config: Config
  readonly log: Logger
  readonly clock: Clock
  readonly metrics: Metrics
  readonly registry: MachineRegistry
  readonly leases: LeaseTable
  /** Which machine has an address, as far as leases and what was seen of it tell. */
  readonly macOf: (address: string) => Mac | undefined
  readonly loaderLoop: LoaderLoop
  readonly observer: Observer
  readonly store: FileStore
  /** Where machines find the HTTP API. */
  readonly origin: string
  /** The service's address on the network it gives addresses on; undefined when it gives none. */
  readonly own: Ipv4 | undefined
  readonly onClose: (closer: () => Promise<void>) => void
}

async function start (loaded: LoadedConfig, log: Logger, clock: Clock, onClose: Shared['onClose']): Promise<void> {
  const { config } = loaded
  const own = ownAddress(config)
  const origin = httpOrigin(advertisedHost(config, own), config.http.address)
  await mkdir(config.state_path, { recursive: true }).catch((error: unknown) => {
    throw new AppError('write_failed', `${loaded.where(['state_path'])}: state_path: cannot make ${config.state_path}: ${messageOf(error)}`)
  })
  const metrics = new Metrics()
  const leases = new LeaseTable()
  const registry = await openRegistry(config, log, clock, onClose)
  const macOf = (address: string): Mac | undefined => leaseHolder(leases, address, clock) ?? registry.macOf(address)
  const loaderLoop = new LoaderLoop()
  const observer = createObserver({ registry, metrics, clock, log, macOf, loaderLoop })
  const store = await openFileStore({ dataPath: config.data_path, tombstoneMs: config.store.tombstone, clock, log, watch: true })
  onClose(() => store.close())
  const shared: Shared = { loaded, config, log, clock, metrics, registry, leases, macOf, loaderLoop, observer, store, origin, own, onClose }

  // DHCP comes last: a machine that is told where to boot from finds it there.
  const starting = new Set(['http', 'tftp', 'dhcp', 'the control socket'])
  await startHttp(shared, () => [...starting].map(name => `${name} does not listen yet`))
  starting.delete('http')
  await startTftp(shared)
  starting.delete('tftp')
  const dhcp = await startDhcp(shared)
  starting.delete('dhcp')
  await startControl(shared, dhcp)
  starting.delete('the control socket')
  log.info({
    configuration: loaded.sources,
    script: bootConfig(config, origin).scriptUrl,
    ...own !== undefined && { interface: config.dhcp.interface, address: formatIpv4(own) }
  }, 'appliance.ready')
}

async function openRegistry (config: Config, log: Logger, clock: Clock, onClose: Shared['onClose']): Promise<MachineRegistry> {
  const holder: { registry?: MachineRegistry } = {}
  const journal = new MachineJournal({
    path: join(config.state_path, 'machines.jsonl'), clock, log, current: () => holder.registry?.values() ?? []
  })
  const registry = holder.registry = new MachineRegistry(await journal.load(), machine => { journal.note(machine) })
  onClose(() => journal.close())
  return registry
}

function leaseHolder (leases: LeaseTable, address: string, clock: Clock): Mac | undefined {
  const lease = leases.get(parseIpv4(address) ?? 0)
  return lease?.state === 'bound' && isActive(lease, clock.now()) ? lease.mac : undefined
}

async function startHttp (shared: Shared, starting: () => readonly string[]): Promise<void> {
  const { config, log, store, metrics, observer, onClose } = shared
  const app = buildHttpApp({
    provisioner: createProvisioner({ store, resilient: config.boot.resilient }),
    log,
    assetsPath: config.assets_path,
    ready: () => [...starting(), ...store.problems().map(({ file, message }) => `${file}: ${message}`)],
    onRequest: observer.onHttp
  })
  registerMetricsRoute(app, metrics)
  registerMachineRoutes(app, machineRoutes(shared))
  onClose(async () => { await app.close() })
  await listenTcp(app, config.http.address)
}

const machineRoutes = ({ registry, leases, clock, observer }: Shared): MachineRoutesOptions => ({
  registry,
  leasedAddress: mac => {
    const lease = leases.ofMac(mac).find(({ state, expires }) => state === 'bound' && expires > clock.now())
    return lease === undefined ? undefined : formatIpv4(lease.ip)
  },
  onInstalled: observer.onInstalled
})

async function startControl (shared: Shared, dhcp: DhcpServer | undefined): Promise<void> {
  const { config, leases, clock, onClose } = shared
  const app = buildControlApp({
    ...machineRoutes(shared),
    leases: () => [...leases.values()].sort((a, b) => a.ip - b.ip).map(lease => ({
      ip: formatIpv4(lease.ip),
      mac: lease.mac,
      state: stateAt(lease, clock.now()),
      since: new Date(lease.since).toISOString(),
      expires: new Date(lease.expires).toISOString(),
      ...lease.hostName !== undefined && { hostname: lease.hostName }
    })),
    releaseLease: async ip => await dhcp?.release(ip) ?? false
  })
  onClose(async () => { await app.close() })
  await mkdir(dirname(config.control_socket), { recursive: true }).catch(() => {})
  await listenControl(app, config.control_socket)
}

async function listenTcp (app: ReturnType<typeof buildHttpApp>, { host, port }: ListenAddress): Promise<void> {
  try {
    await app.listen({ host, port })
  } catch (error) {
    throw listenError(error, `${host}:${port}/tcp`)
  }
}

async function startTftp ({ config, log, clock, macOf, observer, onClose }: Shared): Promise<void> {
  if (config.tftp.address === null) return
  const { host: address, port } = config.tftp.address
  const server = await startTftpServer({
    address,
    port,
    singlePort: config.tftp.single_port,
    maxBlockSize: config.tftp.max_block_size,
    maxWindowSize: config.tftp.max_window_size
  }, {
    network: kernelUdp,
    files: storedFiles({ roots: [config.tftp.root, ...bootFolders()], cache: new FileCache(loaderCache), clock }),
    clock,
    log,
    onEvent: observer.onTftp,
    macOf
  })
  onClose(() => server.close(grace))
}

async function startDhcp (shared: Shared): Promise<DhcpServer | undefined> {
  const { loaded, config, log, clock, leases, loaderLoop, metrics, observer, store, origin, own, onClose } = shared
  if (own === undefined) return undefined
  const file = new LeaseFile({
    path: join(config.state_path, 'leases.jsonl'),
    log,
    current: () => leases.values(),
    onSync: milliseconds => { metrics.leaseSync.observe(milliseconds / 1000) }
  })
  for (const lease of await file.load()) leases.set(lease)
  onClose(() => file.close())

  const subnets = dhcpSubnets(loaded)
  const settings = (found: FoundReservations): DhcpSettings => {
    const reservations = buildReservations(found.entries, subnets, own)
    for (const problem of [...found.problems, ...reservations.problems]) log.warn({ problem }, 'reservation.refused')
    return { subnets, reservations, boot: bootConfig(config, origin), unknownClients: config.dhcp.unknown_clients }
  }
  const server = await startDhcpServer({
    network: kernelUdp,
    bind: {
      address: '0.0.0.0',
      port: config.dhcp.port,
      fd: openDeviceSocket(config.dhcp.interface, config.dhcp.port),
      broadcast: true,
      receiveBuffer: dhcpReceiveBuffer
    },
    server: own,
    settings: settings(await readReservations(loaded, store)),
    table: leases,
    store: file,
    probe: kernelConflictProbe,
    loaderLoop,
    clock,
    log,
    onEvent: observer.onDhcp
  })
  onClose(() => server.close())
  onClose(await watchReservations({ loaded, store, clock, log, onChange: found => { server.configure(settings(found)) } }))
  metrics.gauge('dhcp_leases', 'Leases that are in force', () => [...leases.values()].filter(lease => isActive(lease, clock.now())).length)
  return server
}
