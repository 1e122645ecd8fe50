// The ProxyDHCP server of one interface, put together; dhcp-link starts it when the interface is there.
import type { Timer } from '../base/clock.js'
import { startProxyServer } from '../dhcp/proxy-server.js'
import type { Ipv4 } from '../net/ipv4.js'
import { kernelUdp } from '../net/udp.js'
import { currentBoot } from './boot.js'
import type { LinkService } from '../dhcp/link-watch.js'
import { kernelOn, packetsOn, tellHome } from './dhcp-link.js'
import { usesOtherLoader } from './dhcp-server.js'
import { DeviceSocket } from './dhcp-sockets.js'
import type { Home } from '../dhcp/homes.js'
import { type ListenPlace, placeText } from './place.js'
import type { RunningParts } from './running-parts.js'

/** Milliseconds in which changes of groups are gathered: each has the loaders of all told anew. */
const gatherFor = 250

/** `bootServer` is port 4011 beside it. */
export function proxyOn (parts: RunningParts, home: Home, place: ListenPlace, bootServer: ListenPlace): LinkService {
  const { clock, groupMachines, log, observer, store } = parts
  const sockets = { bind: new DeviceSocket(parts, 'dhcp', place), bootServerBind: new DeviceSocket(parts, 'boot-server', bootServer) }
  const open = { bind: () => sockets.bind.open(), bootServerBind: () => sockets.bootServerBind.open() }
  return {
    places: [{ row: 'dhcp', at: placeText({ transport: 'udp' }, place) }, { row: 'boot-server', at: placeText({ transport: 'udp' }, bootServer) }],
    start: async (own: Ipv4) => {
      let gathering: Timer | undefined
      const proxy = await startProxyServer({
        network: kernelUdp,
        ...open,
        server: own,
        ours: () => [...parts.homes.addresses, ...parts.cluster?.addresses() ?? []],
        boot: currentBoot(parts, home),
        networks: () => home.addresses,
        usesOtherLoader: usesOtherLoader(parts),
        isKnown: mac => groupMachines.has(mac),
        isOwn: mac => mac === home.mac,
        clock,
        steady: () => performance.now(),
        log,
        onEvent: tellHome(parts, home),
        ...kernelOn(parts, home),
        ...packetsOn(parts, home)
      })
      const stop = store.onChange(changes => {
        if (!changes.some(({ kind }) => kind === 'group')) return
        // Thousands of groups may be written one after the other.
        gathering ??= clock.after(gatherFor, () => {
          gathering = undefined
          proxy.configure(currentBoot(parts, home))
        })
      })
      observer.whenFileAsked(mac => { proxy.fileAsked(mac) })
      return {
        get waiting () { return proxy.waiting },
        rebind: () => proxy.rebind(open),
        moveTo: own => {
          proxy.moveTo(own)
          proxy.configure(currentBoot(parts, home))
        },
        linkIs: () => {},
        close: async () => {
          stop()
          gathering?.cancel()
          await proxy.close()
        }
      }
    },
    drop: () => {
      sockets.bind.drop()
      sockets.bootServerBind.drop()
    }
  }
}
