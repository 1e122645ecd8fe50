// The HTTP listener and the control socket, with every family of routes.
import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { DhcpServer } from '../dhcp/dhcp-server.js'
import { isActive, stateAt } from '../dhcp/leases.js'
import { AppError } from '../base/errors.js'
import { AssetCache } from '../http/asset-cache.js'
import { buildControlApp, listenControl } from '../http/control-app.js'
import { ClientConnections } from '../http/client-connections.js'
import { buildHttpApp, type HttpApp, progressTimeout } from '../http/http-server.js'
import { type MachineRoutesOptions, registerMachineRoutes } from '../http/machine-routes.js'
import { registerImageRoute } from '../http/image-route.js'
import { registerMetricsRoute } from '../http/metrics-route.js'
import type { Mirror } from '../mirror/mirror.js'
import { connectionShares, descriptorLimit } from '../net/descriptors.js'
import { formatIpv4 } from '../net/ipv4.js'
import { normaliseFileName } from '../tftp/file-name.js'
import { listenError } from '../net/udp.js'
import { armor } from '../openpgp/sign.js'
import { addressHolders } from './address-holders.js'
import type { Shared } from './shared.js'

/** Milliseconds that answers under way may take to finish. */
const grace = 1500
/** The same where new requests wait in a socket of the service manager meanwhile: what an initrd takes at 1 Gbit/s, twice. */
const inheritedGrace = 10_000

/** `starting` gives the reasons why the appliance is not ready yet. Gives the application, whose routes other listeners may serve. */
export async function startHttp (shared: Shared, images: Mirror | undefined, starting: () => readonly string[]): Promise<HttpApp> {
  const { config, log, clock, store, provisioner, bootFiles, metrics, observer, signer, sockets, hindrances, onClose } = shared
  const assetCache = new AssetCache({ memory: config.assets.cache_memory, clock })
  metrics.gauge('asset_cache_bytes', 'Memory that holds images', () => assetCache.bytes)
  metrics.counter('asset_cache_hits_total', 'Pieces of images, 1 MiB each, that were served from memory', () => assetCache.hits)
  metrics.counter('asset_cache_misses_total', 'Pieces of images that had to be read from disk', () => assetCache.misses)
  const connections = new ClientConnections({ ...connectionShares(descriptorLimit()).http, progressTimeout })
  metrics.gauge('http_connections', 'Connections of HTTP and HTTPS clients', () => connections.count)
  metrics.gauge('http_requests_waiting', 'Requests that wait for an earlier one of their connection', () => connections.waiting)
  metrics.counter('http_connections_refused_total', 'Connections that were closed at once because their address had its share', () => connections.refused)
  metrics.counter('http_connections_displaced_total', 'Connections that were closed so that another one could be taken', () => connections.displaced)
  const app = buildHttpApp({
    provisioner,
    log,
    assetsPath: config.assets_path,
    assetCache,
    signer: signer === undefined ? undefined : { sign: content => signer.sign(content), armor },
    loaders: {
      open: async (asked, client) => {
        const name = normaliseFileName(asked)
        return name === undefined ? undefined : await bootFiles.open(name, { client })
      }
    },
    identify: config.http.identify_by_ip ? await addressHolders(shared) : undefined,
    ready: () => [...starting(), ...hindrances.values(), ...store.problems().map(({ file, message }) => `${file}: ${message}`)],
    onRequest: observer.onHttp,
    connections
  })
  registerMetricsRoute(app, metrics)
  registerMachineRoutes(app, { ...machineRoutes(shared), hold: (request, response) => { connections.hold(request, response) } })
  registerImageRoute(app, async () => await images?.list() ?? { sources: [], releases: [] })
  const { host, port } = config.http.address
  const socket = sockets.take('http', { key: 'http.address', host, port })
  onClose(async () => {
    // Answers under way may finish; a download that takes longer is cut off, and iPXE or Ignition will ask again.
    const impatient = clock.after(socket === undefined ? grace : inheritedGrace, () => { app.server.closeAllConnections() })
    await app.close()
    impatient.cancel()
  })
  try {
    log.info({ url: await app.listen({ host, port, ...socket !== undefined && { fd: socket.fd } }) }, 'http.listen')
  } catch (error) {
    throw listenError(error, `${host}:${port}/tcp`)
  }
  return app
}

const machineRoutes = ({ registry, leases, clock, observer }: Shared): MachineRoutesOptions => ({
  registry,
  leasedAddress: mac => {
    const lease = leases.ofMac(mac).find(held => held.state === 'bound' && isActive(held, clock.now()))
    return lease === undefined ? undefined : formatIpv4(lease.ip)
  },
  onInstalled: observer.onInstalled
})

export async function startControl (shared: Shared, dhcp: Pick<DhcpServer, 'release'> | undefined): Promise<void> {
  const { loaded, config, log, leases, clock, onClose } = shared
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
  try {
    await listenControl(app, config.control_socket)
  } catch (error) {
    // A unit of Matchbox's time has no RuntimeDirectory=; its machines boot without anybody asking the running appliance.
    if (!(error instanceof AppError) || error.code !== 'socket_failed' || loaded.isWritten(['control_socket'])) throw error
    log.warn({ reason: error.message }, 'control.off')
  }
}
