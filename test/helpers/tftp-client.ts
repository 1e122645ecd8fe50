// A TFTP client for tests, over any UdpNetwork: it follows the RFCs closely (one window, one ACK; a gap is acknowledged
// once; a foreign port is told ERROR 5; its last packet goes out again after a silence) and reports what it saw.
import type { Clock, Timer } from '../../src/base/clock.js'
import type { Endpoint } from '../../src/net/endpoint.js'
import type { UdpNetwork, UdpSocket } from '../../src/net/udp.js'
import { decodePacket, encodePacket, type ErrorPacket, type TftpOption, type Packet } from '../../src/tftp/packet.js'

export interface ReadOptions {
  readonly server: Endpoint
  readonly file: string
  readonly mode?: string
  readonly options?: readonly TftpOption[]
  readonly clock: Clock
  /** The local address; 0.0.0.0 by default. */
  readonly address?: string
  readonly port?: number
  /** Seconds of silence after which the last packet is sent again. */
  readonly patience?: number
  /** How often it is sent again at most. */
  readonly tries?: number
  /** Every ACK goes out twice. */
  readonly stutter?: boolean
}

export interface ReadResult {
  readonly content: Buffer
  readonly oack: readonly TftpOption[]
  /** DATA packets that came, repeated ones too. */
  readonly dataPackets: number
  /** Where the answers came from. */
  readonly peer: Endpoint
}

export class TftpError extends Error {
  readonly code: number

  constructor ({ code, message }: Pick<ErrorPacket, 'code' | 'message'>) {
    super(message)
    this.code = code
  }
}

class Reader {
  readonly #options: ReadOptions
  readonly #resolve: (result: ReadResult) => void
  readonly #reject: (error: Error) => void
  readonly #parts: Buffer[] = []
  #socket: UdpSocket | undefined
  #peer: Endpoint | undefined
  #oack: readonly TftpOption[] = []
  #blksize = 512
  #windowsize = 1
  #received = 0
  #acknowledged = 0
  #gapTold = -1
  #dataPackets = 0
  #last: Buffer = Buffer.alloc(0)
  #tries = 0
  #timer: Timer | undefined

  constructor (options: ReadOptions, resolve: (result: ReadResult) => void, reject: (error: Error) => void) {
    this.#options = options
    this.#resolve = resolve
    this.#reject = reject
  }

  async start (network: UdpNetwork): Promise<void> {
    const { address = '0.0.0.0', port = 0, file, mode = 'octet', options = [] } = this.#options
    const onDatagram = (data: Buffer, from: Endpoint): void => { this.#receive(decodePacket(data), from) }
    this.#socket = await network.bind({ address, port, receiveBuffer: 1 << 20 }, onDatagram)
    this.#send(encodePacket({ opcode: 'RRQ', filename: file, mode, options }))
  }

  #receive (packet: Packet, from: Endpoint): void {
    if (this.#timer === undefined) return
    if (this.#peer !== undefined && (from.port !== this.#peer.port || from.address !== this.#peer.address)) {
      if (packet.opcode !== 'ERROR') this.#socket?.send(encodePacket({ opcode: 'ERROR', code: 5, message: 'unknown transfer' }), from)
      return
    }
    // What was meant for a client that had this port before: no answer to a request is a later block, or says that its port is unknown.
    if (this.#peer === undefined && ((packet.opcode === 'DATA' && packet.block !== 1) || (packet.opcode === 'ERROR' && packet.code === 5))) return
    this.#peer ??= from
    if (packet.opcode === 'ERROR') this.#end(new TftpError(packet))
    else if (packet.opcode === 'OACK') this.#onOack(packet.options)
    else if (packet.opcode === 'DATA') this.#onData(packet.block, packet.payload)
  }

  #onOack (options: readonly TftpOption[]): void {
    if (this.#received > 0) return
    const values = new Map(options.map(([name, value]) => [name.toLowerCase(), Number(value)]))
    this.#oack = options
    this.#blksize = values.get('blksize') ?? 512
    this.#windowsize = values.get('windowsize') ?? 1
    this.#acknowledge()
  }

  #onData (block: number, payload: Buffer): void {
    this.#dataPackets++
    const ahead = block - this.#received & 0xffff
    if (ahead !== 1) {
      // RFC 7440 section 4: a gap is answered with the last block in order, once. The end of a window that comes again
      // is answered again: the ACK for it may have been lost.
      if (ahead === 0 ? this.#received === this.#acknowledged : ahead < 0x8000 && this.#gapTold !== this.#received) {
        this.#gapTold = this.#received
        this.#acknowledge()
      }
      return
    }
    this.#received++
    this.#parts.push(Buffer.from(payload))
    if (payload.length < this.#blksize) {
      this.#acknowledge()
      this.#end()
    } else if (this.#received - this.#acknowledged >= this.#windowsize) this.#acknowledge()
    else this.#arm()
  }

  #acknowledge (): void {
    this.#acknowledged = this.#received
    const ack = encodePacket({ opcode: 'ACK', block: this.#received & 0xffff })
    this.#send(ack)
    if (this.#options.stutter === true) this.#socket?.send(ack, this.#peer!)
  }

  #send (packet: Buffer): void {
    this.#last = packet
    this.#tries = 0
    this.#socket?.send(packet, this.#peer ?? this.#options.server)
    this.#arm()
  }

  #arm (): void {
    this.#timer?.cancel()
    this.#timer = this.#options.clock.after((this.#options.patience ?? 3) * 1000, () => {
      if (++this.#tries > (this.#options.tries ?? 10)) return this.#end(new Error(`no answer after block ${this.#received}`))
      this.#socket?.send(this.#last, this.#peer ?? this.#options.server)
      this.#arm()
    })
  }

  #end (error?: Error): void {
    this.#timer?.cancel()
    this.#timer = undefined
    void this.#socket?.close()
    if (error !== undefined) this.#reject(error)
    else this.#resolve({ content: Buffer.concat(this.#parts), oack: this.#oack, dataPackets: this.#dataPackets, peer: this.#peer! })
  }
}

/** Reads a file. Rejects with TftpError when the server says ERROR. */
export const readFile = (network: UdpNetwork, options: ReadOptions): Promise<ReadResult> => new Promise((resolve, reject) => {
  new Reader(options, resolve, reject).start(network).catch(reject)
})
