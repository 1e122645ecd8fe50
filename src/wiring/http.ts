// The HTTP application, with every family of routes, and its plain listener.
import { availableParallelism } from 'node:os'
import { type FileSender, ImageThread } from '../assets/file-sender.js'
import { FileCache } from '../disk/file-cache.js'
import { warning } from '../doctor/finding.js'
import { progressTimeout } from '../http/bounded-server.js'
import { ClientConnections } from '../http/client-connections.js'
import { discoveryRoutes } from '../http/discovery-routes.js'
import { buildHttpApp, type HttpApp } from '../http/http-server.js'
import { registerImageRoute } from '../control/image-route.js'
import { type MachineRoutesOptions, registerMachineRoutes } from '../control/machine-routes.js'
import { registerProvisionerRoute } from '../control/provisioner-route.js'
import { registerMetricsRoute } from '../control/metrics-route.js'
import { tellImages } from '../mirror/images-told.js'
import { acceptInNumbers, type Acceptors } from '../net/acceptors.js'
import { connectionShares, descriptorLimit } from '../net/descriptors.js'
import { listenError } from '../net/udp.js'
import { armor } from '../openpgp/sign.js'
import { normaliseFileName } from '../tftp/file-name.js'
import type { Clock } from '../base/clock.js'
import type { AddressClaims } from '../machines/address-claims.js'
import { namedMachines } from '../matchbox/group-machines.js'
import { addressHolders } from './address-holders.js'
import { bootConfig } from './dhcp-settings.js'
import { enrolmentFindings } from './enrolment.js'
import { assetsAmiss } from './folder-amiss.js'
import type { Ground } from './ground.js'
import type { PreparedListener } from './listener.js'
import { boundPort, listensAt, toldHosts } from './listens.js'
import { webhookFindings } from './machine-news.js'
import type { ListenPlace } from './place.js'
import { elsewhere, unresolved } from './reach.js'
import type { RunningParts } from './running-parts.js'

/** Bytes of the smallest asset that is kept in memory: reading a smaller one costs next to nothing. */
const smallestKept = 256 * 1024

export async function buildApp (parts: Omit<RunningParts, 'app'>): Promise<HttpApp> {
  const { config, log, clock, addressClaims, provisioner, loaderFiles, metrics, observer, signer, enrolment, images, readiness } = parts
  const assetCache = new FileCache({ memory: config.assets.cache_memory, smallest: smallestKept, clock })
  metrics.gauge('asset_cache_bytes', 'Memory that holds images', () => assetCache.bytes)
  metrics.counter('asset_cache_hits_total', 'Pieces of images, 1 MiB each, that were served from memory', () => assetCache.hits)
  metrics.counter('asset_cache_misses_total', 'Pieces of images that had to be read from disk', () => assetCache.misses)
  const shares = connectionShares(descriptorLimit())
  const assetSender = openSender(parts, shares.sent)
  const connections = new ClientConnections({ ...shares.http, waiting: shares.waiting, progressTimeout, pace: parts.pace, clock })
  metrics.gauge('http_connections', 'Connections of HTTP and HTTPS clients', () => connections.count)
  metrics.gauge('http_connections_waiting', 'Connections that wait for a place, since all are taken', () => connections.inLine)
  metrics.gauge('http_requests_waiting', 'Requests that wait for an earlier one of their connection', () => connections.waiting)
  metrics.counter('http_connections_refused_total', 'Connections for which there was no place, their address having its share or the line being full', () => connections.refused)
  metrics.counter('http_connections_displaced_total', 'Connections that were closed so that another one could be taken', () => connections.displaced)
  const hear: AddressClaims['hear'] = (mac, address) => addressClaims.hear(mac, address)
  const app = buildHttpApp({
    provisioner,
    log,
    assetsPath: config.assets_path,
    assetCache,
    assetTurns: parts.assetDisk.turns,
    assetSender,
    signer: signer === undefined ? undefined : { sign: content => signer.sign(content), armor },
    loaders: {
      open: async (asked, client) => {
        const name = normaliseFileName(asked)
        return name === undefined ? undefined : await loaderFiles.open(name, { client })
      }
    },
    identify: config.http.identify_by_ip ? await addressHolders(parts) : undefined,
    hear,
    enrol: enrolment.enrol,
    ...readiness,
    onRequest: event => {
      observer.onHttp(event)
      parts.discovery.onConfigServed(event)
      if (event.path.startsWith('/assets/') && (event.status === 200 || event.status === 206)) images?.fetched(event.path)
    },
    connections
  })
  registerMetricsRoute(app, metrics)
  registerMachineRoutes(app, { ...machineRoutes(parts), hold: (request, response) => { connections.hold(request, response) } })
  if (parts.dayTwo !== undefined) {
    const { updateRoutes } = await import('../http/update-routes.js')
    updateRoutes(app, { ...parts.dayTwo, origin: address => parts.homes.of(address).origin, hear })
  }
  discoveryRoutes(app, {
    discovery: parts.discovery.discovery,
    origin: address => parts.homes.of(address).origin,
    hear,
    hold: (request, response) => { connections.hold(request, response) }
  })
  if (parts.cluster !== undefined) registerProvisionerRoute(app, parts.cluster.name)
  registerImageRoute(app, async () => await images?.list() ?? tellImages({ sources: [], releases: [] }).json)
  return app
}

/** Sends images beside everything else; undefined where there is no second processor for it. */
function openSender ({ clock, log, metrics, onClose }: Pick<RunningParts, 'clock' | 'log' | 'metrics' | 'onClose'>, most: number): FileSender | undefined {
  if (availableParallelism() < 2) return undefined
  const sender = new ImageThread({ clock, most, onCrash: error => { log.error({ error: error.message }, 'assets.crashed') } })
  metrics.gauge('asset_sendings', 'Images that the thread of images sends', () => sender.count)
  onClose(() => sender.close())
  return sender
}

export async function prepareHttp (ground: Ground, place: ListenPlace): Promise<PreparedListener> {
  const { config, homes } = ground
  const { key, host = '0.0.0.0', port } = place
  const amiss = await assetsAmiss(ground.loaded)
  return {
    what: `machines are told ${[...new Set(homes.all.map(({ origin }) => bootConfig(config, origin).scriptUrl))].join(', ')}`,
    findings: [
      ...enrolmentFindings(ground),
      ...await webhookFindings(ground.loaded),
      ...amiss === undefined ? [] : [warning('assets', amiss)],
      ...homes.all.flatMap(({ host }) => elsewhere(ground.loaded, place, host)),
      ...await unresolved(ground.loaded, ground.clock)
    ],
    listen: async ({ app, sockets, clock }) => {
      const { fd, inherited } = sockets.toListenOn('http', { key, host, port })
      try {
        await app.listen({ host, port, ...fd !== undefined && { fd } })
      } catch (error) {
        throw listenError(error, host, { port, transport: 'tcp' })
      }
      const acceptors = fd === undefined ? undefined : acceptInNumbers(app.server, fd)
      const listens = listensAt({ transport: 'tcp' }, place, boundPort(app.server, port), toldHosts(homes), host => `http://${host}`)
      return { inherited, listens, close: grace => closeApp(app, grace, clock, { acceptors, connections: app.connections }) }
    }
  }
}

/** Answers under way may finish; a download that takes longer is cut off, and iPXE or Ignition will ask again. */
export async function closeApp (
  app: Pick<HttpApp, 'server' | 'close'>, grace: number, clock: Clock,
  { acceptors, connections }: { readonly acceptors?: Acceptors | undefined, readonly connections?: ClientConnections } = {}
): Promise<void> {
  connections?.dismiss()
  const impatient = clock.after(grace, () => { app.server.closeAllConnections() })
  await Promise.all([acceptors?.close(), app.close()])
  impatient.cancel()
}

type ForRoutes = Pick<RunningParts, 'registry' | 'addressClaims' | 'observer' | 'clock' | 'store' | 'pace' | 'dayTwo'>

export const machineRoutes = ({ registry, addressClaims, observer, clock, store, pace, dayTwo }: ForRoutes): MachineRoutesOptions => ({
  pace,
  registry,
  named: () => namedMachines(store.snapshot.groups.values()),
  now: clock.now,
  updateOf: dayTwo === undefined ? undefined : (mac, address) => dayTwo.updates.instanceOf(mac, address),
  ...dayTwo !== undefined && { onNews: dayTwo.onNews },
  addressClaims,
  onInstalled: observer.onInstalled
})
