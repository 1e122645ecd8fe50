// A UDP network that keeps room for those who are there: what goes to a neighbour that has not answered ARP is lost once the kernel holds a
// part of the socket's buffer (unsent-share.ts), as it would be three seconds later. Who asks in the name of machines that are not there
// would have all others wait for the answers to those.
import type { ArpLookup } from './arp-lookup.js'
import type { Endpoint } from './endpoint.js'
import { parseIpv4 } from './ipv4.js'
import type { UdpNetwork, UdpSocket } from './udp.js'

/** How much of the buffer may be held already when a datagram goes to such a neighbour. */
export const mostHeld = 1 / 4

/** As long as the kernel holds little it is asked with one datagram of so many: the call takes a twentieth of what a TFTP block costs. */
export const askedEvery = 8

const lost = (): Error => new Error('too much is held for others that do not answer ARP')

/** `find` is what the kernel has of a neighbour; who is behind a router is none. Sockets whose descriptor is not known are as they are. */
export const sparing = (network: UdpNetwork, find: ArpLookup['find']): UdpNetwork => ({
  bind: async (options, onDatagram) => {
    const socket = await network.bind(options, onDatagram)
    const { unsentShare, sendNow, sendAll, readWaiting } = socket
    if (unsentShare === undefined) return socket
    let [held, since] = [0, 0]
    const isFull = (datagrams: number): boolean => {
      since += datagrams
      if (held < mostHeld && since < askedEvery) return false
      held = unsentShare()
      since = 0
      return held >= mostHeld
    }
    const isHeldBack = ({ address }: Endpoint, datagrams = 1): boolean => {
      if (!isFull(datagrams)) return false
      const ip = parseIpv4(address)
      const entry = ip === undefined ? undefined : find(ip)
      return entry !== undefined && entry.mac === undefined
    }
    const spared: UdpSocket = {
      local: socket.local,
      send: (data, to, sent) => {
        if (isHeldBack(to)) sent?.(lost())
        else socket.send(data, to, sent)
      },
      ...sendNow !== undefined && { sendNow: (data, to) => isHeldBack(to) ? lost() : sendNow(data, to) },
      ...sendAll !== undefined && {
        sendAll: (datagrams, to, refused) => { if (!isHeldBack(to, datagrams.length)) sendAll(datagrams, to, refused) }
      },
      ...readWaiting !== undefined && { readWaiting },
      unsentShare,
      close: () => socket.close()
    }
    return spared
  }
})
