// What a server of DHCP is given, whichever way it answers: with addresses, or as a proxy.
import type { Ipv4 } from '../net/ipv4.js'
import type { Mac } from '../net/mac.js'
import type { BindOptions, UdpNetwork } from '../net/udp.js'
import type { MessageExchangeOptions } from './message-exchange.js'

/** A function opens the socket when it is bound. */
export type Bind = BindOptions | (() => BindOptions)

export const bindOptions = (bind: Bind): BindOptions => typeof bind === 'function' ? bind() : bind

export interface AnsweringOptions extends MessageExchangeOptions {
  readonly network: UdpNetwork
  /** This service's address on the network it serves: server identifier and next server, where the boot files are. */
  readonly server: Ipv4
  /** Whether the first loader led the machine nowhere; without it every machine gets the first one for its firmware. */
  readonly usesOtherLoader?: (mac: Mac) => boolean
  /** Milliseconds of a clock that nobody sets, to see when more arrives than can be answered; without it nothing ever waits. */
  readonly steady?: () => number
}
