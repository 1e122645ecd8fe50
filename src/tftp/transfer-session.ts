// One transfer at the edge: carries out the effects of its ReadTransfer on a socket, a file and a deadline.
import type { Clock } from '../base/clock.js'
import { messageOf } from '../base/errors.js'
import type { UdpSocket } from '../net/udp.js'
import { bytesOf, DataBlocks } from './data-blocks.js'
import { netascii } from './netascii.js'
import type { Terms } from './negotiate.js'
import type { OpenFile } from '../disk/open-file.js'
import type { Endpoint } from '../net/endpoint.js'
import { encodePacket, errorCodes, type Packet } from './packet.js'
import { ReadTransfer, type TransferProgress, type TransferEffect, type TransferEvent } from './read-transfer.js'
import type { TransferFacts } from './tftp-event.js'

export type Ending = Extract<TransferEffect, { readonly type: 'done' | 'fail' }>

export interface SessionOptions {
  /** The normalised name. */
  readonly name: string
  readonly mode: 'octet' | 'netascii'
  readonly client: Endpoint
  readonly file: OpenFile
  readonly terms: Terms
  readonly socket: Pick<UdpSocket, 'send' | 'sendAll'>
  readonly clock: Clock
  /** Blocks that the client has from a transfer before, which this one continues; none of netascii, whose blocks begin anywhere. */
  readonly confirmed?: number
  /** Called for each packet that the kernel refuses to send. */
  readonly onRefused?: (error: Error) => void
  /** Called once. */
  readonly onEnd: (ending: Ending) => void
}

/** A client that confirms a block now and then, for ever, does not hold its place for longer than this. */
const longestTransfer = 2 * 3600_000

/** Milliseconds: what a client may choose as its pause at most (read-transfer.ts), and a little more. */
const longestPause = 31_000

/** Milliseconds without a further block confirmed, after which a transfer has stalled, whatever pause its client chose (of up to 255 s). */
export const stalledAfter = 1000

export class TransferSession {
  readonly #options: SessionOptions
  readonly #transfer: ReadTransfer
  readonly #blocks: DataBlocks
  readonly #started: number
  #deadline = Infinity
  /** When a block was last confirmed that had not been, and how many were then. */
  #moved: number
  #confirmed: number
  #over = false
  #answered = false

  constructor (options: SessionOptions) {
    const { confirmed, file, mode, terms: { blksize } } = options
    this.#options = options
    this.#transfer = new ReadTransfer(options.terms, confirmed)
    this.#confirmed = confirmed ?? 0
    const bytes = bytesOf(file, this.#confirmed * blksize)
    this.#blocks = new DataBlocks(mode === 'netascii' ? netascii(bytes) : bytes, blksize, this.#confirmed)
    this.#moved = this.#started = options.clock.now()
  }

  /** Epoch milliseconds. */
  get started (): number { return this.#started }
  get heard (): boolean { return this.#transfer.heard }
  /** Whether the client is overdue, or says nothing that gets it on. */
  get stalled (): boolean { return this.#transfer.silent || Math.abs(this.#options.clock.now() - this.#moved) >= stalledAfter }
  get progress (): TransferProgress { return this.#transfer.progress }
  /** Whether the client has acknowledged anything here; `heard` is also who has done so before, in a transfer that this one continues. */
  get answered (): boolean { return this.#answered }
  get mayReturn (): boolean { return this.#transfer.mayReturn }
  get restartable (): boolean { return this.#transfer.restartable }

  get facts (): TransferFacts {
    const { name, file, terms, clock } = this.#options
    return {
      file: name,
      path: file.path,
      bytes: Math.min(this.#transfer.acknowledged * terms.blksize, file.size),
      ms: clock.now() - this.#started,
      blksize: terms.blksize,
      windowsize: terms.windowsize,
      resent: this.#transfer.resent
    }
  }

  start (): void { this.#carryOut(this.#transfer.start()) }

  /** A packet from the client. DATA, OACK and requests mean nothing here and are passed over. */
  receive (packet: Packet): void {
    if (packet.opcode === 'ACK') {
      this.#answered = true
      const now = this.#options.clock.now()
      this.#handle({ type: 'ack', block: packet.block }, now)
      if (this.#transfer.acknowledged <= this.#confirmed) return
      this.#confirmed = this.#transfer.acknowledged
      this.#moved = now
    } else if (packet.opcode === 'ERROR') this.#handle({ type: 'error', code: packet.code, message: packet.message })
  }

  /** Looks at the clock: to be called a few times a second. */
  tick (now: number): void {
    // No pause is longer; a clock that was set back would make it last for years.
    if (this.#deadline !== Infinity) this.#deadline = Math.min(this.#deadline, now + longestPause)
    if (now >= this.#deadline) this.#handle({ type: 'timer' }, now)
    else if (now - this.#started > longestTransfer) this.stop('the transfer took too long')
  }

  /** The client has asked for something else from the same port. */
  replace (): void { this.#handle({ type: 'replaced' }) }

  /** Leaves its place to somebody else's transfer, without a word: who never answered may never have asked, and who did may go on later. */
  giveWay (): void { this.#carryOut(this.#transfer.handle({ type: 'gaveWay' })) }

  /** Ends the transfer and tells the client why. */
  stop (message: string): void {
    if (this.#over) return
    this.#send([encodePacket({ opcode: 'ERROR', code: errorCodes.notDefined, message })])
    this.#end({ type: 'fail', reason: 'timeout', message })
  }

  #handle (event: TransferEvent, now?: number): void { this.#carryOut(this.#transfer.handle(event), now) }

  #carryOut (effects: readonly TransferEffect[], now = this.#options.clock.now()): void {
    for (const effect of effects) {
      switch (effect.type) {
        case 'send': this.#send(effect.packets); break
        case 'read': this.#read(effect.count, effect.over, now); break
        case 'timer': this.#deadline = now + effect.milliseconds; break
        default: this.#end(effect)
      }
    }
  }

  #send (packets: readonly Buffer[]): void {
    const { socket, client, onRefused } = this.#options
    if (socket.sendAll !== undefined) socket.sendAll(packets, client, onRefused)
    else for (const packet of packets) socket.send(packet, client, error => { if (error !== null) onRefused?.(error) })
  }

  #read (count: number, over: boolean, now: number): void {
    const { confirmed = 0, file, socket, terms: { blksize } } = this.#options
    const found = confirmed * blksize > file.size ? [] : this.#blocks.next(count, over && socket.sendAll !== undefined)
    if (!(found instanceof Promise)) this.#handle({ type: 'blocks', packets: found }, now)
    else {
      found.then(
        packets => { if (!this.#over) this.#handle({ type: 'blocks', packets }) },
        (error: unknown) => { if (!this.#over) this.#handle({ type: 'readFailed', message: messageOf(error) }) })
    }
  }

  #end (ending: Ending): void {
    if (this.#over) return
    this.#over = true
    this.#deadline = Infinity
    this.#blocks.close()
    this.#options.onEnd(ending)
  }
}
