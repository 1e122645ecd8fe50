// How many connections one address, and all together, may hold. An address that holds its share loses an idle connection to
// its newcomer, or the newcomer. When all places are taken, the address that holds most loses one, if need be a busy one: who
// holds little always gets in. Where every address holds as little, a newcomer is refused, or waits where there is a line.
import type { Socket } from 'node:net'
import { AdmissionLine } from './admission-line.js'
import { networkOf } from './ipv4.js'
import type { ShareLimits } from './shares.js'
import { whenClosed } from './when-closed.js'

export interface ConnectionsOptions extends ShareLimits {
  /** Which may be closed for another one's sake: those that the first function says yes to before those of the next. */
  readonly giveWay: ReadonlyArray<(socket: Socket) => boolean>
  /** Told of one that is closed for another's sake, before it is. */
  readonly onDisplaced?: (socket: Socket) => void
  /** Where a newcomer waits whose address holds no less than the others'. */
  readonly line?: ShareLimits & {
    /** Which may be closed for one that waits, while its address holds no more than that one's. */
    readonly giveWay: (socket: Socket) => boolean
  }
}

/** Of those that wait, in a turn of the event loop: each may take a look at all that have places. */
const seatedAtOnce = 32

/** Connections of one address, the one that came or was used longest ago first. */
type Held = Set<Socket>

export class Connections {
  readonly #options: ConnectionsOptions
  /** The address that came or did something longest ago first. */
  readonly #byAddress = new Map<string, Held>()
  /** Of each that holds a place: what is asked of it with each request should not be made out anew. */
  readonly #addresses = new Map<Socket, string>()
  readonly #sizes = new Sizes()
  readonly #line: AdmissionLine
  readonly #closed = whenClosed(socket => {
    this.#line.leave(socket)
    this.release(socket)
  })

  #isHandingOver = false
  #isDismissed = false
  #refused = 0
  #displaced = 0

  constructor (options: ConnectionsOptions) {
    this.#options = options
    this.#line = new AdmissionLine(options.line ?? { all: 0, perAddress: 0 })
  }

  get count (): number { return this.#addresses.size }
  /** Newcomers that wait for a place. */
  get waiting (): number { return this.#line.count }
  /** Newcomers for whom there was no place, and connections that were closed for a newcomer. */
  get refused (): number { return this.#refused }
  get displaced (): number { return this.#displaced }

  /** Takes a place for the connection until it closes or is let go; false: there is none, and the connection has been closed. */
  admit (socket: Socket): boolean {
    const address = networkOf(socket.remoteAddress ?? '')
    if (!this.#take(socket, address)) {
      this.#refuse(socket)
      return false
    }
    socket.on('close', this.#closed)
    return true
  }

  /**
   * The same, but where all places are taken by addresses that hold no more than this one's, it waits in the line: `begin` is called when
   * it has a place, now or later. False: there is neither, and the connection has been closed.
   */
  enter (socket: Socket, begin: () => void): boolean {
    const address = networkOf(socket.remoteAddress ?? '')
    const standing = this.#standing(address)
    const goesFirst = standing !== 'even' || this.#line.count === 0
    if (goesFirst && this.#take(socket, address, this.#giveWayTo(standing))) {
      socket.on('close', this.#closed)
      begin()
      return true
    }
    const joined = standing === 'over' || this.#isDismissed ? undefined : this.#line.join({ socket, address, begin })
    if (joined === undefined) {
      this.#refuse(socket)
      return false
    }
    if (joined.left !== undefined) this.#refuse(joined.left.socket)
    socket.on('close', this.#closed)
    return true
  }

  /** Gives places to those who wait, as far as there are any or somebody may lose one: to be called now and then while any wait. */
  seat (): void {
    /** Who holds less than these may still find somebody that holds more. */
    let notFor = Infinity
    for (let seated = 0; seated < seatedAtOnce;) {
      const next = this.#line.next(address => this.#heldBy(address) < notFor)
      if (next === undefined) return
      const { socket, address, begin } = next
      const standing = this.#standing(address)
      if (standing === 'over') {
        this.#line.leave(socket)
        this.#refuse(socket)
      } else if (this.#take(socket, address, this.#giveWayTo(standing))) {
        this.#line.served(next)
        begin()
        seated++
      } else {
        notFor = this.#heldBy(address)
      }
    }
    this.#handOver()
  }

  /** Closes all that wait; nobody waits from now on. */
  dismiss (): void {
    this.#isDismissed = true
    for (const { socket } of this.#line.clear()) this.#refuse(socket)
  }

  /** The connection was used: of those that are idle it is the last to give way. */
  used (socket: Socket): void {
    const address = this.#addresses.get(socket)
    const held = address === undefined ? undefined : this.#byAddress.get(address)
    if (address === undefined || held === undefined) return
    held.delete(socket)
    this.#byAddress.delete(address)
    this.#byAddress.set(address, held.add(socket))
  }

  /** Gives the connection's place back, though it goes on. */
  release (socket: Socket): void {
    const address = this.#addresses.get(socket)
    const held = address === undefined ? undefined : this.#byAddress.get(address)
    if (address === undefined || held === undefined) return
    held.delete(socket)
    this.#sizes.changed(held.size + 1, held.size)
    this.#addresses.delete(socket)
    if (held.size === 0) this.#byAddress.delete(address)
    this.#handOver()
  }

  #heldBy (address: string): number { return this.#byAddress.get(address)?.size ?? 0 }

  /** Of an address among the others: it has its share, it holds so much less that even a busy one gives way to it, or neither. */
  #standing (address: string): 'over' | 'under' | 'even' {
    const own = this.#heldBy(address)
    if (own >= this.#options.perAddress) return 'over'
    // At a difference of one, two addresses would push each other's busy ones out for ever.
    return this.count >= this.#options.all && this.#sizes.highest > own + 1 ? 'under' : 'even'
  }

  /** What gives way to one that can wait. */
  #giveWayTo (standing: 'over' | 'under' | 'even'): ConnectionsOptions['giveWay'] {
    const { giveWay, line } = this.#options
    return standing === 'even' && line !== undefined ? [line.giveWay] : giveWay
  }

  #take (socket: Socket, address: string, giveWay = this.#options.giveWay): boolean {
    const own = this.#byAddress.get(address)
    const standing = this.#standing(address)
    if (standing === 'over' || this.count >= this.#options.all) {
      const isMost = standing === 'over' || this.#sizes.highest === (own?.size ?? 0)
      const from = !isMost ? this.#largest() : own === undefined ? [] : [own]
      if (!this.#makeRoom(from, standing === 'under' ? [...giveWay, () => true] : giveWay)) return false
    }
    const held = this.#byAddress.get(address) ?? new Set()
    this.#byAddress.set(address, held.add(socket))
    this.#sizes.changed(held.size - 1, held.size)
    this.#addresses.set(socket, address)
    return true
  }

  #refuse (socket: Socket): void {
    this.#refused++
    socket.destroy()
  }

  #makeRoom (from: readonly Held[], giveWay: ConnectionsOptions['giveWay']): boolean {
    let victim: Socket | undefined
    for (const may of giveWay) victim ??= firstOf(from, may)
    if (victim === undefined) return false
    this.#displaced++
    this.release(victim)
    this.#options.onDisplaced?.(victim)
    victim.destroy()
    return true
  }

  /** A place is free, unless it was made for a newcomer: in a turn of its own, when that one has it. */
  #handOver (): void {
    if (this.#isHandingOver || this.#line.count === 0) return
    this.#isHandingOver = true
    setImmediate(() => {
      this.#isHandingOver = false
      this.seat()
    })
  }

  /** Of the addresses that hold most; the one that came first is first. */
  #largest (): readonly Held[] {
    return [...this.#byAddress.values()].filter(({ size }) => size === this.#sizes.highest)
  }
}

/** How many addresses hold so many connections. */
class Sizes {
  readonly #counts: number[] = [0]
  #highest = 0

  get highest (): number { return this.#highest }

  changed (before: number, after: number): void {
    if (before > 0) this.#counts[before]!--
    this.#counts[after] = (this.#counts[after] ?? 0) + 1
    this.#highest = Math.max(this.#highest, after)
    while (this.#highest > 0 && this.#counts[this.#highest] === 0) this.#highest--
  }
}

function firstOf (from: readonly Held[], may: (socket: Socket) => boolean): Socket | undefined {
  for (const held of from) for (const socket of held) if (may(socket)) return socket
  return undefined
}
