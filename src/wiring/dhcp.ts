// DHCP on its interface, in server or proxy mode, and the two sockets beside it: port 68, from which a server asks whether
// another one answers, and the boot server's of a proxy.
import { messageOf } from '../base/errors.js'
import { type Config, isBootFileName, type LoadedConfig } from '../config/load.js'
import { ports } from '../dhcp/constants.js'
import { type DhcpSettings, startDhcpServer } from '../dhcp/dhcp-server.js'
import type { LookForOthers } from '../dhcp/other-servers.js'
import { startProxyServer } from '../dhcp/proxy-server.js'
import { buildReservations } from '../dhcp/reservations.js'
import type { DhcpSubnet } from '../dhcp/subnet.js'
import { problem, warning } from '../doctor/finding.js'
import { groupLoaders, knownMachines } from '../matchbox/group-machines.js'
import { createConflictProbe } from '../net/conflict-probe.js'
import { openDeviceSocket } from '../net/device-socket.js'
import { addressesOf, interfaceNamed } from '../net/interfaces.js'
import { contains, formatIpv4, type Ipv4 } from '../net/ipv4.js'
import type { Mac } from '../net/mac.js'
import { type BindOptions, kernelUdp } from '../net/udp.js'
import { currentBoot } from './boot.js'
import { followLink } from './dhcp-link.js'
import { dhcpSubnets } from './dhcp-settings.js'
import type { Ground } from './ground.js'
import type { PreparedListener } from './listener.js'
import type { Place } from './place.js'
import { type FoundReservations, readReservations, watchReservations } from './reservation-sources.js'
import type { Shared } from './shared.js'

export const dhcpPlaces = ({ dhcp }: Config): readonly Place[] =>
  dhcp.mode === 'off' ? [] : [{ key: 'dhcp.port', port: dhcp.port, device: dhcp.interface }]

export const dhcpClientPlaces = ({ dhcp }: Config): readonly Place[] =>
  dhcp.mode === 'server' ? [{ key: 'dhcp.interface', port: ports.client, device: dhcp.interface }] : []

export const bootServerPlaces = ({ dhcp }: Config): readonly Place[] =>
  dhcp.mode === 'proxy' ? [{ key: 'dhcp.boot_server_port', port: dhcp.boot_server_port, device: dhcp.interface }] : []

/** AppError names the option of a subnet that can't be. */
export async function prepareDhcp (ground: Ground, place: Place): Promise<PreparedListener> {
  const { loaded, config, own, store } = ground
  const subnets = dhcpSubnets(loaded)
  const found = await readReservations(loaded, store)
  const inForce = buildReservations(found.entries, subnets, own ?? 0)
  const boot = groupLoaders(store.snapshot.groups.values(), isBootFileName)
  const overrides = config.boot.overrides.length + boot.loaders.length
  return {
    what: `${own === undefined ? '' : `as ${formatIpv4(own)}, `}${subnets.length} subnets, ${inForce.byIp.size} reservations,${overrides === 0 ? '' : ` ${overrides} boot overrides,`} unknown clients: ${config.dhcp.unknown_clients}`,
    findings: [
      ...[...found.problems, ...inForce.problems].map(text => problem('configuration', text)),
      ...withoutEffect(loaded, own).map(text => warning('configuration', text))
    ],
    listen: async shared => {
      // Without the interface's address there is no ground to listen on.
      const close = own === undefined
        ? async () => {}
        : config.dhcp.mode === 'server' ? await startServer(shared, place, own, subnets) : await startProxy(shared, place, own)
      return { inherited: false, close }
    }
  }
}

/** Settings that do nothing as things stand, and networks that get no answer. */
function withoutEffect ({ config: { dhcp, boot }, where }: LoadedConfig, own: Ipv4 | undefined): readonly string[] {
  const said = (path: ReadonlyArray<string | number>, what: string): string => `${where(path)}: ${path.join('.')} ${what}`
  if (dhcp.mode === 'proxy') {
    return dhcp.subnets.flatMap(({ range }, n) => range === undefined ? [] : [said(['dhcp', 'subnets', n, 'range'], 'has no effect in proxy mode: addresses are given by the other server')])
  }
  const served = own === undefined || dhcp.subnets.some(({ subnet }) => contains(subnet, own))
  return [
    ...boot.overrides.flatMap(({ proxy_style: style }, n) => style === undefined ? [] : [said(['boot', 'overrides', n, 'proxy_style'], 'has no effect in server mode')]),
    ...dhcp.unknown_clients === 'allow' ? [] : dhcp.subnets.flatMap(({ range }, n) => range === undefined ? [] : [said(['dhcp', 'subnets', n, 'range'], 'is never used: dhcp.unknown_clients is deny, so only reservations are answered')]),
    ...served ? [] : [said(['dhcp', 'subnets'], `hold no address of ${dhcp.interface} (${formatIpv4(own)}): machines there get no answer, only those behind relay agents do`)]
  ]
}

/**
 * Bytes: a rack that is switched on at once waits here while the process is busy, and machines that are known behind strangers who
 * send a hundred thousand a second. Some 30,000 messages.
 */
const receiveBuffer = 16 * 2 ** 20

/** The socket of the service manager, or one of our own, which only root can open. */
function deviceSocket ({ sockets }: Shared, name: string, place: Place): BindOptions {
  const { port, device = '' } = place
  return { address: '0.0.0.0', port, fd: sockets.take(name, place)?.fd ?? openDeviceSocket(device, port), broadcast: true, receiveBuffer }
}

/** Bound to the interface that has the name now. */
const ownDeviceSocket = ({ port, device = '' }: Place): BindOptions =>
  ({ address: '0.0.0.0', port, fd: openDeviceSocket(device, port), broadcast: true, receiveBuffer })

/** The socket of another row on the same interface. */
const beside = (places: readonly Place[], { device }: Place): Place | undefined => places.find(place => place.device === device)

const usesOtherLoader = ({ registry }: Shared) => (mac: Mac): boolean => registry.get(mac)?.otherLoader === true

async function startServer (shared: Shared, place: Place, own: Ipv4, subnets: readonly DhcpSubnet[]): Promise<() => Promise<void>> {
  const { loaded, config, log, clock, leases, observer, store, dhcpServers, onClose } = shared
  const { index, addresses: interfaceAddresses } = interfaceNamed(config.dhcp.interface)
  let addresses: readonly Ipv4[] = interfaceAddresses.map(({ ip }) => ip)
  const settings = (found: FoundReservations): DhcpSettings => {
    const reservations = buildReservations(found.entries, subnets, ...addresses)
    for (const problem of [...found.problems, ...reservations.problems]) log.warn({ problem }, 'reservation.refused')
    shared.addressClaims.reserve(reservations.byIp)
    return { subnets, reservations, boot: currentBoot(shared), unknownClients: config.dhcp.unknown_clients, named: found.named }
  }
  const others = lookForOthers(shared, place)
  const probe = createConflictProbe()
  const server = await startDhcpServer({
    network: kernelUdp,
    bind: deviceSocket(shared, 'dhcp', place),
    server: own,
    own: addresses,
    settings: settings(await readReservations(loaded, store)),
    table: leases.table,
    store: leases.store,
    probe,
    ...others !== undefined && { others },
    usesOtherLoader: usesOtherLoader(shared),
    clock,
    steady: () => performance.now(),
    log,
    onEvent: observer.onDhcp
  })
  followLink({
    shared,
    index,
    follower: {
      rebind: async () => { await server.rebind(ownDeviceSocket(place)) },
      moveTo: (own, all) => {
        addresses = all
        server.moveTo(own, all)
        void readReservations(loaded, store).then(found => { server.configure(settings(found)) })
          .catch((error: unknown) => { log.warn({ error: messageOf(error) }, 'reservation.unread') })
      }
    }
  })
  try {
    onClose(await watchReservations({ loaded, store, clock, log, onChange: found => { server.configure(settings(found)) } }))
  } catch (error) {
    await server.close()
    probe.close()
    throw error
  }
  tellWaiting(shared, server)
  dhcpServers.push(server)
  return async () => {
    await server.close()
    probe.close()
  }
}

const tellWaiting = ({ metrics }: Shared, server: { readonly waiting: number }): void => {
  metrics.gauge('dhcp_messages_waiting', 'DHCP messages that wait to be decided on', () => server.waiting)
}

/** Port 68 to ask from; a machine whose own DHCP client has it can't ask, and is told so. */
function lookForOthers (shared: Shared, place: Place): LookForOthers | undefined {
  const { config, log } = shared
  const client = beside(dhcpClientPlaces(config), place)
  if (client === undefined) return undefined
  const { device: interfaceName = '' } = client
  const mac = addressesOf(interfaceName)[0]?.mac
  if (mac === undefined) return undefined
  try {
    return { interfaceName, bind: deviceSocket(shared, 'dhcp-client', client), mac, allowed: config.dhcp.allow_other_servers }
  } catch (error) {
    log.warn({ interface: interfaceName, error: messageOf(error) }, 'dhcp.others_unknown')
    return undefined
  }
}

async function startProxy (shared: Shared, place: Place, own: Ipv4): Promise<() => Promise<void>> {
  const { config, log, clock, observer, store, onClose } = shared
  const bootServer = beside(bootServerPlaces(config), place)
  let named = knownMachines(store.snapshot.groups.values())
  const proxy = await startProxyServer({
    network: kernelUdp,
    bind: deviceSocket(shared, 'dhcp', place),
    bootServerBind: deviceSocket(shared, 'boot-server', bootServer ?? place),
    server: own,
    boot: currentBoot(shared),
    usesOtherLoader: usesOtherLoader(shared),
    isKnown: mac => named.has(mac),
    clock,
    steady: () => performance.now(),
    log,
    onEvent: observer.onDhcp
  })
  followLink({
    shared,
    index: interfaceNamed(config.dhcp.interface).index,
    follower: {
      rebind: async () => { await proxy.rebind(ownDeviceSocket(place), ownDeviceSocket(bootServer ?? place)) },
      moveTo: own => {
        proxy.moveTo(own)
        proxy.configure(currentBoot(shared))
      }
    }
  })
  const stop = store.onChange(changes => {
    if (!changes.some(({ kind }) => kind === 'group')) return
    named = knownMachines(store.snapshot.groups.values())
    proxy.configure(currentBoot(shared))
  })
  onClose(async () => { stop() })
  observer.whenFileAsked(mac => { proxy.fileAsked(mac) })
  return () => proxy.close()
}
