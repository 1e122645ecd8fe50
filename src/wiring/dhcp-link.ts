// What is told of an interface that DHCP is answered on: to its home, to the observer, and as metrics.
import { type DhcpEvent, isBeforeLease, isOwnQuestion, machineOf } from '../dhcp/dhcp-event.js'
import type { Home } from '../dhcp/homes.js'
import { hindranceOf } from '../dhcp/link-watch.js'
import type { MessageExchangeOptions } from '../dhcp/message-exchange.js'
import { formatIpv4, unspecified } from '../net/ipv4.js'
import type { RunningParts } from './running-parts.js'

const refusalHint = 'a firewall of this machine may drop what leaves by 67/udp: nft list ruleset, iptables -S OUTPUT'

type KernelParts = Pick<RunningParts, 'arp' | 'log' | 'refusals'>
type OfKernel = Required<Pick<MessageExchangeOptions, 'neighbour' | 'onRefused'>>

/** What an exchange on the interface asks of the kernel, and what it says of it: who gets no answer is told in /readyz and in the log. */
export function kernelOn ({ arp, log, refusals }: KernelParts, { interface: at }: Home): OfKernel {
  const name = at?.name ?? ''
  // An exchange that begins knows nothing of what was refused to the one before, and would not take it back.
  refusals.delete(name)
  return {
    neighbour: arp.find,
    onRefused: why => {
      if (why === undefined) {
        refusals.delete(name)
        log.info({ interface: name }, 'dhcp.taken')
      } else {
        refusals.set(name, `dhcp: ${name}: the kernel took no answer when one was sent last (${why}): ${refusalHint}`)
        log.warn({ interface: name, error: why, hint: refusalHint }, 'dhcp.refused')
      }
    }
  }
}

/** What is told of that now: of an interface that is not there it is told that it is not. */
export const refusedNow = ({ refusals, hindrances }: Pick<RunningParts, 'refusals' | 'hindrances'>): readonly string[] =>
  [...refusals].flatMap(([name, text]) => hindrances.has(hindranceOf(name)) ? [] : [text])

type TellingParts = Pick<RunningParts, 'clock' | 'homes' | 'observer' | 'toldLater'>

/** Has the home remember whom it gave an address, and the observer hear of everything but what this machine asks itself from there. */
export const tellHome = ({ homes, observer, clock, toldLater }: TellingParts, home: Home) => (event: DhcpEvent): void => {
  if (isOwnQuestion(event, home.mac)) return
  if (event.kind === 'sent' && event.ip !== unspecified) homes.answered(event.ip, home)
  const [mac, at] = [machineOf(event), clock.now()]
  if (mac !== undefined && isBeforeLease(event)) toldLater.later(mac, () => { observer.onDhcp(event, at) })
  else {
    if (mac !== undefined) toldLater.now(mac)
    observer.onDhcp(event, at)
  }
}

/** The sockets of an interface hear on all addresses: which one machines see is known here. */
export const packetsOn = ({ packets }: Pick<RunningParts, 'packets'>, home: Home): Partial<Pick<MessageExchangeOptions, 'onPacket'>> =>
  packets === undefined ? {} : { onPacket: datagram => { packets.onDhcp(datagram, formatIpv4(home.own ?? unspecified)) } }

export function countLinks ({ metrics, homes, hindrances, links }: Pick<RunningParts, 'metrics' | 'homes' | 'hindrances' | 'links'>): void {
  const names = homes.all.flatMap(({ interface: at }) => at === undefined ? [] : [at.name])
  metrics.gauges('dhcp_interface_up', 'Whether machines on an interface that DHCP is answered on are heard', 'interface',
    () => names.map(name => [name, hindrances.has(hindranceOf(name)) ? 0 : 1]))
  metrics.gauge('dhcp_messages_waiting', 'DHCP messages that wait to be decided on', () => [...links].reduce((sum, { waiting }) => sum + waiting, 0))
}

/** Whether messages wait to be decided on. */
export function isBehind (links: RunningParts['links']): boolean {
  for (const { waiting } of links) if (waiting > 0) return true
  return false
}
