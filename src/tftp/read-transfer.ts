// One read as a state machine: RFC 1350 section 2 and 4 (lock step, retransmission), RFC 2347 (OACK and its ACK 0),
// RFC 7440 section 4 (windows). It takes events and returns effects; sockets, files and time are its caller's.
//
// Blocks are counted from 1 without end here; on the wire the number wraps from 65535 to 0.
import type { Terms } from './negotiate.js'
import { dataHeaderLength, encodePacket, errorCodes } from './packet.js'

export type TransferEvent =
  | { readonly type: 'ack', readonly block: number }
  | { readonly type: 'error', readonly code: number, readonly message: string }
  /** The time that the last `timer` effect named is over. */
  | { readonly type: 'timer' }
  /** The answer to `read`: the DATA packets that come next, as many as asked unless the last of them ends the file; none behind its end. */
  | { readonly type: 'blocks', readonly packets: readonly Buffer[] }
  | { readonly type: 'readFailed', readonly message: string }
  /** The same client asked again from the same port: it has finished with this transfer, or given it up. */
  | { readonly type: 'replaced' }
  /** Its place is another transfer's. */
  | { readonly type: 'gaveWay' }

export type FailReason =
  /** The client asked for the size and then said ERROR, as edk2 and VMware do before the real read. */
  | 'probe'
  | 'aborted'
  /** The client never answered at all. */
  | 'vanished'
  | 'timeout'
  | 'unreadable'

export type TransferEffect =
  | { readonly type: 'send', readonly packets: readonly Buffer[] }
  /**
   * Wants the next `count` blocks of the file; answered once by `blocks` or `readFailed`. Blocks are never asked for twice.
   * `over`: none that came before is held any more.
   */
  | { readonly type: 'read', readonly count: number, readonly over: boolean }
  /** Replaces the timer set before. */
  | { readonly type: 'timer', readonly milliseconds: number }
  /** `confirmed`: the last ACK came. When just that one stays out the client has the file all the same. */
  | { readonly type: 'done', readonly confirmed: boolean }
  | { readonly type: 'fail', readonly reason: FailReason, readonly message: string }

/** How far a client is: the blocks it has confirmed, and how many of the next it was sent. */
export interface TransferProgress {
  readonly confirmed: number
  readonly sent: number
}

/**
 * Milliseconds to wait after each sending, the first and five more: 31 s until a client that vanished is given up.
 * The pauses outgrow the 5 s after which atftp and tftp-hpa send their lost ACK again: atftp passes over DATA that comes
 * repeatedly and counts its 5 s from the last of it, so that a server with shorter pauses never hears from it.
 */
const patience: readonly number[] = [1000, 2000, 4000, 8000, 8000, 8000]
/** A client may choose the pause (RFC 2349: up to 255 s), but not hold a transfer longer than this without a word. */
const longestSilence = 60_000

function waits (timeout: number | undefined): readonly number[] {
  if (timeout === undefined) return patience
  // Twice at least, since one packet may be lost: sooner than a client that asked for minutes expects, which does no harm.
  const pause = Math.min(timeout * 1000, longestSilence / 2)
  return patience.map(() => pause).slice(0, Math.floor(longestSilence / pause))
}

export class ReadTransfer {
  readonly #terms: Terms
  readonly #waits: readonly number[]
  readonly #oack: Buffer | undefined
  #phase: 'oack' | 'data' | 'over'
  /** How many blocks the client has confirmed. */
  #acknowledged = 0
  /** The blocks after those that were sent, oldest first: what a timeout or an ACK inside the window sends again. */
  #window: Buffer[] = []
  #left: TransferProgress | undefined
  #mayReturn = false
  #reading = false
  #fileEnded = false
  #heard = false
  #waited = 0
  #resent = 0

  /** `confirmed`: blocks that the client has from a transfer before, which this one continues: it has been answered then. */
  constructor (terms: Terms, confirmed?: number) {
    this.#terms = terms
    this.#waits = waits(terms.timeout)
    const answers = confirmed === undefined && terms.answer.length > 0
    this.#oack = answers ? encodePacket({ opcode: 'OACK', options: terms.answer }) : undefined
    this.#phase = this.#oack === undefined ? 'data' : 'oack'
    this.#acknowledged = confirmed ?? 0
    this.#heard = confirmed !== undefined
  }

  /** Packets sent more than once. */
  get resent (): number { return this.#resent }

  /** Blocks the client has confirmed. */
  get acknowledged (): number { return this.#acknowledged }

  /** As it is, or was when the transfer was over. */
  get progress (): TransferProgress { return this.#left ?? { confirmed: this.#acknowledged, sent: this.#window.length } }

  /** It is over, but its client was not told and has said nothing that ends it: who is only late goes on where it stood. */
  get mayReturn (): boolean { return this.#mayReturn }

  /** Whether the client ever answered: until then anybody may have asked in its name. */
  get heard (): boolean { return this.#heard }

  /** Whether the client is overdue with an answer. */
  get silent (): boolean { return this.#waited > 0 }

  /**
   * Whether the same request once more means that the client began anew: it had answered and has been silent since, or
   * only its last ACKs are due and may come behind the new request. Before its first answer it is the request repeated,
   * by the network or by a client that misses our answer; a second transfer would fight the first over that client.
   */
  get restartable (): boolean { return this.#heard && (this.#waited > 0 || this.#finishing) }

  /** All is sent to a client that has been answering. */
  get #finishing (): boolean { return this.#fileEnded && this.#heard }

  start (): TransferEffect[] {
    return this.#oack === undefined ? [...this.#readMore(), this.#timer()] : [{ type: 'send', packets: [this.#oack] }, this.#timer()]
  }

  handle (event: TransferEvent): TransferEffect[] {
    if (this.#phase === 'over') return []
    switch (event.type) {
      case 'ack': return this.#onAck(event.block)
      case 'blocks': return this.#onBlocks(event.packets)
      case 'timer': return this.#onTimer()
      case 'error': return this.#fail(this.#terms.tsizeAsked && this.#acknowledged === 0 ? 'probe' : 'aborted', event.message, event.code)
      case 'readFailed': return [
        { type: 'send', packets: [encodePacket({ opcode: 'ERROR', code: errorCodes.notDefined, message: event.message })] },
        ...this.#fail('unreadable', event.message)
      ]
      case 'gaveWay': return this.#leave(this.#fail('vanished', 'it gave way to another transfer'))
      case 'replaced': return this.#onReplaced()
    }
  }

  /** It may be the request repeated, and read late: the client goes on here then. Its last ACK may come behind a new request, though. */
  #onReplaced (): TransferEffect[] {
    if (!this.#finishing) return this.#leave(this.#fail('aborted', 'the client asked anew'))
    const { confirmed, sent } = this.progress
    const effects = this.#over({ type: 'done', confirmed: false })
    this.#left = { confirmed, sent: sent - 1 }
    return this.#leave(effects)
  }

  #leave (effects: TransferEffect[]): TransferEffect[] {
    this.#mayReturn = true
    return effects
  }

  #onAck (block: number): TransferEffect[] {
    this.#heard = true
    const advance = block - this.#acknowledged & 0xffff
    if (this.#phase === 'oack') {
      if (advance !== 0) return []
      this.#phase = 'data'
    } else if (advance === 0 || advance > this.#window.length) {
      // A repeated ACK never triggers DATA, or two of each would be under way from then on (the Sorcerer's Apprentice
      // bug, RFC 1123 4.2.3.1). It does show that the client is alive, so that patience starts anew.
      if (advance === 0) this.#waited = 0
      return []
    }
    this.#waited = 0
    this.#acknowledged += advance
    this.#window = this.#window.slice(advance)
    if (this.#fileEnded && this.#window.length === 0) return this.#over({ type: 'done', confirmed: true })
    return [...this.#resend(), ...this.#readMore(), this.#timer()]
  }

  #onBlocks (packets: readonly Buffer[]): TransferEffect[] {
    this.#reading = false
    const last = packets.at(-1)
    this.#fileEnded = last === undefined || last.length - dataHeaderLength < this.#terms.blksize
    this.#window.push(...packets)
    // It goes on behind the end of the file: the client had all, and its last ACK was what was missed.
    if (last === undefined && this.#window.length === 0) return this.#over({ type: 'done', confirmed: true })
    return [{ type: 'send', packets }, this.#timer()]
  }

  #onTimer (): TransferEffect[] {
    this.#waited++
    if (this.#waited < this.#waits.length) return [...this.#resend(), this.#timer()]
    if (!this.#heard) return this.#leave(this.#fail('vanished', 'the client never answered'))
    if (this.#finishing) return this.#over({ type: 'done', confirmed: false })
    return this.#leave(this.#fail('timeout', `no ACK after block ${this.#acknowledged}`))
  }

  #resend (): TransferEffect[] {
    const packets = this.#phase === 'oack' && this.#oack !== undefined ? [this.#oack] : this.#window
    this.#resent += packets.length
    return packets.length === 0 ? [] : [{ type: 'send', packets: [...packets] }]
  }

  #readMore (): TransferEffect[] {
    const count = this.#terms.windowsize - this.#window.length
    if (this.#reading || this.#fileEnded || count <= 0) return []
    this.#reading = true
    return [{ type: 'read', count, over: this.#window.length === 0 }]
  }

  #timer (): TransferEffect { return { type: 'timer', milliseconds: this.#waits[this.#waited]! } }

  #fail (reason: FailReason, message: string, code?: number): TransferEffect[] {
    return this.#over({ type: 'fail', reason, message: code === undefined ? message : `ERROR ${code} ${message}`.trimEnd() })
  }

  #over (effect: TransferEffect): TransferEffect[] {
    this.#left = this.progress
    this.#phase = 'over'
    this.#window = []
    return [effect]
  }
}
