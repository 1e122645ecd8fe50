// Between the sockets and the decisions: datagrams are answered as they come, until more arrives than can be answered. Then
// they wait (backlog.ts), so many milliseconds of a turn of the event loop go into answers, and the kernel's queue is emptied.
import type { Endpoint } from '../net/endpoint.js'
import { macFromBytes, type Mac } from '../net/mac.js'
import type { UdpSocket } from '../net/udp.js'
import { Backlog, isDiscover } from './backlog.js'

/**
 * Milliseconds of a turn that go into answers, before what has arrived meanwhile is read: unread it waits in the kernel, which
 * drops the newest, whoever sent it. Where the kernel gave all that it gives in a turn there is more, and reading goes first.
 * Machines that somebody named do not wait for strangers' turns.
 */
const budget = 4
const budgetWhenFlooded = 1
const budgetOfKnown = 10
/** And they have this part of the time that all else took since their last answers (in a storm 200 ms), up to `longestOfKnown`. */
const shareOfKnown = 1 / 2
const longestOfKnown = 100
const budgetOfReading = 15
/** libuv reads so many datagrams in a turn. */
const readInOneTurn = 32

/** Where a message has its hardware address. */
const chaddrOffset = 28

export interface InboxOptions<Via> {
  /** Milliseconds of a clock that nobody sets, to see when more arrives than can be answered; without it nothing ever waits. */
  readonly steady: (() => number) | undefined
  /** Whether somebody named the machine: what strangers send in numbers does not stand before it. */
  readonly isKnown: (mac: Mac) => boolean
  /** `via` is what it was received with. */
  readonly answer: (data: Buffer, from: Endpoint, via: Via) => void
  readonly onDropped: (count: number) => void
}

export class Inbox<Via> {
  readonly #options: InboxOptions<Via>
  readonly #backlog = new Backlog<readonly [data: Buffer, from: Endpoint, via: Via]>()
  /** Sockets on which something came in this turn, and how much. */
  readonly #arrived = new Map<UdpSocket, number>()
  /** When the answers of this turn began; undefined before the first. */
  #turnBegan: number | undefined
  /** When answers in a turn ended last, while something waits. */
  #answered: number | undefined
  /** In this turn. */
  #dropped = 0

  constructor (options: InboxOptions<Via>) { this.#options = options }

  /** Answers the datagram at once or in one of the next turns, or drops it. */
  receive (data: Buffer, from: Endpoint, via: Via, socket?: UdpSocket): void {
    const { steady, answer } = this.#options
    if (steady === undefined) {
      answer(data, from, via)
      return
    }
    if (socket !== undefined) this.#arrived.set(socket, (this.#arrived.get(socket) ?? 0) + 1)
    const began = this.#turnBegan ?? this.#goOn(steady)
    if (this.#backlog.size === 0 && steady() - began < budgetWhenFlooded) answer(data, from, via)
    else if (!this.#queue(data, from, via, steady())) this.#dropped++
  }

  /** Datagrams that wait to be answered. */
  get waiting (): number { return this.#backlog.size }

  #queue (data: Buffer, from: Endpoint, via: Via, now: number): boolean {
    const mac = macFromBytes(data.subarray(chaddrOffset, chaddrOffset + 6))
    const item = [data, from, via] as const
    return this.#options.isKnown(mac) ? this.#backlog.pushKnown(item, mac) : this.#backlog.push(item, isDiscover(data), now)
  }

  /** Answers what waits, for as long as the turn may take, and goes on in the next. */
  #nextTurn (steady: () => number): void {
    const { answer, onDropped } = this.#options
    const flooded = this.#readOn(steady)
    const now = steady()
    const until = now + (flooded ? budgetWhenFlooded : budget)
    const held = Math.max(0, now - (this.#answered ?? now))
    const untilForKnown = now + Math.max(budgetOfKnown, Math.min(longestOfKnown, held * shareOfKnown))
    const dropped = this.#dropped + this.#backlog.expire(now)
    this.#dropped = 0
    if (dropped > 0) onDropped(dropped)
    try {
      do {
        const next = this.#backlog.take()
        if (next === undefined) break
        answer(...next)
      } while (steady() < (this.#backlog.known > 0 ? untilForKnown : until))
    } finally {
      // One that can't be answered takes no other along.
      this.#turnBegan = undefined
      this.#answered = this.#backlog.size > 0 ? steady() : undefined
      if (this.#backlog.size > 0) this.#goOn(steady)
    }
  }

  /** Has what waits answered in the next turn; gives when this one began. */
  #goOn (steady: () => number): number {
    const began = this.#turnBegan = steady()
    setImmediate(() => { this.#nextTurn(steady) })
    return began
  }

  /** Empties the kernel's queues of sockets that gave all that Node takes in a turn: while another part holds the loop they fill faster. */
  #readOn (steady: () => number): boolean {
    const full = [...this.#arrived].filter(([, count]) => count >= readInOneTurn).map(([socket]) => socket)
    this.#arrived.clear()
    const until = steady() + budgetOfReading
    for (const socket of full) socket.readWaiting?.(() => steady() > until)
    this.#arrived.clear()
    return full.length > 0
  }
}
