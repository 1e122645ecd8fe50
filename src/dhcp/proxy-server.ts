// ProxyDHCP's transport: port 67, where DISCOVERs are heard beside the network's own DHCP server, and port 4011, the boot server.
//
// The other DHCP server has to run on another machine, or on other interfaces: a second socket on port 67 would hear only some
// of the packets, so the port is taken alone, and starting beside one on this machine fails with "another program listens there".
// There that server itself can name next-server and the boot file (mode off, `doctor` prints the values).
import type { Endpoint } from '../net/endpoint.js'
import { formatIpv4, type Ipv4 } from '../net/ipv4.js'
import type { Mac } from '../net/mac.js'
import type { UdpSocket } from '../net/udp.js'
import { type AnsweringOptions, type Bind, bindOptions } from './answering-options.js'
import type { BootConfig } from './boot-file.js'
import type { ClientMessage } from './client-info.js'
import { Inbox } from './inbox.js'
import { MessageExchange } from './message-exchange.js'
import { handleBootServer, handleProxy, type ProxyContext, type ProxyReply } from './proxy-decision.js'
import { ProxyWatch } from './proxy-watch.js'

export interface ProxyServerOptions extends AnsweringOptions {
  /** Port 67, on one interface (net/device-socket.ts). */
  readonly bind: Bind
  /** Port 4011. */
  readonly bootServerBind: Bind
  /** Addresses that are no other DHCP server's: of all interfaces, and of who shares the work; only `server` without it. */
  readonly ours?: () => readonly Ipv4[]
  readonly boot: BootConfig
  /** The networks of the interface, as they are now. */
  readonly networks?: () => NonNullable<ProxyContext['networks']>
  /** Whether somebody named the machine: it goes before strangers where more arrives than can be answered. */
  readonly isKnown: (mac: Mac) => boolean
  /** Whether it is the interface's own: this machine asks whether it is answered, and takes no offer. */
  readonly isOwn?: (mac: Mac) => boolean
}

export interface ProxyServer {
  /** Puts other boot decisions in force for the next packet. */
  readonly configure: (boot: BootConfig) => void
  /** Listens on other sockets from now on: the interface was made anew, and those before are deaf. */
  readonly rebind: (binds: Pick<ProxyServerOptions, 'bind' | 'bootServerBind'>) => Promise<void>
  /** The interface has another address: what machines are told from the next packet on. */
  readonly moveTo: (server: Ipv4) => void
  /** Messages that wait to be decided on. */
  readonly waiting: number
  /** The machine asked for a file: it took an offer, whether from here or through its own server. */
  readonly fileAsked: (mac: Mac) => void
  readonly close: () => Promise<void>
}

/** Starts to answer on both ports. */
export async function startProxyServer (options: ProxyServerOptions): Promise<ProxyServer> {
  const server = new Server(options)
  await server.listen()
  return server
}

type Handle = typeof handleProxy

/** With what a message was received, and what decides on it. */
interface Port { readonly handle: Handle, socket?: UdpSocket }

class Server implements ProxyServer {
  #options: ProxyServerOptions
  readonly #watch = new ProxyWatch()
  readonly #exchange: MessageExchange
  #boot: BootConfig
  readonly #inbox: Inbox<Port>
  #sockets: readonly UdpSocket[] = []

  constructor (options: ProxyServerOptions) {
    this.#options = options
    this.#boot = options.boot
    this.#exchange = new MessageExchange(options)
    this.#inbox = new Inbox({
      steady: options.steady,
      isKnown: options.isKnown,
      answer: (data, from, { socket, handle }) => {
        if (socket === undefined) return
        this.#exchange.receive(data, from, asked => { this.#answer(asked, from, socket, handle) }, socket.local.port)
      },
      onDropped: count => { this.#exchange.tellOverload(count) }
    })
  }

  async listen (): Promise<void> {
    const { network, bind, bootServerBind } = this.#options
    for (const [where, handle] of [[bind, handleProxy], [bootServerBind, handleBootServer]] as const) {
      try {
        const port: Port = { handle }
        port.socket = await network.bind(bindOptions(where), (data, from) => { this.#inbox.receive(data, from, port, port.socket) })
        this.#sockets = [...this.#sockets, port.socket]
      } catch (error) {
        await this.close()
        throw error
      }
    }
  }

  async rebind (binds: Pick<ProxyServerOptions, 'bind' | 'bootServerBind'>): Promise<void> {
    await this.close()
    this.#sockets = []
    this.#options = { ...this.#options, ...binds }
    await this.listen()
  }

  moveTo (server: Ipv4): void { this.#options = { ...this.#options, server } }
  get waiting (): number { return this.#inbox.waiting }
  configure (boot: BootConfig): void { this.#boot = boot }
  fileAsked (mac: Mac): void { this.#watch.progressed(mac) }
  async close (): Promise<void> { await Promise.all(this.#sockets.map(async socket => { await socket.close() })) }

  #answer (asked: ClientMessage, from: Endpoint, socket: UdpSocket, handle: Handle): void {
    this.#watchOthers(asked)
    const outcome = handle(asked, this.#context())
    if (outcome.kind === 'reply') this.#send(outcome, asked, from, socket)
    else this.#exchange.drop(outcome.reason, outcome.detail ?? '', asked)
  }

  /** A machine that takes the offer of the network's own DHCP server says so to all. */
  #watchOthers ({ request: { options: { dhcpMessageType, serverIdentifier: ip } }, client: { mac } }: ClientMessage): void {
    const { onEvent, server, ours } = this.#options
    if (dhcpMessageType !== 'REQUEST' || ip === undefined || ip === server || ours?.().includes(ip) === true) return
    onEvent({ kind: 'other_server', ip, mac, news: false })
  }

  #context (): ProxyContext {
    const { server, usesOtherLoader, networks } = this.#options
    return {
      server,
      boot: this.#boot,
      ...usesOtherLoader !== undefined && { usesOtherLoader },
      ...networks !== undefined && { networks: networks() }
    }
  }

  #send ({ reply, to, bootFile }: ProxyReply, asked: ClientMessage, from: Endpoint, socket: UdpSocket): void {
    const { clock, log, onEvent, server, isOwn } = this.#options
    const offers = reply.options.dhcpMessageType === 'OFFER'
    const where = to === undefined ? from : { address: formatIpv4(to.ip), port: to.port }
    if (!this.#exchange.send(socket, { reply, to: where, bootFile, name: offers ? 'dhcp.proxy_offer' : 'dhcp.boot_server' }, asked)) return
    const { mac } = asked.client
    if (!offers) {
      this.#watch.progressed(mac)
    } else if (isOwn?.(mac) !== true && this.#watch.offered(mac, clock.now())) {
      const values = { 'next-server': formatIpv4(server), filename: bootFile }
      log.warn({ mac, ...values, hint: 'this machine ignores ProxyDHCP offers; set these values on the DHCP server of its network' }, 'dhcp.proxy_offer_ignored')
      onEvent({ kind: 'proxy_offer_ignored', mac, nextServer: server, bootFile })
    }
  }
}
