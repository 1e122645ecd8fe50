// The DHCP server of one interface, put together; dhcp-link starts it when the interface is there.
import { messageOf, unwaited } from '../base/errors.js'
import { type DhcpServer, startDhcpServer } from '../dhcp/dhcp-server.js'
import { hasLeasesOn, type LookForOthers } from '../dhcp/other-servers.js'
import { createConflictProbe } from '../net/conflict-probe.js'
import { interfaceNamed } from '../net/interfaces.js'
import type { Ipv4 } from '../net/ipv4.js'
import type { Mac } from '../net/mac.js'
import { kernelUdp } from '../net/udp.js'
import type { LinkService } from '../dhcp/link-watch.js'
import { kernelOn, packetsOn, tellHome } from './dhcp-link.js'
import { DeviceSocket } from './dhcp-sockets.js'
import type { Home } from '../dhcp/homes.js'
import { type ListenPlace, placeText } from './place.js'
import type { RunningParts } from './running-parts.js'

export const usesOtherLoader = ({ registry }: Pick<RunningParts, 'registry'>) => (mac: Mac): boolean => registry.usesOtherLoader(mac)

/** `client` is port 68 beside it, from which it is asked whether another server answers. */
export function serverOn (parts: RunningParts, home: Home, place: ListenPlace, client: ListenPlace | undefined): LinkService {
  const { leases, clock, log, dhcpServers, homes, arp } = parts
  const socket = new DeviceSocket(parts, 'dhcp', place)
  const asking = client === undefined ? undefined : new DeviceSocket(parts, 'dhcp-client', client)
  return {
    places: [{ row: 'dhcp', at: placeText({ transport: 'udp' }, place) }],
    start: async (own: Ipv4) => {
      const settings = await dhcpServers.settingsFor(parts, home)
      const others = asking === undefined ? undefined : lookForOthers(parts, home, asking)
      const probe = createConflictProbe({ find: arp.find })
      let server: DhcpServer
      try {
        server = await startDhcpServer({
          network: kernelUdp,
          bind: () => socket.open(),
          server: own,
          own: home.addresses.map(({ ip }) => ip),
          ours: () => homes.addresses,
          settings,
          table: leases.table,
          store: leases.store,
          probe,
          ...others !== undefined && { others },
          ownMac: () => home.mac,
          usesOtherLoader: usesOtherLoader(parts),
          ...parts.cluster !== undefined && { turn: parts.cluster.turn, fellows: parts.cluster.addresses },
          clock,
          steady: () => performance.now(),
          log,
          onEvent: tellHome(parts, home),
          ...kernelOn(parts, home),
          ...packetsOn(parts, home)
        })
      } catch (error) {
        probe.close()
        throw error
      }
      dhcpServers.add(server, home)
      // The interface's addresses, and what was edited meanwhile.
      await dhcpServers.configure()
      return {
        get waiting () { return server.waiting },
        rebind: () => server.rebind(() => socket.open()),
        moveTo: (own, all) => {
          server.moveTo(own, all)
          unwaited(dhcpServers.configure())
        },
        linkIs: up => { server.linkIs(up) },
        close: async () => {
          dhcpServers.remove(server)
          await server.close()
          probe.close()
        }
      }
    },
    drop: () => {
      socket.drop()
      asking?.drop()
    }
  }
}

/** Whether another DHCP server on a network of these addresses is no reason not to start. */
export const mayOthersAnswer = (
  { config, cluster, leases, clock }: Pick<RunningParts, 'config' | 'cluster' | 'leases' | 'clock'>, addresses: Home['addresses']
): boolean =>
  // Another provisioner of the cluster answers too, and is meant to.
  config.dhcp.allow_other_servers || cluster !== undefined ||
  hasLeasesOn(leases.table.values(), addresses.map(({ subnet }) => subnet), clock.now())

/** Port 68 to ask from; a machine whose own DHCP client has it can't ask, and is told so. */
function lookForOthers (parts: RunningParts, { interface: at, addresses }: Home, socket: DeviceSocket): LookForOthers | undefined {
  const { log, homes } = parts
  const interfaceName = at?.name ?? ''
  const { mac } = interfaceNamed(interfaceName)
  if (mac === undefined) return undefined
  try {
    return { interfaceName, bind: socket.open(), mac, ours: homes.addresses, allowed: mayOthersAnswer(parts, addresses) }
  } catch (error) {
    log.warn({ interface: interfaceName, error: messageOf(error) }, 'dhcp.others_unknown')
    return undefined
  }
}
