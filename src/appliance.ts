// From a configuration to running parts, and back: the store and what stands on it, then every listener of the table in
// listeners.ts. What starts here is closed here, also when a later part does not start (wiring/closing).
import { counted } from './base/units.js'
import { assetPinner } from './assets/aliases.js'
import { type Clock, systemClock } from './base/clock.js'
import { collectGarbage, collectSooner, watchGarbage } from './base/collect.js'
import { watchEventLoop } from './base/event-loop.js'
import { Fence } from './base/fence.js'
import { AppError, messageOf } from './base/errors.js'
import type { Logger } from './base/log.js'
import { Metrics } from './base/metrics.js'
import { Pace } from './base/pace.js'
import type { LoadedConfig } from './config/load.js'
import { isActive, leaseHolder } from './dhcp/leases.js'
import { makeFolder } from './disk/make-folder.js'
import { isListener, listeners, placesIn } from './listeners.js'
import { createProvisioner } from './matchbox/provisioner.js'
import { ToldLater } from './machines/told-later.js'
import type { InheritedSocket } from './net/inherited-sockets.js'
import { type Ipv4, parseIpv4, unspecified } from './net/ipv4.js'
import type { Mac } from './net/mac.js'
import { residentMemory, returnFreedMemory } from './net/freed-memory.js'
import { threadSeconds } from './net/thread-time.js'
import { LongRenderings } from './rendering/long-renderings.js'
import { openAssetDisk } from './wiring/asset-disk.js'
import { isLoaderChosen, openHttpNames } from './wiring/boot.js'
import { Closing, type OnClose } from './wiring/closing.js'
import { countLinks, isBehind, refusedNow } from './wiring/dhcp-link.js'
import { DhcpServers } from './wiring/dhcp-servers.js'
import { bootConfig, hasOtherLoader } from './wiring/dhcp-settings.js'
import { startDiscovery } from './wiring/etcd-discovery.js'
import { createEnrolment } from './wiring/enrolment.js'
import { fallbacksOf, ownOrigins } from './wiring/fallbacks.js'
import { stateAmiss, watchFolders } from './wiring/folder-amiss.js'
import { type Ground, openGround } from './wiring/ground.js'
import { followGroups, keepGroupMachines } from './wiring/group-machines.js'
import { openGuard } from './wiring/guard.js'
import { dhcpText, homesTold } from './wiring/homes.js'
import { buildApp } from './wiring/http.js'
import { openLeases } from './wiring/leases.js'
import type { ListenerRow, PreparedListener, RunningListener } from './wiring/listener.js'
import { loaderFiles } from './wiring/loader-files.js'
import { loadersNow } from './wiring/missing-loaders.js'
import { bootFileOf, bootsAs, claimsOf, openRegistry, pastOf } from './wiring/machines.js'
import { openMachineNews } from './wiring/machine-news.js'
import { watchNeighbours } from './wiring/neighbours.js'
import { createObserver } from './wiring/observer.js'
import { nodeSnippets } from './wiring/node-snippets.js'
import { ownHosts } from './wiring/own-hosts.js'
import { recordPackets } from './wiring/packets.js'
import { type ListenPlace, placeText } from './wiring/place.js'
import { watchReceiveDrops } from './wiring/receive-drops.js'
import type { RunningParts } from './wiring/running-parts.js'
import { Sockets } from './wiring/sockets.js'
import { watchStateDisk } from './wiring/state-disk.js'
import { lockState, type StateLock } from './wiring/state-lock.js'
import { watchStoreFindings } from './wiring/store-diagnosis.js'
import { UpdateGroups } from './wiring/update-groups.js'

export interface Appliance {
  /** Finishes what is under way, in `patience` milliseconds at most; fulfilled with whether all of it came to its end. */
  readonly close: () => Promise<boolean>
  readonly patience: number
  /** Looks at the store and reads certificates again now, changed or not; of a configuration read anew takes what may change meanwhile. */
  readonly reload: (loaded?: LoadedConfig) => Promise<void>
  /** What it does, in one line for a person. */
  readonly status: () => string
}

export interface ApplianceOptions {
  readonly log: Logger
  readonly clock?: Clock
  /** Where errors of no request end; one of its own without it. */
  readonly fence?: Fence
  /** Of the key ring's private key; not in the configuration, which is shown and logged. */
  readonly passphrase?: string
  /** Where proxies for downloads are named. */
  readonly env?: Readonly<Record<string, string | undefined>>
  /** Sockets that a service manager opened; what none of them is for opens its own. */
  readonly inherited?: readonly InheritedSocket[]
  /** Has that service manager start this process again; the reason is for the log. */
  readonly restart?: (reason: string) => void
  /** The command that finds out what is amiss with this configuration, for the page; none without it. */
  readonly doctor?: readonly string[]
  /** The same of what is amiss with the store alone, for /readyz and the log. */
  readonly check?: readonly string[]
}

/** Starts everything that the configuration asks for; AppError says in one line what could not start. */
export async function startAppliance (loaded: LoadedConfig, options: ApplianceOptions): Promise<Appliance> {
  const { log, passphrase = '', env = {}, inherited = [], restart = () => {}, doctor = [], check = [], fence = new Fence({ log }) } = options
  const clock = fence.clock(options.clock ?? systemClock)
  const closing = new Closing(clock, log)
  await makeStateFolder(loaded)
  const lock = await lockState(loaded, log)
  const close = (): Promise<boolean> => closing.close().finally(() => lock.release())
  try {
    const running = await start(loaded, { log, clock, fence, passphrase, env, inherited, restart, doctor, check }, closing, lock)
    return { ...running, patience: closing.patience, close }
  } catch (error) {
    await close()
    throw error
  }
}

async function start (loaded: LoadedConfig, options: Required<ApplianceOptions>, closing: Closing, lock: StateLock): Promise<Pick<Appliance, 'reload' | 'status'>> {
  const { log } = options
  const ground = await openGround(loaded, { ...options, live: true, onProblem: error => { throw error } })
  closing.onClose(ground.close)
  for (const variable of loaded.ignored) log.warn({ variable, hint: 'docs/configuration.md has those of Matchbox that are taken' }, 'config.ignored')
  const planned = await prepareAll(ground, closing.onClose)
  const starting = new Set(planned.map(({ text }) => text))
  const parts = await startParts(ground, options, closing.onClose, {
    starting: () => [...starting].map(text => `${text} does not listen yet`),
    warnings: planned.flatMap(({ prepared }) => warningsOf(prepared)).map(({ text }) => text)
  })

  const running: RunningListener[] = []
  for (const { row, prepared, text } of planned) {
    const listener = await listen(row, prepared, parts)
    starting.delete(text)
    if (listener === undefined) continue
    if (listener.listens !== undefined) log.info({ ...listener.listens }, `${row.name}.listen`)
    running.push(listener)
    closing.onCloseListener(text, listener.inherited === true ? row.inheritedGrace ?? row.grace : row.grace, listener.close)
  }
  parts.sockets.closeUnused(log)
  lock.watch(parts.clock, parts.onClose, problem => {
    if (problem !== undefined && parts.hindrances.get('state') !== problem) log.error({ problem }, 'state.taken')
    if (problem === undefined) parts.hindrances.delete('state')
    else parts.hindrances.set('state', problem)
  })
  watchStateDisk(parts)
  watchStoreFindings(parts)
  watchReceiveDrops([...new Set(placesIn(loaded.config).filter(({ row }) => row.transport === 'udp').map(({ place }) => place.port))], parts)
  const unwatch = watchEventLoop(parts.metrics, parts.clock, threadSeconds)
  parts.onClose(async () => { unwatch() })
  collectSooner()
  collectGarbage()
  returnFreedMemory()
  const unwatchGarbage = watchGarbage({ clock: parts.clock, resident: () => residentMemory(), giveBack: returnFreedMemory })
  parts.onClose(async () => { unwatchGarbage() })
  const { config, homes, signer } = ground
  const httpsPort = config.http.https.address?.port ?? 0
  await ground.cluster?.appear(() => ({ address: homes.first.origin, addresses: ownOrigins(config, homes), httpsPort }))
  log.info({
    configuration: loaded.sources,
    script: bootConfig(config, homes.first.origin).scriptUrl,
    ...signer !== undefined && { signingKey: signer.keyId },
    ...homesTold(homes)
  }, 'appliance.ready')
  return {
    reload: async anew => {
      if (anew !== undefined && parts.updateGroups.set(anew.config.updates.groups) && parts.dayTwo === undefined) {
        log.warn({ hint: 'the first groups of updates take effect when the service is restarted' }, 'update.groups')
      }
      await Promise.all([ground.store.rescan(), ...running.map(({ reload }) => reload?.())])
    },
    status: () => statusOf(parts)
  }
}

interface ListenerToStart {
  readonly row: ListenerRow
  readonly place: ListenPlace
  readonly prepared: PreparedListener
  readonly text: string
}

/** Everything that listeners need is opened before the first of them listens. */
async function prepareAll (ground: Ground, onClose: OnClose): Promise<readonly ListenerToStart[]> {
  const planned: ListenerToStart[] = []
  for (const { row, place } of placesIn(ground.config)) {
    if (!isListener(row)) continue
    const prepared = await row.prepare(ground, place)
    onClose(async () => { await prepared.close?.() })
    for (const { about, text } of warningsOf(prepared)) ground.log.warn({ about, warning: text }, 'config.warning')
    if (prepared.off === undefined) planned.push({ row, place, prepared, text: `${row.name} on ${placeText(row, place)}` })
    else ground.log[(prepared.findings ?? []).length > 0 ? 'error' : 'info']({ reason: prepared.off }, `${row.name}.off`)
  }
  return planned
}

/** What there is to say of certificates changes with their files: whoever keeps them in step tells it. */
const warningsOf = ({ findings = [] }: PreparedListener): NonNullable<PreparedListener['findings']> => findings.filter(({ level, about }) => level === 'warning' && about !== 'certificates')

/** Undefined when it can't listen and nobody asked for it. */
async function listen (row: ListenerRow, prepared: PreparedListener, parts: RunningParts): Promise<RunningListener | undefined> {
  try {
    return await prepared.listen(parts)
  } catch (error) {
    if (!(error instanceof AppError) || row.forgiven?.(error, parts.loaded) !== true) throw error
    parts.log.warn({ reason: error.message }, `${row.name}.off`)
    return undefined
  }
}

/** `DHCP server on ens192, 41 leases; http://192.168.100.2:8080, 12 groups` */
function statusOf ({ config, homes, leases, clock, store }: RunningParts): string {
  const active = [...leases.table.values()].filter(lease => isActive(lease, clock.now())).length
  const problems = store.problems().length
  const served = dhcpText(config)
  return [
    ...served === '' ? [] : [`${served}${homes.givesAddresses ? `, ${counted(active, 'lease')}` : ''}`],
    `${homes.first.origin}, ${counted(store.snapshot.groups.size, 'group')}`,
    ...problems === 0 ? [] : [`problems in ${counted(problems, 'file')} of the store, see /readyz`]
  ].join('; ')
}

async function makeStateFolder (loaded: LoadedConfig): Promise<void> {
  const { config, keyAt } = loaded
  const amiss = await stateAmiss(loaded)
  if (amiss !== undefined) throw new AppError('write_failed', amiss)
  await makeFolder(config.state_path).catch((error: unknown) => {
    throw new AppError('write_failed', `${keyAt(['state_path'])}: cannot make ${config.state_path}: ${messageOf(error)}`)
  })
}

interface Starting {
  /** What does not listen yet. */
  readonly starting: () => readonly string[]
  /** What was amiss with the configuration at the start, and no reason not to be ready. */
  readonly warnings: readonly string[]
}

/** What the listeners stand on, in the order in which it can be made. */
async function startParts (
  ground: Ground, { inherited, fence, restart, doctor, check }: Pick<Required<ApplianceOptions>, 'inherited' | 'fence' | 'restart' | 'doctor' | 'check'>, onClose: OnClose, start: Starting
): Promise<RunningParts> {
  const { loaded, config, log, clock, homes, store } = ground
  const metrics = new Metrics()
  const pace = new Pace({ onError: error => { fence.caught(error, 'request') } })
  metrics.counters('errors_fenced_total', 'Errors outside of any request, by the place where they arose', 'place', () => fence.counts)
  ground.cluster?.measure(metrics)
  const leases = await openLeases({ config, clock, log, metrics, onClose, openShared: ground.cluster?.openLeases })
  const holderOf = (ip: Ipv4): Mac | undefined => leaseHolder(leases.table, ip, clock.now())
  const addressClaims = claimsOf(ground, leases, holderOf)
  const links = new Set<{ readonly waiting: number }>()
  const toldLater = new ToldLater({ isBehind: () => isBehind(links) })
  const registry = await openRegistry(ground, leases, addressClaims, toldLater, onClose)
  onClose(async () => { toldLater.close() })
  const macOf = (address: string): Mac | undefined => {
    const seen = registry.macOf(address)
    const holder = holderOf(parseIpv4(address) ?? unspecified)
    return holder ?? (seen !== undefined && addressClaims.isAddressOf(seen, address) ? seen : undefined)
  }
  const groupMachines = keepGroupMachines(store)
  const loaderChosen = (mac: Mac): boolean => !hasOtherLoader(config) || isLoaderChosen(mac, config, groupMachines)
  const isAddressOf = (mac: string, address: string): boolean => addressClaims.isAddressOf(mac, address)
  const discovery = await startDiscovery({ ground, metrics, macOf, isAddressOf, onClose })
  const renderings = new LongRenderings({ clock, onCrash: error => { log.error({ error: error.message }, 'rendering.crashed') } })
  onClose(() => renderings.close())
  metrics.gauge('renderings_aside', 'Renderings that take long, under way or waiting', () => renderings.count)
  const updateGroups = new UpdateGroups(config.updates.groups)
  const fallbacks = fallbacksOf(ground)
  const assetDisk = await openAssetDisk(ground, onClose)
  const provisioner = createProvisioner({
    store,
    aside: renderings,
    scriptLabels: config.boot.script_labels,
    resilient: config.boot.resilient,
    assets: assetPinner(config.assets_path, ownHosts(config, homes), clock, assetDisk.looks),
    ownSnippets: nodeSnippets(updateGroups, () => homes.first.origin),
    past: pastOf(registry, ground.cluster),
    discovery: discovery.urls,
    fallbacks,
    guard: await openGuard({ ground, isAddressOf, onClose })
  })
  const news = await openMachineNews(ground, registry, metrics, onClose)
  const neighbours = watchNeighbours(ground)
  const observer = createObserver({
    news,
    seenBy: ground.cluster?.name,
    neighbours,
    registry,
    metrics,
    clock,
    log,
    macOf,
    addressClaims,
    loaderChosen,
    fence,
    bootsAs: bootsAs(provisioner),
    bootFileOf: bootFileOf(provisioner)
  })
  observer.loadersChosen()
  followGroups(groupMachines, store, machines => { observer.loadersChosen(machines) }, onClose)
  const mayBeBios = (mac: Mac): boolean => registry.get(mac)?.architecture?.startsWith('x86 BIOS') ?? true
  const hindrances = new Map<string, string>()
  const refusals = new Map<string, string>()
  const amiss = new Map<string, readonly string[]>()
  const dhcpServers = new DhcpServers()
  const warnings = watchFolders({ ...ground, onClose, loaders: loadersNow(ground) }, start.warnings)
  const parts = {
    ...ground,
    metrics,
    pace,
    registry,
    leases,
    macOf,
    observer,
    toldLater,
    neighbours: neighbours?.seen,
    packets: config.ui.address === null ? undefined : recordPackets({ clock, registry, macOf, toldLater }),
    addressClaims,
    groupMachines,
    updateGroups,
    provisioner,
    fallbacks,
    assetDisk,
    discovery,
    enrolment: createEnrolment({
      ground,
      leases,
      registry,
      provisioner,
      addressClaims,
      onEnrolled: observer.onEnrolled
    }),
    loaderFiles: loaderFiles({
      config,
      clock,
      originFor: client => homes.of(client).origin,
      provisioner,
      macOf,
      hear: (mac, address) => addressClaims.hear(mac, address),
      mayBeBios,
      fallbacks,
      onDecided: observer.onDecided,
      assetTurns: assetDisk.turns
    }),
    httpNames: await openHttpNames(config, clock, store.snapshot.groups.values()),
    dhcpServers,
    links,
    sockets: new Sockets(inherited, loaded, listeners),
    hindrances,
    refusals,
    amiss,
    readiness: {
      ready: () => [...start.starting(), ...hindrances.values(), ...store.problems().map(({ where, message }) => where === '' ? message : `${where === '.' ? loaded.keyAt(['data_path']) : where}: ${message}`)],
      // One file may be what several listeners stand on.
      warnings: () => [...new Set([
        ...warnings(), ...[...amiss.values()].flat(),
        ...refusedNow({ refusals, hindrances }), ...dhcpServers.refused, ...ground.cluster?.warnings() ?? []
      ])]
    },
    restart,
    doctor,
    check,
    onClose
  }
  countLinks(parts)
  const images = config.assets_path === '' ? undefined : await (await import('./wiring/images.js')).startImages(parts)
  const dayTwo = config.updates.groups.length === 0 ? undefined : await (await import('./wiring/updates.js')).startUpdates(parts, images)
  const more = { ...parts, dayTwo, images }
  return { ...more, app: await buildApp(more) }
}
