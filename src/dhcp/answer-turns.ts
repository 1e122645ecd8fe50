// Several servers of one store hear each message for no server in particular: whose turn is not the first waits whether the first one
// answers (as RFC 3074 section 6 has a secondary server do by `secs`), and answers when it does not.
import type { Clock, Timer } from '../base/clock.js'
import type { Mac } from '../net/mac.js'
import type { ClientMessage } from './client-info.js'
import type { LeaseTable } from './leases.js'

export interface AnswerTurnsOptions {
  /** Milliseconds to leave to other servers, by the machine and the seconds that it says it has been asking; without it none. */
  readonly turn: ((mac: Mac, secs: number) => number) | undefined
  readonly table: LeaseTable
  readonly clock: Clock
}

/** Machines whose messages wait at once; further ones are answered without. */
const mostWaiting = 2048

export class AnswerTurns {
  readonly #options: AnswerTurnsOptions
  readonly #waiting = new Map<Mac, Timer>()

  constructor (options: AnswerTurnsOptions) { this.#options = options }

  /** Calls `answer` now or when the others had their time, or `leave` when one of them took it. A newer message replaces the older one. */
  take (asked: ClientMessage, answer: (waited: boolean) => void, leave: () => void): void {
    const { turn, clock, table } = this.#options
    const { request: { secs, options: { dhcpMessageType, serverIdentifier } }, client: { mac } } = asked
    this.#waiting.get(mac)?.cancel()
    this.#waiting.delete(mac)
    const isForAll = dhcpMessageType === 'DISCOVER' || (dhcpMessageType === 'REQUEST' && serverIdentifier === undefined)
    const delay = isForAll ? turn?.(mac, secs) ?? 0 : 0
    if (delay === 0 || this.#waiting.size >= mostWaiting) {
      answer(false)
      return
    }
    const [before] = table.ofMac(mac)
    this.#waiting.set(mac, clock.after(delay, () => {
      this.#waiting.delete(mac)
      // What was written meanwhile another one wrote, who answered.
      if (table.ofMac(mac)[0] === before) answer(true)
      else leave()
    }))
  }

  close (): void { for (const timer of this.#waiting.values()) timer.cancel() }
}
