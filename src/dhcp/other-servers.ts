// Whether another DHCP server answers on the interface: asked as a client, before this one listens. Two servers give a machine
// whichever answer comes first, which is a boot that works now and then.
//
// It sends an INFORM, which those answer at once that first ping what they would offer (dnsmasq, for three seconds in which it
// hears nothing else), and a DISCOVER a little later if nobody answered. A server that denies
// machines it does not know stays unseen here; the running service sees it when a machine takes its offer.
import type { Clock } from '../base/clock.js'
import { AppError, DecodeError, messageOf } from '../base/errors.js'
import type { Logger } from '../base/log.js'
import { formatIpv4, type Ipv4 } from '../net/ipv4.js'
import { macToBytes, type Mac } from '../net/mac.js'
import type { BindOptions, UdpNetwork } from '../net/udp.js'
import { ethernet } from './client-info.js'
import { broadcastFlag, op, ports } from './constants.js'
import type { DhcpEvent } from './dhcp-event.js'
import type { Options } from './options.js'
import { decodePacket, type DhcpPacket, encodePacket } from './packet.js'

export interface OtherServersOptions {
  readonly network: UdpNetwork
  /** Port 68, on the interface. */
  readonly bind: BindOptions
  /** The interface's own hardware address: a made-up one would take a lease of its own each time. */
  readonly mac: Mac
  /** The interface's address. */
  readonly server: Ipv4
  /** This service's addresses on all its interfaces: two of them may be on one wire. */
  readonly ours?: readonly Ipv4[]
  readonly clock: Clock
  /** How long to wait for answers, in milliseconds; the first one ends it. */
  readonly wait?: number
}

/** The server identifiers of those that answered; rejects like `network.bind` when port 68 is taken by a client of this machine. */
export async function findOtherServers (options: OtherServersOptions): Promise<readonly Ipv4[]> {
  const { network, bind, mac, server, ours = [server], clock, wait = 2000 } = options
  const xid = Math.floor(Math.random() * 2 ** 32)
  const found = new Set<Ipv4>()
  let heard = (): void => {}
  const answered = new Promise<void>(resolve => { heard = resolve })
  const socket = await network.bind(bind, data => {
    const other = serverOf(data, xid)
    if (other === undefined || ours.includes(other)) return
    found.add(other)
    heard()
  })
  try {
    const ask = (question: DhcpPacket): void => {
      socket.send(encodePacket(question), { address: '255.255.255.255', port: ports.server })
    }
    ask(inform(xid, mac, server))
    const again = clock.after(wait / 4, () => {
      ask(inform(xid, mac, server))
      ask(discover(xid, mac))
    })
    const over = clock.after(wait, heard)
    await answered
    again.cancel()
    over.cancel()
  } finally {
    await socket.close()
  }
  return [...found]
}

export interface LookForOthers {
  readonly interfaceName: string
  /** Port 68 on the interface. */
  readonly bind: BindOptions
  /** The interface's hardware address. */
  readonly mac: Mac
  readonly ours?: readonly Ipv4[]
  readonly allowed: boolean
}

/** Tells of each server that answers; AppError `other_dhcp_server` when one does and is not allowed to. */
export async function refuseBesideOthers (
  { interfaceName, bind, mac, ours = [], allowed }: LookForOthers,
  { network, server, clock, log, onEvent }: Pick<OtherServersOptions, 'network' | 'server' | 'clock'> & { readonly log: Logger, readonly onEvent: (event: DhcpEvent) => void }
): Promise<void> {
  let found: readonly Ipv4[]
  try {
    found = await findOtherServers({ network, bind, mac, server, ours: [server, ...ours], clock })
  } catch (error) {
    log.warn({ interface: interfaceName, error: messageOf(error) }, 'dhcp.others_unknown')
    return
  }
  for (const ip of found) {
    log.warn({ interface: interfaceName, ip: formatIpv4(ip) }, 'dhcp.other_server')
    onEvent({ kind: 'other_server', ip, mac })
  }
  if (found.length > 0 && !allowed) throw otherServersError(interfaceName, found)
}

export const otherServersError = (interfaceName: string, others: readonly Ipv4[]): AppError => new AppError('other_dhcp_server',
  `another DHCP server answers on ${interfaceName} (${others.map(formatIpv4).join(', ')}): turn it off, set dhcp.mode: proxy to work beside it, or set dhcp.allow_other_servers: true`)

function serverOf (data: Buffer, xid: number): Ipv4 | undefined {
  try {
    const packet = decodePacket(data)
    return packet.op === op.bootReply && packet.xid === xid ? packet.options.serverIdentifier : undefined
  } catch (error) {
    if (error instanceof DecodeError) return undefined
    throw error
  }
}

const message = (xid: number, mac: Mac, flags: number, ciaddr: Ipv4, options: Options): DhcpPacket => ({
  op: op.bootRequest, htype: ethernet, hops: 0, xid, secs: 0, flags, ciaddr, yiaddr: 0, siaddr: 0, giaddr: 0, chaddr: macToBytes(mac), sname: '', file: '', options
})

const discover = (xid: number, mac: Mac): DhcpPacket =>
  message(xid, mac, broadcastFlag, 0, { dhcpMessageType: 'DISCOVER', parameterRequestList: [1, 3, 6] })

const inform = (xid: number, mac: Mac, own: Ipv4): DhcpPacket =>
  message(xid, mac, 0, own, { dhcpMessageType: 'INFORM', parameterRequestList: [1] })
