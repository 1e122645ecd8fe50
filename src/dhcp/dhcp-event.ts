// What the DHCP and ProxyDHCP servers tell of their work, for metrics and for the machines' timelines.
import type { Ipv4 } from '../net/ipv4.js'
import type { Mac } from '../net/mac.js'
import type { ClientInfo } from './client-info.js'
import type { DhcpPacket } from './packet.js'
import type { ProxyDropReason } from './proxy-decision.js'
import type { DropReason } from './server-decision.js'

/** Why a message was not answered: it broke a rule of its protocol, or a limit of ours. */
export type AnyDropReason = DropReason | ProxyDropReason | 'malformed' | 'unsaved' | 'unsent' | 'lease_refused' | 'rate_limited' | 'failed' | 'overload'

export type DhcpEvent =
  | { readonly kind: 'received', readonly type: string, readonly client: ClientInfo, readonly packet: DhcpPacket }
  | { readonly kind: 'sent', readonly type: string, readonly client: ClientInfo, readonly ip: Ipv4, readonly packet: DhcpPacket, readonly bootFile: string | undefined }
  | { readonly kind: 'dropped', readonly reason: AnyDropReason, readonly detail: string, readonly mac?: Mac, readonly count?: number }
  /**
   * Another DHCP server answered at start, or a machine took its offer. `news`: for somebody to be told of, as it is once in ten minutes
   * where there should be none.
   */
  | { readonly kind: 'other_server', readonly ip: Ipv4, readonly mac: Mac, readonly news: boolean }
  /** ProxyDHCP offers to this machine lead nowhere: its own DHCP server has to name next-server and the boot file. */
  | { readonly kind: 'proxy_offer_ignored', readonly mac: Mac, readonly nextServer: Ipv4, readonly bootFile: string }
  /** An option of a request that could not be read and was left out. */
  | { readonly kind: 'odd_option', readonly code: number, readonly why: string, readonly mac: Mac }
  /** Options that did not fit into a reply. */
  | { readonly kind: 'options_left_out', readonly count: number, readonly mac: Mac }
  | { readonly kind: 'lease', readonly change: 'released' | 'declined' | 'offer_refused' | 'conflict' | 'ended' | 'refused', readonly mac: Mac, readonly ip: Ipv4 }

/** Whose event it is; undefined of a packet that says nothing of its sender. */
export const machineOf = (event: DhcpEvent): Mac | undefined => 'client' in event ? event.client.mac : event.mac

/** Whether it may be told later: a machine with an offer has no address yet, by which anything else would know it. */
export const isBeforeLease = (event: DhcpEvent): boolean =>
  (event.kind === 'received' && event.type === 'DISCOVER') || (event.kind === 'sent' && event.type === 'OFFER')

/** Whether the machine with this address asks itself, as doctor does to see whether it is answered: it is none that boots. */
export const isOwnQuestion = (event: DhcpEvent, own: Mac | undefined): boolean =>
  event.kind !== 'other_server' && own !== undefined && machineOf(event) === own
