// A made-up network with one server socket on it, for the DHCP server: what it sends is kept, and can be awaited.
import { AppError } from '../../src/base/errors.js'
import { decodePacket, type DhcpPacket, encodePacket } from '../../src/dhcp/packet.js'
import type { Endpoint, OnDatagram } from '../../src/net/endpoint.js'
import type { BindOptions, UdpNetwork, UdpSocket } from '../../src/net/udp.js'

export interface Sent { readonly packet: DhcpPacket, readonly data: Buffer, readonly to: Endpoint, readonly port: number }

export class DhcpWire implements UdpNetwork {
  readonly sent: Sent[] = []
  readonly #listeners = new Map<number, OnDatagram>()
  readonly #waiting: Array<(sent: Sent) => void> = []
  #taken = 0

  /** As the kernel does it, a port is free a turn after its socket is told to close. */
  bind = async (options: BindOptions, onDatagram: OnDatagram): Promise<UdpSocket> => {
    if (this.#listeners.has(options.port)) throw new AppError('address_in_use', `port ${options.port} is taken`)
    this.#listeners.set(options.port, onDatagram)
    return {
      local: { address: options.address, port: options.port },
      send: (data, to, sent) => {
        const bytes = Buffer.from(data)
        this.#keep({ packet: decodePacket(bytes), data: bytes, to, port: options.port })
        sent?.(null)
      },
      close: async () => {
        await new Promise(resolve => { setImmediate(resolve) })
        this.#listeners.delete(options.port)
      }
    }
  }

  get listening (): number { return this.#listeners.size }

  /** Puts a message on the wire, as from a client on the server's own network. */
  receive (message: DhcpPacket | Buffer, port = 67, from: Endpoint = { address: '0.0.0.0', port: 68 }): void {
    this.#listeners.get(port)?.(Buffer.isBuffer(message) ? message : encodePacket(message), from)
  }

  /** The oldest reply not taken yet, when it has been sent. */
  async next (): Promise<Sent> {
    const ready = this.sent[this.#taken++]
    return ready ?? await new Promise(resolve => { this.#waiting.push(resolve) })
  }

  /** Sends a request and gives the reply to it: the next one with its xid and hardware address. */
  async ask (message: DhcpPacket | Buffer, port?: number): Promise<DhcpPacket> {
    const { xid, chaddr } = Buffer.isBuffer(message) ? decodePacket(message) : message
    this.#taken = this.sent.length
    this.receive(message, port)
    for (;;) {
      const { packet } = await this.next()
      if (packet.xid === xid && packet.chaddr.equals(chaddr)) return packet
    }
  }

  /** Forgets what was sent. */
  clear (): void {
    this.sent.length = 0
    this.#taken = 0
  }

  #keep (sent: Sent): void {
    this.sent.push(sent)
    this.#waiting.shift()?.(sent)
  }
}
