// DHCP on its interface, in server or proxy mode.
import { join } from 'node:path'
import { ports } from '../dhcp/constants.js'
import type { LookForOthers } from '../dhcp/other-servers.js'
import { type DhcpServer, type DhcpSettings, startDhcpServer } from '../dhcp/dhcp-server.js'
import { messageOf } from '../base/errors.js'
import { leaseFile } from '../dhcp/lease-file.js'
import { isActive, type Lease } from '../dhcp/leases.js'
import { startProxyServer } from '../dhcp/proxy-server.js'
import { buildReservations } from '../dhcp/reservations.js'
import { inRange } from '../dhcp/subnet.js'
import { createConflictProbe } from '../net/conflict-probe.js'
import { openDeviceSocket } from '../net/device-socket.js'
import { addressesOf } from '../net/interfaces.js'
import { formatSubnet, type Ipv4 } from '../net/ipv4.js'
import type { Mac } from '../net/mac.js'
import { type BindOptions, kernelUdp } from '../net/udp.js'
import { currentBoot } from './boot-overrides.js'
import { watchLink } from './dhcp-link.js'
import { dhcpSubnets } from './dhcp-settings.js'
import { type FoundReservations, readReservations, watchReservations } from './reservation-sources.js'
import type { Shared } from './shared.js'
import type { SocketName } from './sockets.js'

/** Bytes: a rack that is switched on at once waits here while the process is busy. */
const receiveBuffer = 4 * 2 ** 20

/** The socket of the service manager, or one of our own, which only root can open. */
function deviceSocket ({ config: { dhcp }, sockets }: Shared, name: SocketName, key: string, port: number): BindOptions {
  const socket = sockets.take(name, { key, port, device: dhcp.interface })
  return { address: '0.0.0.0', port, fd: socket?.fd ?? openDeviceSocket(dhcp.interface, port), broadcast: true, receiveBuffer }
}

const usesOtherLoader = ({ registry }: Shared) => (mac: Mac): boolean => registry.get(mac)?.otherLoader === true

/** The server, for those who end leases; undefined in other modes. */
export async function startDhcp (shared: Shared): Promise<DhcpServer | undefined> {
  const { own, config } = shared
  if (own === undefined) return undefined
  watchLink(shared, config.dhcp.interface)
  if (config.dhcp.mode === 'server') return await startServer(shared, own)
  await startProxy(shared, own)
  return undefined
}

async function startServer (shared: Shared, own: Ipv4): Promise<DhcpServer> {
  const { loaded, config, log, clock, leases, metrics, observer, store, onClose } = shared
  const file = leaseFile({
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
    return { subnets, reservations, boot: currentBoot(shared), unknownClients: config.dhcp.unknown_clients }
  }
  const others = lookForOthers(shared)
  const server = await startDhcpServer({
    network: kernelUdp,
    bind: deviceSocket(shared, 'dhcp', 'dhcp.port', config.dhcp.port),
    server: own,
    settings: settings(await readReservations(loaded, store)),
    table: leases,
    store: file,
    probe: createConflictProbe(),
    ...others !== undefined && { others },
    usesOtherLoader: usesOtherLoader(shared),
    clock,
    log,
    onEvent: observer.onDhcp
  })
  onClose(() => server.close())
  onClose(await watchReservations({ loaded, store, clock, log, onChange: found => { server.configure(settings(found)) } }))
  const active = (): readonly Lease[] => [...leases.values()].filter(lease => isActive(lease, clock.now()))
  const ranges = subnets.flatMap(({ subnet, range }) => range === undefined ? [] : [{ name: formatSubnet(subnet), range }])
  metrics.gauge('dhcp_leases', 'Leases that are in force', () => active().length)
  metrics.gauges('dhcp_range_addresses', 'Addresses in the range of a subnet', 'subnet',
    () => ranges.map(({ name, range }) => [name, range.last - range.first + 1]))
  metrics.gauges('dhcp_range_used', 'Addresses of the range that are leased, offered or set aside', 'subnet', () => {
    const held = active()
    return ranges.map(({ name, range }) => [name, held.filter(({ ip }) => inRange(range, ip)).length])
  })
  return server
}

/** Port 68 to ask from; a machine whose own DHCP client has it can't ask, and is told so. */
function lookForOthers (shared: Shared): LookForOthers | undefined {
  const { config, log } = shared
  const { interface: interfaceName, allow_other_servers: allowed } = config.dhcp
  const mac = addressesOf(interfaceName)[0]?.mac
  if (mac === undefined) return undefined
  try {
    return { interfaceName, bind: deviceSocket(shared, 'dhcp-client', 'dhcp.interface', ports.client), mac, allowed }
  } catch (error) {
    log.warn({ interface: interfaceName, error: messageOf(error) }, 'dhcp.others_unknown')
    return undefined
  }
}

async function startProxy (shared: Shared, own: Ipv4): Promise<void> {
  const { config, log, clock, observer, store, onClose } = shared
  const proxy = await startProxyServer({
    network: kernelUdp,
    bind: deviceSocket(shared, 'dhcp', 'dhcp.port', config.dhcp.port),
    bootServerBind: deviceSocket(shared, 'boot-server', 'dhcp.boot_server_port', config.dhcp.boot_server_port),
    server: own,
    boot: currentBoot(shared),
    usesOtherLoader: usesOtherLoader(shared),
    clock,
    log,
    onEvent: observer.onDhcp
  })
  onClose(() => proxy.close())
  const stop = store.onChange(changes => { if (changes.some(({ kind }) => kind === 'group')) proxy.configure(currentBoot(shared)) })
  onClose(async () => { stop() })
  observer.whenFileAsked(mac => { proxy.fileAsked(mac) })
}
