// Who has a place for a transfer, and who gives it up for another: so many of one address and in all. Who comes when they are taken
// waits in silence (waiting-line.ts): an ERROR ends a boot, and a client that hears nothing asks again.
import type { Clock } from '../base/clock.js'
import type { UdpSocket } from '../net/udp.js'
import { LeftTransfers } from './left-transfers.js'
import type { Packet } from './packet.js'
import type { TransferSession } from './transfer-session.js'
import { WaitingLine } from './waiting-line.js'
import type { Resumption, WantedTransfer } from './wanted-transfer.js'

/** A machine room that powers on together, with room to spare; a NAT or a host of virtual machines is one client. */
export const defaultMaxTransfers = 1024
export const defaultMaxTransfersPerClient = 512
/** Of one client where three quarters of the places are taken: the last quarter is for those who come with less. */
export const transfersWhenCrowded = 128

/**
 * Milliseconds that a client has for its first answer before its transfer may have to give way: many times what one takes on a LAN.
 * Twice what our own loop is late comes on top: our answer leaves late then, and the client's is heard late.
 */
const timeToConfirm = 200
/** Milliseconds: a clock that was set is no loop that was held. */
const mostLate = 1000

/** Milliseconds under way after which a transfer that goes on gives way too, to an address that holds fewer: a loader takes less. */
export const longAfter = 30_000

/** More than one address can hold. */
const aboveAll = 1e6

/** A transfer from the time on at which it has its place; `session` is there once its file is open. */
export interface TransferSlot {
  readonly asked: WantedTransfer
  session: TransferSession | undefined
  /** Where its client is answered from, and with which file (servedFile). */
  served: Pick<Resumption, 'socket' | 'file'> | undefined
  /** It has left its place to another transfer, without its client having been silent for long: who is there is heard of soon. */
  isExpected: boolean
  /** Its place is free again, since it ended or another request took it: what is still under way for it comes to nothing. */
  released: boolean
}

export interface PlacesOptions {
  readonly maxTransfers?: number
  readonly maxTransfersPerClient?: number
  readonly clock: Clock
  /** Whether an address is a machine's that DHCP or the registry knows, and not only somebody's who says so. */
  readonly isKnown: (address: string) => boolean
  /** Reads what clients have said that was not heard yet. */
  readonly hear: () => void
  /** Opens the file and starts the transfer. */
  readonly begin: (slot: TransferSlot) => void
  /** A request that waited left the line without a transfer. */
  readonly onDropped: (asked: WantedTransfer) => void
}

export class TransferPlaces {
  readonly #options: PlacesOptions
  readonly #most: number
  readonly #mostOfOne: number
  readonly #slots = new Map<string, TransferSlot>()
  readonly #perClient = new Map<string, number>()
  readonly #line = new WaitingLine<WantedTransfer>()
  readonly #left = new LeftTransfers()
  #ticked: number | undefined
  /** Milliseconds by which the last looks at the deadlines came late. */
  #late = 0
  /** Found since the last look at the deadlines: nobody gives way, to anybody or to one of the same address. */
  #firm = false
  #firmWithin = false
  #admitting = false
  #closed = false
  /** Told when the last transfer is over. */
  #onIdle: () => void = () => {}

  constructor (options: PlacesOptions) {
    this.#options = options
    this.#most = options.maxTransfers ?? defaultMaxTransfers
    this.#mostOfOne = options.maxTransfersPerClient ?? defaultMaxTransfersPerClient
  }

  /** Transfers under way. */
  get size (): number { return this.#slots.size }
  /** Requests that wait for their turn. */
  get waiting (): number { return this.#line.size }
  /** Whether a client may still come back whose transfer gave way. */
  expectsAnybody (now: number): boolean { return this.#left.expectsAnybody(now) }
  get (key: string): TransferSlot | undefined { return this.#slots.get(key) }

  /** What becomes of a request; `repeated` is one that has its transfer, or its turn, already. */
  ask (asked: WantedTransfer): 'begins' | 'waits' | 'repeated' {
    const before = this.#slots.get(asked.key)
    if (before === undefined) return this.#enter(asked)
    const isSame = before.asked.bytes.equals(asked.bytes)
    if (isSame && before.session?.restartable !== true) return 'repeated'
    before.isExpected = isSame
    this.#replace(before, session => { session.replace() }, asked)
    return 'begins'
  }

  /**
   * What a client says, in `packet`, to a socket where it has no transfer: undefined when it had none there that may go on, else
   * what becomes of that one; `passed` is what changes nothing.
   */
  hearAgain (key: string, socket: UdpSocket, packet: Packet): 'begins' | 'waits' | 'repeated' | 'passed' | undefined {
    if (!this.#left.isOn(key, socket)) return undefined
    if (packet.opcode === 'ERROR') {
      this.#left.remove(key)
      const waiting = this.#line.get(key)
      if (waiting?.resumption !== undefined) this.#line.remove(waiting)
    }
    const resumed = packet.opcode === 'ACK' ? this.#left.resumed(key, socket, packet.block) : undefined
    if (resumed === undefined) return 'passed'
    const before = this.#slots.get(key)
    if (before === undefined) return this.#enter(resumed)
    // The same request, repeated, has a transfer since; where its client answers there is where it goes on.
    if (before.session === undefined || before.session.answered || !before.asked.bytes.equals(resumed.bytes)) return 'passed'
    this.#replace(before, session => { this.#end(before, session) }, resumed)
    return 'begins'
  }

  /** Whether it is certain that nobody with one of these transfer identifiers has a transfer, waits for one, or had one that may go on. */
  areUnknown (keys: readonly string[], address: string): boolean {
    const isKnown = (key: string): boolean => this.#slots.has(key) || this.#line.get(key) !== undefined || this.#left.has(key)
    return this.#left.isComplete(address) && !keys.some(isKnown)
  }

  /** One whose client has none. */
  #enter (asked: WantedTransfer): 'begins' | 'waits' | 'repeated' {
    const { key, address, bytes } = asked
    // Places that are free while others are admitted are for these.
    if (!this.#admitting && this.#slots.size < this.#most && this.#isFree(address)) {
      this.#begin(asked)
      return 'begins'
    }
    const waited = this.#line.get(key) !== undefined
    // A piece of its own: what a datagram is cut from is larger than what waits may hold.
    const dropped = this.#line.put({ ...asked, bytes: Buffer.from(bytes) }, this.#options.isKnown(address), this.#options.clock.now())
    if (dropped !== undefined) this.#options.onDropped(dropped)
    this.#admit()
    if (this.#slots.has(key)) return 'begins'
    return waited ? 'repeated' : 'waits'
  }

  /** Another transfer for the same client, which keeps its place. */
  #replace (before: TransferSlot, end: (session: TransferSession) => void, asked: WantedTransfer): void {
    const wasAdmitting = this.#admitting
    this.#admitting = true
    try {
      if (before.session !== undefined) end(before.session)
      this.release(before)
    } finally {
      this.#admitting = wasAdmitting
    }
    this.#begin(asked)
  }

  /** Frees the slot's place, whatever state it is in; once. */
  release (slot: TransferSlot): void {
    if (slot.released) return
    const { key, address } = slot.asked
    slot.released = true
    this.#slots.delete(key)
    const { asked, session, served, isExpected } = slot
    if (session?.mayReturn === true && served !== undefined) {
      const { isKnown, clock } = this.#options
      this.#left.remember({ ...served, asked, progress: session.progress, isExpected }, isKnown(address), clock.now())
    } else if (session !== undefined) this.#left.remove(key)
    const left = this.#held(address) - 1
    if (left > 0) this.#perClient.set(address, left)
    else this.#perClient.delete(address)
    if (this.#line.size > 0) this.#admit()
    if (this.#slots.size === 0) this.#onIdle()
  }

  /** Looks at the clock: to be called every `every` milliseconds while there is anybody. */
  tick (now: number, every: number): void {
    const late = Math.max(0, now - (this.#ticked ?? now) - every)
    this.#late = Math.min(mostLate, Math.max(late, this.#late / 2))
    this.#ticked = now
    for (const slot of this.#slots.values()) slot.session?.tick(now)
    for (const asked of this.#line.forget(now)) this.#options.onDropped(asked)
    this.#left.forget(now)
    this.#firm = this.#firmWithin = false
    if (this.#line.size > 0) this.#admit()
  }

  /** There was nobody for a while, in which nobody looked at the clock. */
  rest (): void {
    this.#ticked = undefined
    this.#left.clear()
  }

  /** Has nobody wait any more, and is done when the last transfer is, of which `stop` ends those that are under way after `graceMs`. */
  async close (graceMs: number, stop: (session: TransferSession) => void): Promise<void> {
    this.#closed = true
    if (this.#slots.size === 0) return
    const idle = new Promise<void>(resolve => { this.#onIdle = resolve })
    const stopAll = (): void => {
      for (const slot of this.#slots.values()) {
        if (slot.session === undefined) this.release(slot)
        else stop(slot.session)
      }
    }
    const patience = graceMs > 0 ? this.#options.clock.after(graceMs, stopAll) : undefined
    if (graceMs <= 0) stopAll()
    await idle
    patience?.cancel()
  }

  #held (address: string): number { return this.#perClient.get(address) ?? 0 }

  /** Whether the address may have one more, if there is a place. */
  #isFree (address: string): boolean {
    const most = this.#slots.size >= this.#most * 3 / 4 ? Math.min(this.#mostOfOne, transfersWhenCrowded) : this.#mostOfOne
    return this.#held(address) < most
  }

  #begin (asked: WantedTransfer): void {
    const slot: TransferSlot = { asked, session: undefined, served: undefined, isExpected: false, released: false }
    this.#slots.set(asked.key, slot)
    this.#line.remove(asked)
    this.#left.removeOther(asked.key, asked.bytes)
    this.#perClient.set(asked.address, this.#held(asked.address) + 1)
    this.#options.begin(slot)
  }

  /** Gives places to those who wait, as long as there are any or somebody gives way. */
  #admit (): void {
    if (this.#admitting || this.#closed) return
    this.#admitting = true
    try {
      for (let next = this.#next(); next !== undefined; next = this.#next()) {
        if (this.#slots.size >= this.#most && !this.#makeRoom(next.address)) break
        // Its client may have said something meanwhile.
        const current = this.#line.get(next.key)
        if (current === undefined) continue
        this.#begin(current)
      }
    } finally {
      this.#admitting = false
    }
  }

  /** Those come first who hold nothing: for them most of the others give way. */
  #next (): WantedTransfer | undefined {
    return this.#line.first(address => !this.#perClient.has(address)) ??
      this.#line.first(address => this.#isFree(address)) ??
      this.#nextOfItsOwn()
  }

  /** One whose address has what it may have, and loses one of these. */
  #nextOfItsOwn (): WantedTransfer | undefined {
    if (this.#firmWithin) return undefined
    const found = this.#line.first(address => this.#giveWay(address, true))
    this.#firmWithin = found === undefined
    return found
  }

  #makeRoom (address: string): boolean {
    if (this.#firm) return false
    // What clients said while the loop was busy ends transfers, and confirms others, before one of them has to give way.
    this.#options.hear()
    if (this.#slots.size < this.#most || this.#giveWay(address, false)) return true
    this.#firm = true
    return false
  }

  /**
   * Ends one transfer for the sake of a new one. First goes one that its client never confirmed, of the address that holds
   * the most: requests are cheap to send, also in the name of others. Then one that has stalled, and one that has been under way for
   * long, of an address that holds more than the one that asks. False when there is none.
   */
  #giveWay (address: string, ofThatAddress: boolean): boolean {
    const now = this.#options.clock.now()
    const mine = this.#held(address)
    let best: TransferSlot | undefined
    let bestRank = 0
    for (const slot of this.#slots.values()) {
      const { session, asked } = slot
      if (session === undefined || (ofThatAddress && asked.address !== address)) continue
      const held = this.#held(asked.address)
      const age = Math.abs(now - session.started)
      const unconfirmed = !session.heard && age >= timeToConfirm + 2 * this.#late
      const holdsMore = held > mine + 1
      const rank = unconfirmed ? 2 * aboveAll + held : !holdsMore ? 0 : session.stalled ? aboveAll + held : age >= longAfter ? held : 0
      if (rank > bestRank) [best, bestRank] = [slot, rank]
    }
    if (best?.session !== undefined) this.#end(best, best.session)
    return best !== undefined
  }

  #end (slot: TransferSlot, session: TransferSession): void {
    slot.isExpected = true
    session.giveWay()
  }
}
