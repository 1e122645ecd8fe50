// THE wiring: from a configuration to the store, the servers and their sockets. What starts here is closed here, in the
// opposite order, also when a later part does not start. How each part is put together stands in wiring/.
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { type Clock, systemClock } from './base/clock.js'
import type { Config, LoadedConfig } from './config/load.js'
import { isActive, LeaseTable } from './dhcp/leases.js'
import { AppError, messageOf } from './base/errors.js'
import type { Logger } from './base/log.js'
import { MachineJournal } from './machines/journal.js'
import { MachineRegistry } from './machines/registry.js'
import type { AssetPins } from './matchbox/pin-assets.js'
import { createProvisioner } from './matchbox/provisioner.js'
import { Metrics } from './base/metrics.js'
import { formatIpv4 } from './net/ipv4.js'
import type { InheritedSocket } from './net/inherited-sockets.js'
import type { Mac } from './net/mac.js'
import { type FileStore, openFileStore } from './store/file-store.js'
import { assetPinner } from './wiring/asset-aliases.js'
import { bootFiles } from './wiring/boot-files.js'
import { isLoaderChosen } from './wiring/boot-overrides.js'
import { startDhcp } from './wiring/dhcp.js'
import { advertisedHost, bootConfig, httpOrigin, ownAddress } from './wiring/dhcp-settings.js'
import { startControl, startHttp } from './wiring/http.js'
import { startHttps } from './wiring/https.js'
import { startImages } from './wiring/images.js'
import { createObserver } from './wiring/observer.js'
import { startRpc } from './wiring/rpc.js'
import { leaseHolder, type OnClose, type Shared } from './wiring/shared.js'
import { openSigner } from './wiring/signing.js'
import { Sockets } from './wiring/sockets.js'
import { startTftp } from './wiring/tftp.js'

export interface Appliance {
  /** Finishes what is under way, for some seconds at most. */
  readonly close: () => Promise<void>
  /** Reads certificates again now, changed or not; everything else is seen when it changes. */
  readonly reload: () => Promise<void>
  /** What it does, in one line for a person. */
  readonly status: () => string
}

export interface ApplianceOptions {
  readonly log: Logger
  readonly clock?: Clock
  /** Of the key ring's private key; not in the configuration, which is shown and logged. */
  readonly passphrase?: string
  /** Where proxies for downloads are named. */
  readonly env?: Readonly<Record<string, string | undefined>>
  /** Sockets that a service manager opened; what none of them is for opens its own. */
  readonly inherited?: readonly InheritedSocket[]
}

/** Starts everything that the configuration asks for; AppError says in one line what could not start. */
export async function startAppliance (loaded: LoadedConfig, options: ApplianceOptions): Promise<Appliance> {
  const { log, clock = systemClock, passphrase = '', env = {}, inherited = [] } = options
  const closers: Array<() => Promise<void>> = []
  const close = async (): Promise<void> => {
    for (let next = closers.pop(); next !== undefined; next = closers.pop()) {
      await next().catch((error: unknown) => { log.error({ error: messageOf(error) }, 'appliance.close') })
    }
  }
  try {
    const running = await start(loaded, { log, clock, passphrase, env, inherited }, closer => { closers.push(closer) })
    return { ...running, close }
  } catch (error) {
    await close()
    throw error
  }
}

/** How scripts name assets now, for commands that only look. */
export const openPinner = (config: Config): AssetPins => assetPinner(config, undefined, systemClock)

/** The store as it is on disk now, for commands that only look. The caller closes it. */
export const openStore = ({ data_path: dataPath }: Config, log: Logger): Promise<FileStore> =>
  openFileStore({ dataPath, tombstoneMs: 0, clock: systemClock, log, watch: false })

async function start (loaded: LoadedConfig, options: Required<ApplianceOptions>, onClose: OnClose): Promise<Omit<Appliance, 'close'>> {
  const shared = await share(loaded, options, onClose)
  const { config, origin, own, signer, log } = shared

  // DHCP comes after what it sends machines to. The control socket, which asks all of them, is last.
  const starting = new Set(['http', ...config.http.https.address === null ? [] : ['https'], 'grpc', 'tftp', 'dhcp', 'the control socket'])
  const images = await startImages(shared)
  const app = await startHttp(shared, images, () => [...starting].map(name => `${name} does not listen yet`))
  starting.delete('http')
  const reloadHttps = await startHttps(shared, app)
  starting.delete('https')
  const reloadRpc = await startRpc(shared)
  starting.delete('grpc')
  await startTftp(shared)
  starting.delete('tftp')
  const dhcp = await startDhcp(shared)
  starting.delete('dhcp')
  await startControl(shared, dhcp)
  starting.delete('the control socket')
  shared.sockets.closeUnused(log)
  log.info({
    configuration: loaded.sources,
    script: bootConfig(config, origin).scriptUrl,
    ...signer !== undefined && { signingKey: signer.keyId },
    ...own !== undefined && { dhcp: config.dhcp.mode, interface: config.dhcp.interface, address: formatIpv4(own) }
  }, 'appliance.ready')
  const reload = async (): Promise<void> => { await Promise.all([reloadHttps(), reloadRpc()]) }
  return { reload, status: () => statusOf(shared) }
}

/** `DHCP server on ens192, 41 leases; http://192.168.100.2:8080, 12 groups` */
function statusOf ({ config: { dhcp }, origin, leases, clock, store }: Shared): string {
  const active = [...leases.values()].filter(lease => isActive(lease, clock.now())).length
  const problems = store.problems().length
  return [
    ...dhcp.mode === 'off' ? [] : [`DHCP ${dhcp.mode} on ${dhcp.interface}${dhcp.mode === 'server' ? `, ${active} leases` : ''}`],
    `${origin}, ${store.snapshot.groups.size} groups`,
    ...problems === 0 ? [] : [`problems in ${problems} files of the store, see /readyz`]
  ].join('; ')
}

/** What all parts stand on, in the order in which it can be made. */
async function share (loaded: LoadedConfig, options: Required<ApplianceOptions>, onClose: OnClose): Promise<Shared> {
  const { log, clock, passphrase, env, inherited } = options
  const { config } = loaded
  const own = ownAddress(config)
  const origin = httpOrigin(advertisedHost(config, own), config.http.address)
  await mkdir(config.state_path, { recursive: true }).catch((error: unknown) => {
    throw new AppError('write_failed', `${loaded.where(['state_path'])}: state_path: cannot make ${config.state_path}: ${messageOf(error)}`)
  })
  const signer = await openSigner(loaded, passphrase, clock)
  const metrics = new Metrics()
  const leases = new LeaseTable()
  const registry = await openRegistry(config, log, clock, onClose)
  const macOf = (address: string): Mac | undefined => leaseHolder(leases, address, clock) ?? registry.macOf(address)
  const store = await openFileStore({ dataPath: config.data_path, tombstoneMs: config.store.tombstone, clock, log, watch: true })
  onClose(() => store.close())
  const loaderChosen = (mac: Mac): boolean => isLoaderChosen(mac, config, store.snapshot.groups.values())
  const observer = createObserver({ registry, metrics, clock, log, macOf, loaderChosen })
  const provisioner = createProvisioner({ store, resilient: config.boot.resilient, assets: assetPinner(config, own, clock) })
  return {
    loaded,
    config,
    log,
    env,
    clock,
    metrics,
    registry,
    leases,
    macOf,
    observer,
    store,
    provisioner,
    signer,
    bootFiles: bootFiles({ config, clock, origin, provisioner, macOf }),
    origin,
    own,
    sockets: new Sockets(inherited, loaded),
    hindrances: new Map(),
    onClose
  }
}

async function openRegistry (config: Config, log: Logger, clock: Clock, onClose: OnClose): Promise<MachineRegistry> {
  const holder: { registry?: MachineRegistry } = {}
  const journal = new MachineJournal({
    path: join(config.state_path, 'machines.jsonl'), clock, log, current: () => holder.registry?.values() ?? []
  })
  const registry = holder.registry = new MachineRegistry(await journal.load(), machine => { journal.note(machine) })
  onClose(() => journal.close())
  return registry
}
