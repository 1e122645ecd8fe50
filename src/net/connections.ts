// How many connections one address, and all together, may hold. An address that holds its share loses an idle connection to
// its newcomer, or the newcomer. When all places are taken, the address that holds most loses one, if need be a busy one: who
// holds little always gets in, unless strangers come from as many addresses as there are places.
import type { Socket } from 'node:net'
import { type ShareLimits, networkOf } from './shares.js'

export interface ConnectionsOptions extends ShareLimits {
  /** Which may be closed for another one's sake: those that the first function says yes to before those of the next. */
  readonly giveWay: ReadonlyArray<(socket: Socket) => boolean>
  /** Told of one that is closed for another's sake, before it is. */
  readonly onDisplaced?: (socket: Socket) => void
}

/** Connections of one address, the one that came or was used longest ago first. */
type Held = Set<Socket>

export class Connections {
  readonly #options: ConnectionsOptions
  /** The address that came or did something longest ago first. */
  readonly #byAddress = new Map<string, Held>()
  #count = 0
  #refused = 0
  #displaced = 0

  constructor (options: ConnectionsOptions) { this.#options = options }

  get count (): number { return this.#count }
  /** Newcomers for whom there was no place, and connections that were closed for a newcomer. */
  get refused (): number { return this.#refused }
  get displaced (): number { return this.#displaced }

  /** Takes a place for the connection until it closes or is let go; false: there is none, and the connection has been closed. */
  admit (socket: Socket): boolean {
    const address = networkOf(socket.remoteAddress ?? '')
    const own = this.#byAddress.get(address)
    const full = (own?.size ?? 0) >= this.#options.perAddress
    const crowded = this.#count >= this.#options.all
    const larger = full || !crowded ? [] : this.#largest(own?.size ?? 0)
    // At a difference of one, two addresses would push each other's busy ones out for ever.
    const evenBusy = (larger[0]?.size ?? 0) > (own?.size ?? 0) + 1
    if ((full || crowded) && !this.#makeRoom(larger.length > 0 || own === undefined ? larger : [own], evenBusy)) {
      this.#refused++
      socket.destroy()
      return false
    }
    const held = this.#byAddress.get(address) ?? new Set()
    this.#byAddress.set(address, held.add(socket))
    this.#count++
    socket.once('close', () => { this.release(socket, address) })
    return true
  }

  /** The connection was used: of those that are idle it is the last to give way. */
  used (socket: Socket): void {
    const address = networkOf(socket.remoteAddress ?? '')
    const held = this.#byAddress.get(address)
    if (held?.delete(socket) !== true) return
    this.#byAddress.delete(address)
    this.#byAddress.set(address, held.add(socket))
  }

  /** Gives the connection's place back, though it goes on. */
  release (socket: Socket, address = networkOf(socket.remoteAddress ?? '')): void {
    const held = this.#byAddress.get(address)
    if (held?.delete(socket) !== true) return
    this.#count--
    if (held.size === 0) this.#byAddress.delete(address)
  }

  #makeRoom (from: readonly Held[], evenBusy: boolean): boolean {
    let victim: Socket | undefined
    for (const may of evenBusy ? [...this.#options.giveWay, () => true] : this.#options.giveWay) {
      victim ??= firstOf(from, may)
    }
    if (victim === undefined) return false
    this.#displaced++
    this.release(victim)
    this.#options.onDisplaced?.(victim)
    victim.destroy()
    return true
  }

  /** Of the addresses that hold most, if they hold more than `own`; the one that came first is first. */
  #largest (own: number): readonly Held[] {
    let most = own
    for (const { size } of this.#byAddress.values()) most = Math.max(most, size)
    return most === own ? [] : [...this.#byAddress.values()].filter(({ size }) => size === most)
  }
}

function firstOf (from: readonly Held[], may: (socket: Socket) => boolean): Socket | undefined {
  for (const held of from) for (const socket of held) if (may(socket)) return socket
  return undefined
}
